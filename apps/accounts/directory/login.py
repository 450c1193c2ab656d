"""Logging in by django-auth-ldap, with connections, search and users of our own."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

import ldap
from django.dispatch import receiver
from django.http import HttpRequest
from django_auth_ldap.backend import LDAPBackend, ldap_error
from django_auth_ldap.config import LDAPSettings
from ldap.ldapobject import SimpleLDAPObject

from apps.accounts.directory import connection as connections
from apps.accounts.directory.arrivals import arrive
from apps.accounts.directory.config import DirectoryConfig
from apps.accounts.directory.entries import PersonEntry
from apps.accounts.directory.naming import Refused
from apps.accounts.directory.reader import Reader
from apps.accounts.directory.rows import config_of
from apps.accounts.models import Directory, User

_GONE = (ldap.SERVER_DOWN, ldap.TIMEOUT, ldap.CONNECT_ERROR, ldap.BUSY, ldap.UNAVAILABLE)


def try_login(directory: Directory, request: HttpRequest | None, name: str, password: str) -> User | None:
    """The user if the directory knows them by this name and password; None if not, or if they may not come
    in. DirectoryUnavailable if it cannot say."""
    with suppress(Refused):
        user: User | None = _OneDirectory(directory).authenticate(request, username=name, password=password)
        return user
    return None


class _Search:
    """What django-auth-ldap asks for the person: their DN, and what was read of them."""

    def __init__(self, config: DirectoryConfig) -> None:
        self._config = config

    def execute(self, connection: SimpleLDAPObject, filterargs: Any) -> list[tuple[str, PersonEntry]]:
        person = Reader(self._config, connection).find_person(filterargs["user"])
        if person is None:
            connections.bind_as_nobody(connection, self._config)
            return []
        return [(person.dn, person)]


class _OneDirectory(LDAPBackend):  # type: ignore[misc]
    """django-auth-ldap's backend, set up by one directory's row instead of the settings' module."""

    def __init__(self, directory: Directory) -> None:
        self.directory, self.config = directory, config_of(directory)
        self.settings = LDAPSettings(
            defaults={
                "BIND_DN": self.config.bind_dn,
                "BIND_PASSWORD": self.config.bind_password,
                "USER_SEARCH": _Search(self.config),
                "ALWAYS_UPDATE_USER": False,  # `arrive` did
                "PERMIT_EMPTY_PASSWORD": False,  # a server takes such a bind for nobody's, and says yes
            }
        )

    def authenticate_ldap_user(self, ldap_user: Any, password: str) -> Any:
        connection = connections.connect(self.config)
        try:
            connections.bind(connection, self.config)
            ldap_user._connection, ldap_user._connection_bound = connection, True
            return ldap_user.authenticate(password)
        finally:
            with suppress(ldap.LDAPError):
                connection.unbind_s()

    def get_or_build_user(self, username: str, ldap_user: Any) -> tuple[User, bool]:
        """Called once the password was found right."""
        person: PersonEntry = ldap_user.attrs
        connections.bind(ldap_user._get_connection(), self.config)
        groups = Reader(self.config, ldap_user._get_connection()).groups_of(person)
        person = replace(person, group_keys=frozenset(group.key for group in groups))
        return arrive(self.directory, person, groups), False


@receiver(ldap_error, sender=_OneDirectory)
def _unless_it_is_gone(exception: ldap.LDAPError, **_: Any) -> None:
    """A server that vanishes half-way must not look like a wrong password."""
    if isinstance(exception, _GONE):
        raise connections.failure_of("bind", exception)
