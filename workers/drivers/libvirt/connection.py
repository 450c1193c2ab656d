"""libvirt connections: one for each host and process, shared by its threads.

Opening takes 300 ms over SSH, a call on an open connection less than one, so a connection is kept
until it is found dead. A call that finds it dead opens another one, once, and is repeated there:
every verb is idempotent.

`drop` ends everything that was begun before it: calls that hang on a lost host come back with an
error, calls that wait for the connection give up, and neither is repeated. It never waits. The C
object is freed by whoever lets go of it last, since freeing says goodbye to the host and may hang.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

import libvirt

from workers.drivers.base import HostAddress, MachineState
from workers.drivers.errors import DriverError, HostUnreachable, HypervisorRefused
from workers.drivers.libvirt.errors import connection_is_lost, from_libvirt
from workers.drivers.libvirt.ssh import SshTransport, kill_child

T = TypeVar("T")

KEEPALIVE_SECONDS = 5
KEEPALIVE_MISSES = 3
"""A host that answers nothing for 5 x 3 seconds is lost, whatever TCP thinks."""

_DIRECT_SCHEMES = {"qemu", "qemu+unix", "qemu+tls"}


@dataclass(slots=True)
class Session:
    """An open connection and what was learned through it: both end together."""

    raw: libvirt.virConnect
    ssh_pid: int | None = None
    machines: dict[tuple[bytes, str], MachineState] = field(default_factory=dict)
    """Each machine as it was last seen, by uuid and name: whether it is ours is asked once."""
    direct_io: dict[str, bool] = field(default_factory=dict)
    """Whether files in a folder can be opened past the page cache."""
    accelerators: tuple[str, ...] | None = None
    console_folder_made: bool = False


class _FoundDeadError(Exception):
    """A kept connection turned out to be lost."""


class Connection:
    """The way to one host. Threads may call and drop at the same time."""

    def __init__(self, host: HostAddress) -> None:
        self._host = host
        self._state = threading.Lock()
        self._opening = threading.Lock()
        self._session: Session | None = None
        self._transport: SshTransport | None = None
        self._drops = 0

    def call(self, act: Callable[[Session], T]) -> T:
        """Run `act` on the open connection; libvirt's errors come out as ours."""
        drops = self._drops
        try:
            return self._attempt(act, drops)
        except _FoundDeadError:
            return self._attempt(act, drops, again=True)

    def _attempt(self, act: Callable[[Session], T], drops: int, *, again: bool = False) -> T:
        session, kept = self._open_session(drops)
        try:
            return act(session)
        except libvirt.libvirtError as error:
            if not self._is_lost(session, error):
                raise from_libvirt(error) from error
            if kept and not again:
                raise _FoundDeadError from error
            raise _unreachable(error) from error

    def drop(self) -> None:
        """Let the connection go and free whoever hangs on it. The next call opens another."""
        with self._state:
            self._drops += 1
            transport, pids = self._transport, []
            if transport is not None:
                pids.append(transport.pid())
            session, self._session = self._session, None
        if session is not None:
            pids.append(session.ssh_pid)
        for pid in pids:
            kill_child(pid)
        leftover = [session]
        del session
        with contextlib.suppress(RuntimeError):  # the interpreter is ending: nobody says goodbye
            threading.Thread(target=leftover.clear, name="libvirt-goodbye", daemon=True).start()

    def _open_session(self, drops: int) -> tuple[Session, bool]:
        """The session, and whether it was open before. One thread opens, the others wait."""
        if session := self._current(drops):
            return session, True
        with self._opening:
            if session := self._current(drops):
                return session, True
            session = self._connect()
            with self._state:
                if self._drops == drops:
                    self._session = session
                    return session, False
            kill_child(session.ssh_pid)
            raise HostUnreachable(f"the connection to {self._host.name} was dropped")

    def _current(self, drops: int) -> Session | None:
        with self._state:
            if self._drops != drops:
                raise HostUnreachable(f"the connection to {self._host.name} was dropped")
            return self._session

    def _connect(self) -> Session:
        start_event_loop()
        if not self._through_ssh():
            return _opened(_direct_uri(self._host), None)
        transport = SshTransport(self._host)
        with self._state:
            self._transport = transport
        try:
            return _opened(transport.uri, transport)
        finally:
            with self._state:
                self._transport = None
            transport.remove()

    def _through_ssh(self) -> bool:
        return bool(self._host.address) and urlsplit(self._host.uri).scheme != "qemu+tls"

    def _is_lost(self, session: Session, error: libvirt.libvirtError) -> bool:
        """Whether the connection failed, not what was asked; a lost one is not used again."""
        if not connection_is_lost(error) and session.raw.isAlive():
            return False
        with self._state:
            if self._session is session:
                self._session = None
        return True


def _opened(uri: str, transport: SshTransport | None) -> Session:
    try:
        raw = libvirt.open(uri)
        with contextlib.suppress(libvirt.libvirtError):
            raw.setKeepAlive(KEEPALIVE_SECONDS, KEEPALIVE_MISSES)
    except libvirt.libvirtError as error:
        raise from_libvirt(error) from error
    return Session(raw, transport.pid() if transport else None)


def _direct_uri(host: HostAddress) -> str:
    """The operator's URI, unless it would run a program here or skip checking a certificate."""
    parts = urlsplit(host.uri)
    query = parse_qs(parts.query, keep_blank_values=True)
    if parts.scheme not in _DIRECT_SCHEMES or {"no_verify", "command", "netcat"} & query.keys():
        raise HypervisorRefused(f"not a URI that may be used for {host.name}: {host.uri}")
    return host.uri


def _unreachable(error: libvirt.libvirtError) -> DriverError:
    """A call that was cut off may fail with any words; what cut it off is the lost connection."""
    found = from_libvirt(error)
    return found if connection_is_lost(error) else HostUnreachable(found.technical)


_connections: dict[tuple[Any, ...], Connection] = {}
_inherited: list[dict[tuple[Any, ...], Connection]] = []
"""Kept for ever: letting go of a parent's connection would say goodbye in the parent's name."""
_guard = threading.Lock()
_loop: threading.Thread | None = None


def connection_to(host: HostAddress) -> Connection:
    """The process's one connection to this address; equal addresses share it."""
    key = (host.uri, host.address, host.port, host.username, host.private_key_path, host.host_key)
    with _guard:
        if key not in _connections:
            _connections[key] = Connection(host)
        return _connections[key]


def start_event_loop() -> None:
    """Answer and send keepalives while no call is under way; libvirt wants a loop for that,
    registered before the first connection is opened and never left standing."""
    global _loop  # noqa: PLW0603  (one loop a process is libvirt's own rule)
    with _guard:
        if _loop is None:
            libvirt.registerErrorHandler(lambda _context, _error: None, None)
            libvirt.virEventRegisterDefaultImpl()
            _loop = threading.Thread(target=_run_event_loop, name="libvirt-events", daemon=True)
            _loop.start()


def _run_event_loop() -> None:
    while True:
        with contextlib.suppress(libvirt.libvirtError):
            libvirt.virEventRunDefaultImpl()


def _after_fork_in_child() -> None:
    """A child has its parent's sockets but not its threads: it never uses, never closes them.

    Nor does it run a loop that the parent registered, since that would read from those sockets.
    Without a loop its own idle connections die after half a minute and are opened again.
    """
    global _connections, _guard
    _inherited.append(_connections)
    _connections, _guard = {}, threading.Lock()


os.register_at_fork(after_in_child=_after_fork_in_child)
