"""From an address to a logged-in transport, or to the error that says why not.

Neither an agent nor anything below ~/.ssh is consulted: the host's recorded key and our own
private key are all there is.
"""

from __future__ import annotations

import base64
import binascii
import logging
import socket
from collections.abc import Callable
from typing import NamedTuple

import paramiko

from workers.drivers.errors import AccessDenied, HostKeyMismatch, HostUnreachable
from workers.drivers.hosts.rules import Clock

CONNECT_SECONDS = 8.0
"""For TCP, key exchange and login together: a dead host must not hold a worker for long."""

KEEPALIVE_SECONDS = 15
SILENCE_SECONDS = 15
"""How long sent data may stay unacknowledged before the kernel calls the connection dead."""

_ALGORITHMS = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256")}
"""Recorded key type -> the signature algorithms that prove it, where the name differs."""

_SCAN_ORDER = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
)

# whatever it would print reaches us as an exception
logging.getLogger("paramiko").setLevel(logging.CRITICAL)


class Endpoint(NamedTuple):
    """All that decides which connection it is: equal endpoints share one."""

    address: str
    port: int
    username: str
    private_key_path: str
    host_key: str

    def __str__(self) -> str:
        return f"{self.username}@{self.address}:{self.port}"


def log_in(
    endpoint: Endpoint, clock: Clock, on_socket: Callable[[socket.socket], None]
) -> paramiko.Transport:
    """A transport to a host that showed the recorded key and accepted ours.

    `on_socket` gets the socket as soon as there is one: shutting it ends the attempt.
    """
    key_type, recorded = _recorded_host_key(endpoint)
    private_key = _private_key(endpoint)
    where = (endpoint.address, endpoint.port)
    transport = _exchange_keys(where, _ALGORITHMS.get(key_type, (key_type,)), clock, on_socket)
    shown = transport.get_remote_server_key()
    if shown.asbytes() != recorded:
        transport.close()
        raise HostKeyMismatch(f"{endpoint}: the host shows {_public_line(shown)}")
    transport.auth_timeout = max(0.1, clock.left())
    try:
        missing = transport.auth_publickey(endpoint.username, private_key)
    except (paramiko.SSHException, EOFError, OSError) as error:
        answered = transport.is_active() and clock.left() > 0
        transport.close()
        if answered and isinstance(error, paramiko.AuthenticationException):
            raise AccessDenied(f"{endpoint}: the key is not accepted") from error
        raise HostUnreachable(f"{endpoint}: lost while logging in: {error}") from error
    if missing:
        transport.close()
        raise AccessDenied(f"{endpoint}: the key alone is not enough, {', '.join(missing)} is asked for")
    transport.set_keepalive(KEEPALIVE_SECONDS)
    return transport


def scan_host_key(address: str, port: int = 22, *, deadline: float = CONNECT_SECONDS) -> str:
    """The key that a host shows now, as "ssh-ed25519 AAAA...": for a person to confirm, then record."""
    transport = _exchange_keys((address, port), _SCAN_ORDER, Clock(deadline), lambda _: None)
    try:
        return _public_line(transport.get_remote_server_key())
    finally:
        transport.close()


def _exchange_keys(
    where: tuple[str, int],
    algorithms: tuple[str, ...],
    clock: Clock,
    on_socket: Callable[[socket.socket], None],
) -> paramiko.Transport:
    """A transport whose host has proved that it owns the key it shows; nobody is logged in yet."""
    name = f"{where[0]}:{where[1]}"
    try:
        connected = socket.create_connection(where, timeout=max(0.1, clock.left()))
    except OSError as error:
        raise HostUnreachable(f"{name}: {error.strerror or error}") from error
    on_socket(connected)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENCE_SECONDS * 1000)
    transport = paramiko.Transport(connected)
    transport.daemon = True
    transport.banner_timeout = transport.handshake_timeout = max(0.1, clock.left())
    options = transport.get_security_options()
    try:
        options.key_types = tuple(algorithm for algorithm in algorithms if algorithm in options.key_types)
        transport.start_client(timeout=max(0.1, clock.left()))
        transport.get_remote_server_key()
    except (paramiko.SSHException, EOFError, OSError) as error:
        transport.close()
        connected.close()
        if isinstance(error, paramiko.ssh_exception.IncompatiblePeer) and "host key" in str(error):
            raise HostKeyMismatch(f"{name}: the host has no key of the recorded type") from error
        raise HostUnreachable(f"{name}: no SSH answer: {error}") from error
    return transport


def _recorded_host_key(endpoint: Endpoint) -> tuple[str, bytes]:
    try:
        key_type, encoded = endpoint.host_key.split()[:2]
        return key_type, base64.b64decode(encoded, validate=True)
    except (ValueError, binascii.Error):
        raise HostKeyMismatch(f"{endpoint}: no valid host key is recorded") from None


def _private_key(endpoint: Endpoint) -> paramiko.PKey:
    try:
        return paramiko.PKey.from_path(endpoint.private_key_path)
    except (OSError, ValueError, TypeError, paramiko.SSHException) as error:
        raise AccessDenied(f"{endpoint}: the private key cannot be read ({type(error).__name__})") from error


def _public_line(key: paramiko.PKey) -> str:
    return f"{key.get_name()} {key.get_base64()}"
