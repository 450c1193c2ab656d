"""One kept SSH connection a host and process: opened when needed, dropped in no time."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import TypeVar, cast

import paramiko

from workers.drivers.base import HostAddress
from workers.drivers.errors import DriverError, HostBusy, HostUnreachable
from workers.drivers.hosts.rules import Clock
from workers.drivers.hosts.ssh_handshake import CONNECT_SECONDS, Endpoint, log_in

CHANNELS = 8
"""Commands at once on one connection: sshd's MaxSessions is 10 by default, one is for files."""

GRACE_SECONDS = 2.0
"""Past a deadline the host gets this long to say that it ended the command; then we hang up."""

T = TypeVar("T")


class ConnectionLost(HostUnreachable):
    """The connection broke while it was in use: the host may well answer a new one."""


class Connection:
    """The connection to one endpoint, shared by all threads of the process."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._channels = threading.BoundedSemaphore(CHANNELS)
        self._opening = threading.Lock()
        self._failure: tuple[float, DriverError] | None = None
        self._socket: socket.socket | None = None
        self._transport: paramiko.Transport | None = None
        self._sftp: paramiko.SFTPClient | None = None
        self._sftp_lock = threading.Lock()

    def drop(self) -> None:
        """Hang up at once, from any thread, waiting for none: calls in flight fail."""
        held, self._socket, self._transport, self._sftp = self._socket, None, None, None
        if held is not None:
            # only shut, never closed here: its number must not go to another file
            # while paramiko's thread may still read from it; that thread closes it
            with contextlib.suppress(OSError):
                held.shutdown(socket.SHUT_RDWR)

    @contextlib.contextmanager
    def channel(self, clock: Clock) -> Iterator[paramiko.Channel]:
        """A session channel for one command, closed at the end."""
        if not self._channels.acquire(timeout=clock.left()):
            raise HostBusy(f"{self.endpoint}: {CHANNELS} commands are running")
        try:
            with self._bounded(clock):
                channel = self._on_live_transport(clock, _open_session)
                try:
                    yield channel
                finally:
                    channel.close()
        finally:
            self._channels.release()

    @contextlib.contextmanager
    def files(self, clock: Clock) -> Iterator[paramiko.SFTPClient]:
        """The kept SFTP session, for one caller at a time: paramiko's is not safe for two."""
        if not self._sftp_lock.acquire(timeout=clock.left()):
            raise HostBusy(f"{self.endpoint}: files are being written")
        try:
            with self._bounded(clock):
                client = self._on_live_transport(clock, self._open_sftp)
                _channel_of(client).settimeout(max(0.1, clock.left()))
                try:
                    yield client
                except (paramiko.SSHException, EOFError, TimeoutError):
                    # an answer may still be on its way: the session is out of step
                    self._sftp = None
                    raise
        finally:
            self._sftp_lock.release()

    @contextlib.contextmanager
    def _bounded(self, clock: Clock) -> Iterator[None]:
        """Our errors for paramiko's; hangs up on a call that outlives its deadline and the grace."""
        guard = threading.Timer(clock.left() + 2 * GRACE_SECONDS, self.drop)
        guard.daemon = True
        guard.start()
        try:
            yield
        except paramiko.ChannelException as error:
            raise HostBusy(f"{self.endpoint}: no further session: {error}") from error
        except (paramiko.SSHException, EOFError, OSError) as error:
            if isinstance(error, TimeoutError) or not clock.left():
                raise clock.over(f"an answer of {self.endpoint}") from error
            raise ConnectionLost(f"{self.endpoint}: the connection was lost: {error}") from error
        finally:
            guard.cancel()

    def _on_live_transport(self, clock: Clock, use: Callable[[paramiko.Transport, float], T]) -> T:
        """Open something on the kept connection; if that turns out to be dead, on a new one, once."""
        kept = self._transport
        if kept is not None and kept.is_active():
            try:
                return use(kept, min(CONNECT_SECONDS, clock.left()))
            except paramiko.ChannelException:
                raise
            except (paramiko.SSHException, EOFError, OSError):
                if self._transport is kept:
                    self.drop()
        return use(self._open(clock), clock.left())

    def _open(self, clock: Clock) -> paramiko.Transport:
        """The live transport, made by whoever comes first; those who waited share its failure."""
        began = time.monotonic()
        if not self._opening.acquire(timeout=clock.left()):
            raise clock.over(f"connecting to {self.endpoint}")
        try:
            transport = self._transport
            if transport is not None and transport.is_active():
                return transport
            if self._failure is not None and self._failure[0] > began:
                raise self._failure[1]
            self.drop()
            try:
                transport = log_in(self.endpoint, Clock(min(CONNECT_SECONDS, clock.left())), self._hold)
            except DriverError as error:
                self._failure = (time.monotonic(), error)
                raise
            self._transport = transport
            return transport
        finally:
            self._opening.release()

    def _hold(self, opened: socket.socket) -> None:
        self._socket = opened

    def _open_sftp(self, transport: paramiko.Transport, seconds: float) -> paramiko.SFTPClient:
        client = self._sftp
        if client is None or _channel_of(client).closed:
            channel = _open_session(transport, seconds)
            channel.settimeout(max(0.1, seconds))
            channel.invoke_subsystem("sftp")
            client = self._sftp = paramiko.SFTPClient(channel)
        return client


def _open_session(transport: paramiko.Transport, seconds: float) -> paramiko.Channel:
    """A session. sshd still counts one that ended until it has reaped it, so a refusal may pass.

    paramiko keeps one exception for all threads: a refused one may find its own taken by another,
    so whatever fails on a live transport is a refusal.
    """
    clock = Clock(seconds)
    while True:
        try:
            return transport.open_session(timeout=max(0.1, clock.left()))
        except paramiko.SSHException:
            if not transport.is_active() or not clock.left():
                raise
            time.sleep(0.02)


def _channel_of(client: paramiko.SFTPClient) -> paramiko.Channel:
    return cast("paramiko.Channel", client.get_channel())


_connections: dict[Endpoint, Connection] = {}
_inherited: list[Connection] = []


def connection_to(host: HostAddress) -> Connection:
    """The one connection of this process to a host; it may not be open yet."""
    endpoint = Endpoint(host.address, host.port, host.username, host.private_key_path, host.host_key)
    # atomic, for a tuple compares without running Python code: no two threads get different ones
    return _connections.setdefault(endpoint, Connection(endpoint))


def _after_fork() -> None:
    """A child owns none of its parent's connections. It keeps them from being finalised, for that
    would write to the parent's sockets."""
    _inherited.extend(_connections.values())
    _connections.clear()


os.register_at_fork(after_in_child=_after_fork)
