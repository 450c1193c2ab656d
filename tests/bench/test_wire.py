"""Calls are counted on the wire, whoever makes them and however their bytes are cut."""

from __future__ import annotations

import socket
import struct
import threading
from pathlib import Path

import pytest

from bench.wire import Counter, CountingSocket

REMOTE, KEEPALIVE = 0x20008086, 0x6B656570
CALL, REPLY, EVENT, STREAM, CALL_WITH_FDS = range(5)


def message(kind: int, program: int = REMOTE, payload: bytes = b"") -> bytes:
    return struct.pack(">7I", 28 + len(payload), program, 1, 60, kind, 1, 0) + payload


@pytest.mark.parametrize("size", [1, 3, 4, 28, 1000])
def test_calls_are_counted_however_they_are_cut(size: int) -> None:
    data = message(CALL) + message(CALL, payload=b"x" * 100) + message(CALL_WITH_FDS)
    counter = Counter()
    for start in range(0, len(data), size):
        counter.feed(data[start : start + size])
    assert counter.calls == 3


def test_what_is_no_call_is_not_counted() -> None:
    counter = Counter()
    for data in (message(CALL, KEEPALIVE), message(REPLY), message(EVENT), message(STREAM)):
        counter.feed(data)
    assert counter.calls == 0


def test_the_socket_passes_everything_on_and_counts(tmp_path: Path) -> None:
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(str(tmp_path / "server"))
    server.listen()

    def serve() -> None:
        connection, _address = server.accept()
        with connection:
            while data := connection.recv(4096):
                connection.sendall(data)

    threading.Thread(target=serve, daemon=True).start()
    sent = message(CALL) + message(CALL, KEEPALIVE) + message(CALL, payload=b"x" * 5000)
    with CountingSocket(tmp_path / "counted", tmp_path / "server") as counted:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(10)
            client.connect(str(tmp_path / "counted"))
            client.sendall(sent)
            back = b""
            while len(back) < len(sent):
                back += client.recv(4096)
        assert back == sent
        assert counted.calls == 2
    server.close()
    assert not (tmp_path / "counted").exists()
