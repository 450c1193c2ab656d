"""Commands on the machine the worker runs on, as the worker's own user."""

from __future__ import annotations

import contextlib
import errno
import os
import selectors
import shutil
import signal
import stat
import subprocess
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, cast

from workers.drivers.base import QUICK_SECONDS, CommandResult
from workers.drivers.errors import CommandFailed, DriverError, ObjectMissing, PoolFull
from workers.drivers.hosts.rules import (
    ENVIRONMENT,
    NOT_EXECUTABLE,
    NOT_FOUND,
    OUTPUT_LIMIT,
    Clock,
    check_argv,
    check_data,
    check_path,
    check_removable,
)

_CHUNK = 65536


class LocalCommands:
    """One spawn a command, no shell. On a deadline the command's whole process group is killed."""

    def run(
        self, argv: Sequence[str], *, stdin: bytes = b"", deadline: float = QUICK_SECONDS
    ) -> CommandResult:
        check_argv(argv)
        check_data(stdin)
        clock = Clock(deadline)
        try:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd="/",
                env=ENVIRONMENT,
                start_new_session=True,
                bufsize=0,
            )
        except FileNotFoundError:
            return CommandResult(NOT_FOUND, b"", f"{argv[0]}: not found\n".encode())
        except OSError as error:
            return CommandResult(NOT_EXECUTABLE, b"", f"{argv[0]}: {error.strerror}\n".encode())
        try:
            stdout, stderr = _Exchange(process, stdin).until_exit(clock)
        finally:
            _end(process)
        code = process.returncode
        return CommandResult(code if code >= 0 else 128 - code, stdout, stderr)

    def write_file(self, path: str, data: bytes, *, mode: int = 0o600) -> None:
        target = Path(check_path(path))
        check_data(data)
        temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}.tmp")
        with _errors(f"write {path}"):
            try:
                handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
                with os.fdopen(handle, "wb") as file:
                    os.fchmod(handle, mode)
                    file.write(data)
                temporary.replace(target)
            except OSError:
                temporary.unlink(missing_ok=True)
                raise

    def read_file(self, path: str, *, offset: int = 0, limit: int = _CHUNK) -> bytes:
        with _errors(f"read {path}"), os.fdopen(_open_regular(check_path(path)), "rb") as file:
            if offset < 0:
                offset = max(0, os.fstat(file.fileno()).st_size + offset)
            file.seek(offset)
            return file.read(limit)

    def remove(self, path: str) -> None:
        target = Path(check_removable(path))
        with _errors(f"remove {path}"), contextlib.suppress(FileNotFoundError):
            if target.is_dir() and not target.is_symlink():
                shutil.rmtree(target)
            else:
                target.unlink()

    def close(self) -> None:
        """Nothing is kept open."""

    def drop(self) -> None:
        """Nothing is kept open."""


class _Exchange:
    """Feeds a process and reads it, both bounded, until it exits.

    Its exit is seen by a pidfd, so a grandchild that keeps the pipes open holds nobody up.
    """

    def __init__(self, process: subprocess.Popen[bytes], stdin: bytes) -> None:
        self._process = process
        self._name = str(cast("Sequence[str]", process.args)[0])
        self._pending = memoryview(stdin)
        outputs = (process.stdout, process.stderr)
        self._kept = {cast("IO[bytes]", pipe).fileno(): bytearray() for pipe in outputs}

    def until_exit(self, clock: Clock) -> tuple[bytes, bytes]:
        pidfd = os.pidfd_open(self._process.pid)
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(pidfd, selectors.EVENT_READ)
                for pipe in self._kept:
                    os.set_blocking(pipe, False)
                    selector.register(pipe, selectors.EVENT_READ)
                if self._process.stdin is not None:
                    os.set_blocking(self._process.stdin.fileno(), False)
                    selector.register(self._process.stdin.fileno(), selectors.EVENT_WRITE)
                self._exchange(selector, pidfd, clock)
        finally:
            os.close(pidfd)
        stdout, stderr = self._kept.values()
        return bytes(stdout), bytes(stderr)

    def _exchange(self, selector: selectors.BaseSelector, pidfd: int, clock: Clock) -> None:
        ready: set[int] = set()
        while pidfd not in ready:
            ready = {key.fd for key, _ in selector.select(clock.left())}
            if not clock.left():
                raise clock.over(self._name)
            for pipe in ready - {pidfd}:
                more = self._drain(pipe, clock) if pipe in self._kept else self._feed(pipe)
                if not more:
                    selector.unregister(pipe)
        for pipe in self._kept:
            self._drain(pipe, clock)

    def _feed(self, pipe: int) -> bool:
        """Write what fits; False once all is written, or nobody reads any more."""
        try:
            self._pending = self._pending[os.write(pipe, self._pending[:_CHUNK]) :]
        except BlockingIOError:
            return True
        except BrokenPipeError:
            self._pending = self._pending[:0]
        if self._pending:
            return True
        cast("IO[bytes]", self._process.stdin).close()
        return False

    def _drain(self, pipe: int, clock: Clock) -> bool:
        """Read what is there; False at the end of the stream."""
        kept = self._kept[pipe]
        while clock.left():
            try:
                chunk = os.read(pipe, _CHUNK)
            except BlockingIOError:
                return True
            if not chunk:
                return False
            kept += chunk
            if len(kept) > OUTPUT_LIMIT:
                raise CommandFailed(f"{self._name} said more than {OUTPUT_LIMIT} bytes")
        raise clock.over(self._name)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Close the pipes; kill the group of a process that still runs, and reap it."""
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        # a process inside a hanging file system call dies only once that returns
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=1)


def _open_regular(path: str) -> int:
    """Never wait for the other end of a pipe, nor read a device without end."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "not a regular file")
    return handle


@contextlib.contextmanager
def _errors(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise from_os_error(error, what) from error


def from_os_error(error: OSError, what: str) -> DriverError:
    """Which of our errors an `errno` is, whatever the way to the host."""
    technical = f"{what}: {error.strerror or error}"
    if error.errno in {errno.ENOENT, errno.ENOTDIR}:
        return ObjectMissing(technical)
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return PoolFull(technical)
    return CommandFailed(technical)
