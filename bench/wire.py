"""Counts what a libvirt client really asks of its server, by standing between the two.

libvirt's protocol over a stream: a length (four bytes, counting themselves), then program, version,
procedure, type, serial and status, four bytes each, big-endian. Source: libvirt's virnetprotocol.x.
"""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

_CALLS = {0, 4}
"""VIR_NET_CALL, VIR_NET_CALL_WITH_FDS."""
_KEEPALIVE = 0x6B656570
_HEADER = struct.Struct(">6I")
CLOSING_SECONDS = 5.0


class Counter:
    """Counts the calls in a client's bytes, however these are cut."""

    def __init__(self) -> None:
        self.calls = 0
        self._pending = bytearray()

    def feed(self, data: bytes) -> None:
        self._pending += data
        while len(self._pending) >= 4:
            (length,) = struct.unpack_from(">I", self._pending)
            if len(self._pending) < length:
                return
            program, _version, _procedure, kind, _serial, _status = _HEADER.unpack_from(self._pending, 4)
            self.calls += program != _KEEPALIVE and kind in _CALLS
            del self._pending[:length]


class CountingSocket:
    """A socket at `path` that leads to the one at `server`. Its clients close before the block ends."""

    def __init__(self, path: Path, server: Path) -> None:
        self.path, self._server = path, server
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._counters: list[Counter] = []
        self._threads: list[threading.Thread] = []

    @property
    def calls(self) -> int:
        return sum(counter.calls for counter in self._counters)

    def __enter__(self) -> CountingSocket:
        self._listener.bind(str(self.path))
        self._listener.listen()
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(CLOSING_SECONDS)
        self._listener.close()
        self.path.unlink()

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _address = self._listener.accept()
                self._start(self._relay, client)

    def _relay(self, client: socket.socket) -> None:
        counter = Counter()
        self._counters.append(counter)
        with client, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
            server.connect(str(self._server))
            other = {client: server, server: client}
            while True:
                for source in select.select([client, server], [], [])[0]:
                    data = source.recv(65536)
                    if not data:
                        return
                    if source is client:
                        counter.feed(data)
                    other[source].sendall(data)
