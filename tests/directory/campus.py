"""A running demo campus that tests may change as its administrator would."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import ldap
import ldap.modlist
from ldap.ldapobject import SimpleLDAPObject

from apps.accounts.directory import connection, stream
from apps.accounts.directory.config import DirectoryConfig
from bootstrap import campus
from bootstrap.slapd import Entry, PrivateSlapd, password_hash

READER_PASSWORD = "reader's own"


def password_of(uid: str) -> str:
    return f"secret of {uid}"


class Campus(PrivateSlapd):
    """The demo campus with known passwords, and more entries behind it."""

    def __init__(
        self, more: Iterable[Entry] = (), *, unlimited: bool = True, configuration: str = ""
    ) -> None:
        passwords = {person.uid: password_of(person.uid) for person in campus.CAMPUS}
        entries = [*campus.entries(passwords, READER_PASSWORD), *more]
        reader = campus.READER if unlimited else ""
        super().__init__(entries, suffix=campus.SUFFIX, reader=reader)

    def __enter__(self) -> Campus:
        super().__enter__()
        return self

    def settings(self) -> dict[str, Any]:
        """What `create_directory` takes."""
        return {
            "kind": "openldap",
            "name": "Demo campus",
            "servers": list(self.uris),
            "ca_certificate": self.authority,
            "bind_dn": campus.READER,
            "bind_password": READER_PASSWORD,
            "people_bases": [campus.PEOPLE],
            "group_bases": [campus.GROUPS],
        }

    def config(self, **given: Any) -> DirectoryConfig:
        plain = self.settings()
        del plain["name"]
        found: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in plain.items()
        }
        return DirectoryConfig(**(found | {"attributes": ("ou", "employeeType")} | given))

    def root(self) -> SimpleLDAPObject:
        config = self.config()
        found = connection.connect_to(stream.server_of(self.uris[0]), config, stream.trust(self.authority))
        found.simple_bind_s(f"cn=root,{self.suffix}", self.root_password)
        return found

    def add(self, dn: str, attributes: Mapping[str, list[str]]) -> None:
        raw = {name: [value.encode() for value in values] for name, values in attributes.items()}
        self.root().add_s(dn, ldap.modlist.addModlist(raw))

    def add_person(self, uid: str, *, unit: str = "physics", **more: list[str]) -> str:
        dn = f"uid={uid},ou={unit},{campus.PEOPLE}"
        self.add(dn, person(uid) | more)
        return dn

    def set(self, dn: str, **attributes: list[str]) -> None:
        raw = {name: [value.encode() for value in values] for name, values in attributes.items()}
        changes = [(ldap.MOD_REPLACE, name, values) for name, values in raw.items()]
        self.root().modify_s(dn, changes)

    def rename(self, dn: str, rdn: str, *, below: str | None = None) -> None:
        self.root().rename_s(dn, rdn, newsuperior=below)

    def delete(self, dn: str) -> None:
        self.root().delete_s(dn)


def person(uid: str, *, hashed: bool = True) -> dict[str, list[str]]:
    """Hashing takes its time; of ten thousand nobody logs in."""
    password = {"userPassword": [password_hash(password_of(uid))]} if hashed else {}
    return {
        "objectClass": ["inetOrgPerson"],
        "uid": [uid],
        "cn": [uid],
        "sn": [uid],
        "mail": [f"{uid}@campus.example"],
        **password,
    }


def dn_of(uid: str) -> str:
    return next(person.dn for person in campus.CAMPUS if person.uid == uid)
