"""Commands and files on a host over SSH."""

from __future__ import annotations

import contextlib
import math
import posixpath
import shlex
import stat
import threading
import uuid
from collections.abc import Callable, Sequence
from typing import TypeVar

import paramiko

from workers.drivers.base import QUICK_SECONDS, CommandResult, HostAddress
from workers.drivers.errors import CommandFailed, DriverError, HostUnreachable, PoolFull
from workers.drivers.hosts.local import from_os_error
from workers.drivers.hosts.rules import (
    ENVIRONMENT,
    OUTPUT_LIMIT,
    Clock,
    check_argv,
    check_data,
    check_path,
    check_removable,
)
from workers.drivers.hosts.ssh_connection import GRACE_SECONDS, ConnectionLost, connection_to
from workers.drivers.hosts.ssh_handshake import scan_host_key

__all__ = ["SshCommands", "scan_host_key"]

_CHUNK = 32768
_KILLED = 137
T = TypeVar("T")


class SshCommands:
    """The connection belongs to the process: any number of these objects share it, in any thread.

    SSH carries one string, not an argument list, so the login shell must be a POSIX shell; this
    class is the only place that quotes for it. `timeout` on the host's side ends a command at its
    deadline even if the connection is gone by then.
    """

    def __init__(self, host: HostAddress) -> None:
        self._host = host

    def run(
        self, argv: Sequence[str], *, stdin: bytes = b"", deadline: float = QUICK_SECONDS
    ) -> CommandResult:
        """A command that loses its connection is not repeated: it may have run."""
        check_argv(argv)
        check_data(stdin)
        clock = Clock(deadline)
        with connection_to(self._host).channel(clock) as channel:
            channel.exec_command(_shell_line(argv, len(stdin), clock))
            exchange = _Exchange(channel, stdin, argv[0], Clock(clock.left() + GRACE_SECONDS))
            stdout, stderr = exchange.until_end()
            code = exchange.exit_code()
        if code is None:
            # no word from the host although it had to end the command: do not trust the connection
            connection_to(self._host).drop()
        if code is None or (code == _KILLED and not clock.left()):
            raise clock.over(argv[0])
        return CommandResult(code, stdout, stderr)

    def write_file(self, path: str, data: bytes, *, mode: int = 0o600) -> None:
        path = check_path(path)
        check_data(data)
        folder, name = posixpath.split(path)
        temporary = posixpath.join(folder, f".{name}.{uuid.uuid4().hex}.tmp")

        def act(sftp: paramiko.SFTPClient) -> None:
            try:
                with sftp.open(temporary, "wx") as file:
                    file.chmod(mode)
                    # not pipelined: then paramiko would not say that a write failed
                    file.write(data)
                sftp.posix_rename(temporary, path)
            except OSError:
                with contextlib.suppress(OSError):
                    sftp.remove(temporary)
                raise

        try:
            self._with_files(f"write {path}", act)
        except CommandFailed as error:
            # SFTP has no word for a full disk, and what was written of the file is gone again
            if self._free_bytes(folder) < len(data):
                raise PoolFull(error.technical) from error
            raise

    def read_file(self, path: str, *, offset: int = 0, limit: int = 65536) -> bytes:
        path = check_path(path)

        def act(sftp: paramiko.SFTPClient) -> bytes:
            facts = sftp.stat(path)
            if not stat.S_ISREG(facts.st_mode or 0):
                raise CommandFailed(f"read {path}: not a regular file")
            with sftp.open(path, "rb") as file:
                file.seek(offset if offset >= 0 else max(0, (facts.st_size or 0) + offset))
                return file.read(limit)

        return self._with_files(f"read {path}", act)

    def remove(self, path: str) -> None:
        path = check_removable(path)
        done = self.run(["rm", "-rf", "--one-file-system", "--", path])
        if done.exit_code:
            raise CommandFailed(f"remove {path}: {done.stderr.decode(errors='replace')}")

    def close(self) -> None:
        """Hang up: for all who share the connection. The next call opens a new one."""
        self.drop()

    def drop(self) -> None:
        """As `close`; never blocks, so it may be called for a host that hangs."""
        connection_to(self._host).drop()

    def _with_files(self, what: str, act: Callable[[paramiko.SFTPClient], T]) -> T:
        """File verbs can be done twice, so one that loses its connection is repeated, once."""
        clock = Clock(QUICK_SECONDS)
        try:
            return self._try_with_files(what, act, clock)
        except ConnectionLost:
            return self._try_with_files(what, act, clock)

    def _try_with_files(self, what: str, act: Callable[[paramiko.SFTPClient], T], clock: Clock) -> T:
        with connection_to(self._host).files(clock) as sftp:
            channel = sftp.get_channel()
            try:
                return act(sftp)
            except TimeoutError:
                raise
            except OSError as error:
                if channel is None or channel.closed:
                    raise EOFError(str(error)) from error
                raise from_os_error(error, what) from error

    def _free_bytes(self, folder: str) -> float:
        """Infinite, if the host does not say."""
        with contextlib.suppress(DriverError, ValueError):
            said = self.run(["stat", "--file-system", "--format=%a %S", "--", folder]).stdout
            blocks, block_bytes = said.split()
            return int(blocks) * int(block_bytes)
        return math.inf


def _shell_line(argv: Sequence[str], stdin_bytes: int, clock: Clock) -> str:
    """Runs in a shell that outlives `timeout`, so that death by a signal arrives as 128 + n.

    The host counts the input itself and takes all of it, read or not. So we never send anything,
    not even an end of file, while the host may be closing the channel: paramiko could then send
    it after its own close, upon which sshd ends the whole connection.
    """
    surroundings = f"cd / && export PATH={ENVIRONMENT['PATH']} LC_ALL={ENVIRONMENT['LC_ALL']}"
    command = f"timeout --signal=KILL -- {max(0.1, clock.left()):.3f} {shlex.join(argv)}"
    if not stdin_bytes:
        return f"{surroundings} && {command} </dev/null; exit $?"
    rest = "code=$?; cat >/dev/null; exit $code"
    return f"{surroundings} && head -c {stdin_bytes} | {{ {command}; {rest}; }}; exit $?"


class _Bell(threading.Event):
    """What paramiko rings when a stream has data or has ended. (`Channel.fileno` would do as well,
    but after its close paramiko may write to a file number that is another's by then.)"""

    def __init__(self, news: threading.Event) -> None:
        super().__init__()
        self._news = news

    def set(self) -> None:
        self._news.set()

    def clear(self) -> None:
        """The reader takes the news off itself, for two streams share them."""


class _Exchange:
    """Feeds a remote command and reads it, both bounded.

    `grace` ends later than the command's deadline: the host gets the chance to say that it ended it.
    """

    def __init__(self, channel: paramiko.Channel, stdin: bytes, name: str, grace: Clock) -> None:
        self._channel = channel
        self._pending = memoryview(stdin)
        self._name = name
        self._grace = grace
        self._stdout, self._stderr = bytearray(), bytearray()
        self._news = threading.Event()
        for buffer in (channel.in_buffer, channel.in_stderr_buffer):
            buffer.set_event(_Bell(self._news))

    def until_end(self) -> tuple[bytes, bytes]:
        """All the command said, once it closed its output (or ended and left it to a daemon)."""
        linger: Clock | None = None
        while self._grace.left() and not (linger and not linger.left()):
            self._news.clear()
            ended = self._channel.eof_received or self._channel.closed
            self._drain()
            if ended:
                break
            if self._channel.exit_status_ready():
                linger = linger or Clock(GRACE_SECONDS / 4)
            self._news.wait(0.02 if self._feed() else min(0.2, self._grace.left()))
        return bytes(self._stdout), bytes(self._stderr)

    def exit_code(self) -> int | None:
        """None: the host did not say within the deadline and the grace."""
        self._channel.status_event.wait(self._grace.left())
        code = self._channel.exit_status
        if code >= 0:
            return code
        if self._grace.left():
            raise HostUnreachable(f"{self._name}: the connection was lost before it ended")
        return None

    def _drain(self) -> None:
        channel = self._channel
        while channel.recv_ready():
            self._stdout += channel.recv(_CHUNK)
            self._check(self._stdout)
        while channel.recv_stderr_ready():
            self._stderr += channel.recv_stderr(_CHUNK)
            self._check(self._stderr)

    def _check(self, kept: bytearray) -> None:
        if len(kept) > OUTPUT_LIMIT:
            raise CommandFailed(f"{self._name} said more than {OUTPUT_LIMIT} bytes")

    def _feed(self) -> bool:
        """Send what fits; whether there is more to send."""
        while self._pending and self._channel.send_ready():
            self._pending = self._pending[self._channel.send(bytes(self._pending[:_CHUNK])) :]
        return bool(self._pending)
