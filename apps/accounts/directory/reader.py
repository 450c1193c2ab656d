"""What a directory says: one person who logs in, or everybody."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import replace
from types import TracebackType

import ldap
from ldap.filter import escape_filter_chars
from ldap.ldapobject import SimpleLDAPObject

from apps.accounts.directory import connection as connections
from apps.accounts.directory.config import DirectoryConfig
from apps.accounts.directory.entries import (
    GroupEntry,
    PersonEntry,
    dn_key,
    group_attributes,
    group_of,
    person_attributes,
    person_of,
    same_name,
)
from apps.accounts.directory.failures import DirectoryUnavailable
from apps.accounts.directory.membership import Membership
from apps.accounts.directory.search import few, paged

IN_CHAIN = "1.2.840.113556.1.4.1941"
"""Active Directory's matching rule: through other groups too."""
_AT_ONCE = 50
_LONGEST_NAME = 256


class Reader:
    """Reads one directory over one connection; with `connection`, over that one, which stays open."""

    def __init__(self, config: DirectoryConfig, connection: SimpleLDAPObject | None = None) -> None:
        self.config = config
        self._given = connection
        self._connection = connection

    def __enter__(self) -> Reader:
        if self._connection is None:
            opened = connections.connect(self.config)
            self._connection = opened
            try:
                connections.bind(opened, self.config)
            except BaseException:
                self.close()
                raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        if self._connection is not None and self._given is None:
            try:
                self._connection.unbind_s()
            except ldap.LDAPError:
                pass
            finally:
                self._connection = None

    @property
    def connection(self) -> SimpleLDAPObject:
        assert self._connection is not None, "a reader is used within its block"  # noqa: S101
        return self._connection

    def find_person(self, name: str) -> PersonEntry | None:
        """The person with this login name, without groups. DirectoryUnavailable "map_ambiguous" if two
        entries have it."""
        name = name.strip()
        if not name or len(name) > _LONGEST_NAME:
            return None
        safe = escape_filter_chars(name)
        named = "".join(f"({attribute}={safe})" for attribute in self.config.login_attributes)
        found = [
            person
            for person in self._people_where(f"(|{named})", limit=3)
            if any(same_name(name, known) for known in person.usernames)
        ]
        if len({dn_key(person.dn) for person in found}) > 1:
            raise DirectoryUnavailable("map", "ambiguous")
        return found[0] if found else None

    def person(self, stable_id: str) -> PersonEntry | None:
        """The person with this stable id, without groups; None if they are gone."""
        condition = f"({self.config.stable_id_attribute}={self._id_in_filter(stable_id)})"
        return next(iter(self._people_where(condition, limit=1)), None)

    def _id_in_filter(self, stable_id: str) -> str:
        if self.config.stable_id_attribute.lower() != "objectguid":
            return str(escape_filter_chars(stable_id))
        try:
            raw = uuid.UUID(stable_id).bytes_le
        except ValueError:
            return str(escape_filter_chars(stable_id))
        return "".join(f"\\{byte:02x}" for byte in raw)

    def _people_where(self, condition: str, *, limit: int) -> list[PersonEntry]:
        asked, both = person_attributes(self.config), f"(&{self.config.people_filter}{condition})"
        found: dict[str, PersonEntry] = {}
        for base in self.config.people_bases:
            for dn, values in few(self.connection, self.config, base, both, asked, limit=limit):
                person = person_of(self.config, dn, values, disabled=self._meets_disabled(dn))
                found[dn_key(dn)] = person
        return list(found.values())

    def _meets_disabled(self, dn: str) -> bool:
        condition = self.config.disabled_filter
        if not condition:
            return False
        return bool(few(self.connection, self.config, dn, condition, ["1.1"], scope=ldap.SCOPE_BASE))

    def groups_of(self, person: PersonEntry) -> list[GroupEntry]:
        """The groups that the person is in, through other groups too, without their members."""
        if self.config.is_active_directory:
            return self._groups_in_chain(person)
        return self._groups_by_level(person)

    def _groups_in_chain(self, person: PersonEntry) -> list[GroupEntry]:
        found = self._groups_where([f"(member:{IN_CHAIN}:={escape_filter_chars(person.dn)})"])
        if person.primary_group_sid:
            sid = "".join(f"\\{byte:02x}" for byte in person.primary_group_sid)
            for primary in self._groups_where([f"(objectSid={sid})"]).values():
                found[primary.key] = primary
                found |= self._groups_where([f"(member:{IN_CHAIN}:={escape_filter_chars(primary.dn)})"])
        return list(found.values())

    def _groups_by_level(self, person: PersonEntry) -> list[GroupEntry]:
        """Upwards, a level at a time; a group that was seen is not followed again, so loops end."""
        conditions = [_has_member(person.dn)]
        conditions += [f"(memberUid={escape_filter_chars(name)})" for name in person.usernames[:1]]
        seen: dict[str, GroupEntry] = {}
        while conditions:
            fresh: dict[str, GroupEntry] = {}
            for start in range(0, len(conditions), _AT_ONCE):
                fresh |= self._groups_where(conditions[start : start + _AT_ONCE])
            fresh = {key: group for key, group in fresh.items() if key not in seen}
            seen |= fresh
            conditions = [_has_member(group.dn) for group in fresh.values()]
        return list(seen.values())

    def _groups_where(self, conditions: list[str]) -> dict[str, GroupEntry]:
        condition = f"(&{self.config.group_filter}(|{''.join(conditions)}))"
        return {group.key: group for group in self._groups(condition, members=False)}

    def groups(self) -> list[GroupEntry]:
        """Every group with its members."""
        return list(self._groups(self.config.group_filter, members=True))

    def _groups(self, condition: str, *, members: bool) -> Iterator[GroupEntry]:
        asked, seen = group_attributes(self.config, members=members), set()
        for base in self.config.group_bases:
            for dn, values in paged(self.connection, self.config, base, condition, asked):
                group = group_of(self.config, dn, values)
                if group.key and group.key not in seen:
                    seen.add(group.key)
                    yield group

    def people(self, groups: Iterable[GroupEntry] = ()) -> Iterator[PersonEntry]:
        """Everybody, page by page, each once, with the keys of their groups among `groups`. Entries without
        a stable id or a login name are nobody who could log in: they are left out."""
        membership, disabled, seen = Membership(groups), self._disabled(), set()
        for base in self.config.people_bases:
            asked = person_attributes(self.config)
            for dn, values in paged(self.connection, self.config, base, self.config.people_filter, asked):
                person = person_of(self.config, dn, values, disabled=dn_key(dn) in disabled)
                if person.stable_id and person.usernames and person.stable_id not in seen:
                    seen.add(person.stable_id)
                    yield replace(person, group_keys=membership.keys_of(person))

    def _disabled(self) -> set[str]:
        if not self.config.disabled_filter:
            return set()
        condition = f"(&{self.config.people_filter}{self.config.disabled_filter})"
        return {
            dn_key(dn)
            for base in self.config.people_bases
            for dn, _values in paged(self.connection, self.config, base, condition, ["1.1"])
        }


def _has_member(dn: str) -> str:
    safe = escape_filter_chars(dn)
    return f"(member={safe})(uniqueMember={safe})"
