"""The test of a connection: every server step by step, until a person is found that could log in."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from typing import Any, TypeVar

import ldap
from ldap.ldapobject import SimpleLDAPObject

from apps.accounts.directory import connection as connections
from apps.accounts.directory import stream
from apps.accounts.directory.config import DirectoryConfig
from apps.accounts.directory.entries import PersonEntry, group_attributes, person_attributes, person_of
from apps.accounts.directory.failures import DirectoryUnavailable
from apps.accounts.directory.search import paged
from apps.accounts.directory.stream import Server, server_of

T = TypeVar("T")
LOOKED_AT = 200
"""People that a test looks at; it counts no further."""


class _Trial:
    """The steps of one server: what was done, how long it took, what failed."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.steps: list[dict[str, Any]] = []
        self.failure: DirectoryUnavailable | None = None

    def step(self, name: str, act: Callable[[], T]) -> T:
        begun = time.monotonic()
        try:
            return act()
        except DirectoryUnavailable as failure:
            self.failure = failure
            raise
        finally:
            milliseconds = round((time.monotonic() - begun) * 1000)
            self.steps.append({"step": name, "ok": self.failure is None, "ms": milliseconds})

    def told(self) -> dict[str, Any]:
        found: dict[str, Any] = {"server": self.server.uri, "ok": self.failure is None, "steps": self.steps}
        if self.failure is not None:
            found |= {"reason": self.failure.params["reason"], "technical": self.failure.technical[:500]}
        return found


def probe(config: DirectoryConfig) -> dict[str, Any]:
    """{"ok", "servers": [{"server", "ok", "steps": [{"step", "ok", "ms"}], "reason", "technical"}],
    "people", "groups", "more"}. It is ok if one server is, and each that is not says why. Never raises a
    DirectoryUnavailable."""
    trials = [_Trial(server_of(uri)) for uri in config.servers]
    counts: dict[str, Any] = {}
    for trial in trials:
        with suppress(DirectoryUnavailable):
            counts = _try(trial, config) or counts
    ok = any(trial.failure is None for trial in trials)
    return {"ok": ok, "servers": [trial.told() for trial in trials], **counts}


def _try(trial: _Trial, config: DirectoryConfig) -> dict[str, Any]:
    server, seconds = trial.server, config.deadline_seconds
    addresses = trial.step("resolve", lambda: stream.resolve(server, seconds))
    plain = trial.step("connect", lambda: stream.connect(server, addresses, seconds))
    connection = trial.step("tls", lambda: _encrypted(server, plain, config))
    try:
        trial.step("bind", lambda: connections.bind(connection, config))
        people, groups = trial.step("search", lambda: _search(connection, config))
        trial.step("map", lambda: _map(people))
    finally:
        with suppress(ldap.LDAPError):
            connection.unbind_s()
    return {"people": len(people), "groups": groups, "more": len(people) == LOOKED_AT}


def _encrypted(server: Server, plain: Any, config: DirectoryConfig) -> SimpleLDAPObject:
    try:
        context = stream.trust(config.ca_certificate)
    except (ssl.SSLError, ValueError) as error:
        plain.close()
        raise DirectoryUnavailable("tls", "bad_authority", technical=str(error)) from None
    return connections.speak(server, stream.encrypt(server, plain, context, config.deadline_seconds), config)


def _search(connection: SimpleLDAPObject, config: DirectoryConfig) -> tuple[list[PersonEntry], int]:
    people: list[PersonEntry] = []
    for base in config.people_bases:
        found = paged(connection, config, base, config.people_filter, person_attributes(config))
        people += [person_of(config, dn, values) for dn, values in islice(found, LOOKED_AT - len(people))]
    if not people:
        raise DirectoryUnavailable("search", "nobody")
    groups = 0
    for base in config.group_bases:
        asked = group_attributes(config, members=False)
        entries = paged(connection, config, base, config.group_filter, asked)
        groups += sum(1 for _group in islice(entries, LOOKED_AT))
    if config.group_bases and not groups:
        raise DirectoryUnavailable("search", "no_groups")
    return people, groups


def _map(people: list[PersonEntry]) -> None:
    """Whether the attributes tell who somebody is: each must have a stable id of their own and a name."""
    ids = [person.stable_id for person in people]
    if not all(ids):
        raise DirectoryUnavailable("map", "no_stable_id")
    if len(set(ids)) < len(ids):
        raise DirectoryUnavailable("map", "stable_id_twice")
    if not any(person.usernames for person in people):
        raise DirectoryUnavailable("map", "no_login_name")
