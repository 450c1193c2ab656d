"""Connections to a directory: the first server that answers, always encrypted, always verified."""

from __future__ import annotations

import secrets
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import ldap
from ldap.ldapobject import SimpleLDAPObject

from apps.accounts.directory import stream
from apps.accounts.directory.config import DirectoryConfig
from apps.accounts.directory.failures import DirectoryUnavailable
from apps.accounts.directory.stream import Server, server_of

_LAST_RESORT_SECONDS = 30.0
_down: dict[str, float] = {}
"""Servers that did not answer, and when: for a while they are tried after the others."""


def connect(config: DirectoryConfig) -> SimpleLDAPObject:
    """A connection to the first server that answers, nobody bound yet; what the first one failed with if
    none does."""
    try:
        context = stream.trust(config.ca_certificate)
    except (ssl.SSLError, ValueError) as error:
        raise DirectoryUnavailable("tls", "bad_authority", technical=str(error)) from None
    failed: list[DirectoryUnavailable] = []
    for server in _in_turn(config.servers):
        try:
            found = connect_to(server, config, context)
        except DirectoryUnavailable as failure:
            _down[server.uri] = time.monotonic()
            failed.append(failure)
        else:
            _down.pop(server.uri, None)
            return found
    if not failed:
        raise DirectoryUnavailable("resolve", "no_server")
    raise failed[0]


def _in_turn(uris: Sequence[str]) -> list[Server]:
    recent = time.monotonic() - _LAST_RESORT_SECONDS
    return sorted((server_of(uri) for uri in uris), key=lambda server: _down.get(server.uri, 0.0) > recent)


def connect_to(server: Server, config: DirectoryConfig, context: ssl.SSLContext) -> SimpleLDAPObject:
    """A connection to this server; each of the three steps has the whole deadline."""
    seconds = config.deadline_seconds
    addresses = stream.resolve(server, seconds)
    plain = stream.connect(server, addresses, seconds)
    return speak(server, stream.encrypt(server, plain, context, seconds), config)


def speak(server: Server, tls: ssl.SSLSocket, config: DirectoryConfig) -> SimpleLDAPObject:
    """LDAP over an encrypted stream."""
    seconds = config.deadline_seconds
    end = stream.carried(tls, seconds)
    connection = SimpleLDAPObject("ldap://", fileno=end.detach())
    connection.set_option(ldap.OPT_REFERRALS, ldap.OPT_OFF)
    connection.set_option(ldap.OPT_PROTOCOL_VERSION, ldap.VERSION3)
    connection.set_option(ldap.OPT_RESTART, ldap.OPT_OFF)
    connection.set_option(ldap.OPT_TIMEOUT, float(seconds))
    connection.timeout = seconds
    connection.uri = server.uri
    return connection


def bind(connection: SimpleLDAPObject, config: DirectoryConfig) -> None:
    """As the portal's own reader. Without a bind DN nobody is bound: what everybody may read is read."""
    with translated("bind", connection):
        connection.simple_bind_s(config.bind_dn, config.bind_password)


def bind_as_nobody(connection: SimpleLDAPObject, config: DirectoryConfig) -> None:
    """What a wrong password costs, for a name that nobody has: so the time that a login takes does not say
    who is there. Nothing that was typed is sent."""
    with suppress(ldap.LDAPError):
        name = f"cn={secrets.token_hex(8)},{config.people_bases[0]}"
        connection.simple_bind_s(name, secrets.token_hex(16))


@contextmanager
def bound(config: DirectoryConfig) -> Iterator[SimpleLDAPObject]:
    """A connection for the block, bound as the portal's own reader."""
    connection = connect(config)
    try:
        bind(connection, config)
        yield connection
    finally:
        with suppress(ldap.LDAPError):
            connection.unbind_s()


_REASONS: dict[type[ldap.LDAPError], str] = {
    ldap.TIMEOUT: "silent",
    ldap.TIMELIMIT_EXCEEDED: "silent",
    ldap.SERVER_DOWN: "closed",
    ldap.INVALID_CREDENTIALS: "wrong_credentials",
    ldap.INAPPROPRIATE_AUTH: "wrong_credentials",
    ldap.INSUFFICIENT_ACCESS: "not_allowed",
    ldap.NO_SUCH_OBJECT: "no_such_base",
    ldap.INVALID_DN_SYNTAX: "bad_dn",
    ldap.FILTER_ERROR: "bad_filter",
    ldap.SIZELIMIT_EXCEEDED: "cut_off",
    ldap.ADMINLIMIT_EXCEEDED: "cut_off",
    ldap.UNAVAILABLE_CRITICAL_EXTENSION: "no_paging",
    ldap.BUSY: "busy",
    ldap.UNAVAILABLE: "busy",
}


def failure_of(step: str, error: ldap.LDAPError, *, server: str = "") -> DirectoryUnavailable:
    """What an error of the library means. What servers say in it names entries: it is for operators."""
    said: dict[str, Any] = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
    technical = ", ".join(str(said[part]) for part in ("desc", "info") if said.get(part))
    reason = next((word for kind, word in _REASONS.items() if isinstance(error, kind)), "refused")
    return DirectoryUnavailable(step, reason, server=server, technical=technical)


@contextmanager
def translated(step: str, connection: Any) -> Iterator[None]:
    try:
        yield
    except ldap.LDAPError as error:
        raise failure_of(step, error, server=getattr(connection, "uri", "")) from None
