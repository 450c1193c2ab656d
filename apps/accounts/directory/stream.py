"""An encrypted stream to a directory's server, every step of it under a deadline.

TLS is Python's and not libldap's: libldap waits without end for a server that accepts a connection and
then says nothing, takes certificates only from files, and does not tell why it refused one. libldap speaks
LDAP over one end of a pair of sockets; a thread carries bytes between the other end and the TLS stream.
"""

from __future__ import annotations

import re
import select
import socket
import ssl
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from apps.accounts.directory.failures import DirectoryUnavailable

_URI = re.compile(
    r"(?P<scheme>ldaps?)://(\[(?P<six>[0-9a-fA-F:.]{2,45})\]|(?P<host>[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?))"
    r"(:(?P<port>[0-9]{1,5}))?/?"
)
START_TLS = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037"
"""RFC 4511, 4.14.1: the extended request, as message 1."""
_CHUNK = 65_536


@dataclass(frozen=True, slots=True)
class Server:
    """Where one server listens; `encrypted` from the first byte, or by StartTLS."""

    uri: str
    host: str
    port: int
    encrypted: bool


def server_of(uri: str) -> Server:
    """ValueError unless it is "ldaps://host[:port]" or "ldap://host[:port]"."""
    match = _URI.fullmatch(uri)
    if match is None:
        raise ValueError(uri)
    encrypted = match["scheme"] == "ldaps"
    port = int(match["port"] or (636 if encrypted else 389))
    if not 0 < port < 65536:
        raise ValueError(uri)
    return Server(uri, match["six"] or match["host"], port, encrypted)


def trust(ca_certificate: str) -> ssl.SSLContext:
    """What servers are verified by: these authorities and no others, or those that the machine trusts.
    ssl.SSLError or ValueError if they cannot be read."""
    context = ssl.create_default_context(cadata=ca_certificate or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class _Clock:
    """What is left of a deadline."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        return max(0.001, self._end - time.monotonic())


def resolve(server: Server, seconds: float) -> list[tuple[Any, ...]]:
    """The server's addresses. The machine's resolver has no deadline of its own, so a thread asks it."""
    found: list[list[tuple[Any, ...]]] = []
    failed: list[str] = []

    def ask() -> None:
        try:
            found.append(socket.getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            failed.append(str(error))

    asking = threading.Thread(target=ask, daemon=True, name="resolve")
    asking.start()
    asking.join(seconds)
    if found and found[0]:
        return found[0]
    reason = "no_such_name" if failed else "silent"
    raise DirectoryUnavailable("resolve", reason, server=server.uri, technical=", ".join(failed))


def connect(server: Server, addresses: list[tuple[Any, ...]], seconds: float) -> socket.socket:
    """A connection to the first address that takes one."""
    clock, reason, said = _Clock(seconds), "silent", ""
    for family, kind, protocol, _name, address in addresses:
        plain = socket.socket(family, kind, protocol)
        plain.settimeout(clock.left)
        try:
            plain.connect(address)
        except TimeoutError:
            reason = "silent"
        except OSError as error:
            said = str(error)
            reason = "refused" if isinstance(error, ConnectionRefusedError) else "unreachable"
        else:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return plain
        plain.close()
    raise DirectoryUnavailable("connect", reason, server=server.uri, technical=said)


def encrypt(server: Server, plain: socket.socket, context: ssl.SSLContext, seconds: float) -> ssl.SSLSocket:
    """TLS over the connection, with the server's certificate and name verified; closes it otherwise."""
    clock = _Clock(seconds)
    try:
        if not server.encrypted:
            plain.settimeout(clock.left)
            _ask_for_tls(server, plain)
        plain.settimeout(clock.left)
        return context.wrap_socket(plain, server_hostname=server.host)
    except ssl.SSLCertVerificationError as error:
        plain.close()
        raise _distrusted(server, error) from None
    except TimeoutError:
        plain.close()
        raise DirectoryUnavailable("tls", "silent", server=server.uri) from None
    except OSError as error:  # ssl.SSLError is one
        plain.close()
        raise DirectoryUnavailable("tls", "no_tls", server=server.uri, technical=str(error)) from None
    except DirectoryUnavailable:
        plain.close()
        raise


def _ask_for_tls(server: Server, plain: socket.socket) -> None:
    plain.sendall(START_TLS)
    answer = _message(plain)
    at = answer.find(b"\x0a\x01")  # resultCode of the extended response
    if at < 0 or answer[at + 2 : at + 3] != b"\x00":
        raise DirectoryUnavailable("tls", "not_offered", server=server.uri)


def _message(plain: socket.socket) -> bytes:
    """One LDAP message, of at most 64 KiB; nothing behind it is read, for that is TLS already."""
    head = _exactly(plain, 2)
    length = head[1]
    if length & 0x80:
        length = int.from_bytes(_exactly(plain, min(length & 0x7F, 4)), "big")
    if head[0] != 0x30 or length > _CHUNK:
        raise OSError("not an LDAP message")
    return _exactly(plain, length)


def _exactly(plain: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        more = plain.recv(count - len(found))
        if not more:
            raise OSError("the server closed the connection")
        found += more
    return found


_VERIFY = {10: "expired", 9: "not_yet_valid", 62: "wrong_name", 64: "wrong_name"}
"""OpenSSL's numbers (x509_vfy.h); any other one means that no known authority stands behind it."""


def _distrusted(server: Server, error: ssl.SSLCertVerificationError) -> DirectoryUnavailable:
    reason = _VERIFY.get(error.verify_code, "unknown_authority")
    return DirectoryUnavailable("tls", reason, server=server.uri, technical=error.verify_message)


def carried(tls: ssl.SSLSocket, seconds: float) -> socket.socket:
    """The plain end of a stream whose other end is `tls`. Closing it closes both."""
    ours, theirs = socket.socketpair()
    threading.Thread(target=_carry, args=(tls, ours, seconds), daemon=True, name="directory").start()
    return theirs


def _carry(tls: ssl.SSLSocket, ours: socket.socket, seconds: float) -> None:
    """One thread for both directions: a TLS stream is not to be read and written at the same time."""
    tls.setblocking(False)
    poll = select.poll()
    poll.register(tls, select.POLLIN)
    poll.register(ours, select.POLLIN)
    with tls, ours, suppress(OSError):
        while True:
            ready = {handle for handle, _event in poll.poll()}
            if ours.fileno() in ready:
                asked = ours.recv(_CHUNK)
                if not asked:
                    return
                _send(tls, asked, seconds)
            if not _receive(tls, ours):
                return


def _receive(tls: ssl.SSLSocket, ours: socket.socket) -> bool:
    """Hand on what has come; whether there may be more."""
    while True:
        try:
            answer = tls.recv(_CHUNK)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return True
        if not answer:
            return False
        ours.sendall(answer)


def _send(tls: ssl.SSLSocket, data: bytes, seconds: float) -> None:
    left = memoryview(data)
    while left:
        try:
            left = left[tls.send(left) :]
        except ssl.SSLWantReadError:
            select.select([tls], [], [], seconds)
        except ssl.SSLWantWriteError:
            if not select.select([], [tls], [], seconds)[1]:
                raise TimeoutError from None
