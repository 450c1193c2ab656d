"""Searches that return everything: paged (RFC 2696), and by ranges where Active Directory cuts values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import ldap
from ldap.controls.libldap import SimplePagedResultsControl
from ldap.ldapobject import SimpleLDAPObject

from apps.accounts.directory.config import DirectoryConfig
from apps.accounts.directory.connection import translated

Entry = tuple[str, dict[str, list[bytes]]]
_RANGE = re.compile(r"(?P<name>[^;]+);range=(?P<low>\d+)-(?P<high>\d+|\*)", re.IGNORECASE)


def paged(
    connection: SimpleLDAPObject, config: DirectoryConfig, base: str, condition: str, asked: Sequence[str]
) -> Iterator[Entry]:
    """Every entry below `base` that meets the filter, page by page, each page within the deadline. What a
    server refers to elsewhere is left out."""
    control = SimplePagedResultsControl(True, size=config.page_size, cookie="")
    while True:
        with translated("search", connection):
            number = connection.search_ext(
                base,
                ldap.SCOPE_SUBTREE,
                condition,
                list(asked),
                serverctrls=[control],
                timeout=config.deadline_seconds,
            )
            _kind, found, _number, controls = connection.result3(number, timeout=config.deadline_seconds)
        for dn, values in found:
            if dn is not None:
                yield dn, _whole(connection, config, dn, values)
        cookies = [c.cookie for c in controls if c.controlType == SimplePagedResultsControl.controlType]
        if not cookies or not cookies[0]:
            return
        control.cookie = cookies[0]


def few(
    connection: SimpleLDAPObject,
    config: DirectoryConfig,
    base: str,
    condition: str,
    asked: Sequence[str],
    *,
    scope: int = ldap.SCOPE_SUBTREE,
    limit: int = 0,
) -> list[Entry]:
    """The entries that meet the filter, at most `limit` of them; none where the base is not there."""
    found: list[Entry] = []
    with translated("search", connection):
        number = connection.search_ext(
            base, scope, condition, list(asked), timeout=config.deadline_seconds, sizelimit=limit
        )
        try:
            kind = None
            while kind != ldap.RES_SEARCH_RESULT:
                kind, part, *_ = connection.result3(number, all=0, timeout=config.deadline_seconds)
                found += [(dn, values) for dn, values in part if dn is not None]
        except ldap.SIZELIMIT_EXCEEDED:
            pass
        except ldap.NO_SUCH_OBJECT:
            if scope != ldap.SCOPE_BASE:
                raise
    return found


def _whole(
    connection: SimpleLDAPObject, config: DirectoryConfig, dn: str, values: dict[str, list[bytes]]
) -> dict[str, list[bytes]]:
    """The entry with the rest of each value that came as a range: "member;range=0-1499"."""
    whole = dict(values)
    for label in list(values):
        match = _RANGE.fullmatch(label)
        if match is None:
            continue
        name, got, high = match["name"], list(whole.pop(label)), match["high"]
        while high != "*":
            asked = f"{name};range={int(high) + 1}-*"
            rest = few(connection, config, dn, "(objectClass=*)", [asked], scope=ldap.SCOPE_BASE)
            more = {key: part for _dn, found in rest for key, part in found.items() if _RANGE.fullmatch(key)}
            if not more:
                break
            key, part = next(iter(more.items()))
            got += part
            found_range = _RANGE.fullmatch(key)
            high = found_range["high"] if found_range else "*"
        whole[name] = got or whole.get(name, [])
    return whole
