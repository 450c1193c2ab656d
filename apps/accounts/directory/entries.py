"""People and groups as a directory shows them."""

from __future__ import annotations

import time
import unicodedata
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from apps.accounts.directory.config import DirectoryConfig

Values = Mapping[str, list[bytes]]
"""An entry's attributes as the server sent them; names in any case."""

ACCOUNT_DISABLED = 0x2
"""Bit of Active Directory's userAccountControl."""
_DAY = 86_400
_AD_ATTRIBUTES = ("userAccountControl", "primaryGroupID", "objectSid")


@dataclass(frozen=True, slots=True)
class PersonEntry:
    """A person. `usernames`: values of the login attributes in their order, the first one is the user name;
    `group_keys`: every group they are in, through other groups too."""

    stable_id: str
    dn: str
    usernames: tuple[str, ...]
    mail: str
    full_name: str
    disabled: bool
    group_keys: frozenset[str] = frozenset()
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    primary_group_sid: bytes = field(default=b"", repr=False)  # Active Directory only


@dataclass(frozen=True, slots=True)
class GroupEntry:
    """A group; `key` is its stable id. Members are people and groups, by DN as `dn_key` writes it, or, in
    posixGroup, by login name as it is spelt (RFC 2307)."""

    key: str
    dn: str
    name: str
    member_dns: frozenset[str] = frozenset()
    member_uids: frozenset[str] = frozenset()
    sid: bytes = field(default=b"", repr=False)


@lru_cache(maxsize=50_000)
def dn_key(dn: str) -> str:
    """One text for all ways to write a DN: case and blanks around its parts make no difference."""
    from ldap import DECODING_ERROR  # noqa: PLC0415 - the LDAP library is not everywhere
    from ldap.dn import dn2str, str2dn  # noqa: PLC0415

    try:
        parts = str2dn(dn)
    except DECODING_ERROR:
        return dn.strip().casefold()
    for rdn in parts:
        for index, (name, value, flags) in enumerate(rdn):
            rdn[index] = (name.lower(), " ".join(value.split()).casefold(), flags)
        rdn.sort()
    return str(dn2str(parts))


def same_name(one: str, other: str) -> bool:
    """Whether two login names are one: capitals and forms of compatibility make no difference; a server's
    own, laxer opinion does not count."""
    return name_key(one) == name_key(other)


def name_key(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold().strip()


class Attributes:
    """The values of one entry as text."""

    def __init__(self, values: Values) -> None:
        self._values = {name.lower(): found for name, found in values.items()}

    def raw(self, name: str) -> list[bytes]:
        return self._values.get(name.lower(), [])

    def texts(self, name: str) -> tuple[str, ...]:
        """Those that are text; others are left out."""
        found = []
        for value in self.raw(name):
            try:
                found.append(value.decode())
            except UnicodeDecodeError:
                continue
        return tuple(found)

    def text(self, name: str) -> str:
        return next(iter(self.texts(name)), "")

    def whole(self, name: str, default: int) -> int:
        try:
            return int(self.text(name))
        except ValueError:
            return default

    def stable_id(self, name: str) -> str:
        """A GUID as Microsoft writes it, any other binary value as hex, text as it is."""
        values = self.raw(name)
        if not values or not values[0]:
            return ""
        if name.lower() == "objectguid" and len(values[0]) == 16:
            return str(uuid.UUID(bytes_le=values[0]))
        try:
            return values[0].decode()[:200]
        except UnicodeDecodeError:
            return values[0].hex()[:200]


def person_of(config: DirectoryConfig, dn: str, values: Values, *, disabled: bool = False) -> PersonEntry:
    """What an entry says of a person; `disabled`: whether the directory's filter of disabled ones met it."""
    shown = Attributes(values)
    names = [name for attribute in config.login_attributes for name in shown.texts(attribute)]
    return PersonEntry(
        stable_id=shown.stable_id(config.stable_id_attribute),
        dn=dn,
        usernames=tuple(dict.fromkeys(names)),
        mail=shown.text(config.mail_attribute),
        full_name=shown.text(config.full_name_attribute),
        disabled=disabled or _is_disabled(config, shown),
        attributes={name: shown.texts(name) for name in config.attributes},
        primary_group_sid=_primary_group_sid(shown) if config.is_active_directory else b"",
    )


def _is_disabled(config: DirectoryConfig, shown: Attributes) -> bool:
    if config.is_active_directory:
        return bool(shown.whole("userAccountControl", 0) & ACCOUNT_DISABLED)
    expires = shown.whole("shadowExpire", -1)  # days since 1970; RFC 2307's rule has no "less than" for it
    return 0 < expires <= time.time() // _DAY


def _primary_group_sid(shown: Attributes) -> bytes:
    """Active Directory keeps a person's primary group out of its members: its SID is the person's with the
    group's number in the last four bytes."""
    sid, number = next(iter(shown.raw("objectSid")), b""), shown.whole("primaryGroupID", 0)
    if len(sid) < 12 or not 0 < number < 2**32:
        return b""
    return sid[:-4] + number.to_bytes(4, "little")


def group_of(config: DirectoryConfig, dn: str, values: Values) -> GroupEntry:
    shown = Attributes(values)
    members = [*shown.texts("member"), *shown.texts("uniqueMember")]
    return GroupEntry(
        key=shown.stable_id(config.stable_id_attribute),
        dn=dn,
        name=shown.text(config.group_name_attribute) or dn,
        member_dns=frozenset(dn_key(member) for member in members if member),
        member_uids=frozenset(shown.texts("memberUid")),
        sid=next(iter(shown.raw("objectSid")), b""),
    )


def person_attributes(config: DirectoryConfig) -> list[str]:
    """What is asked for of a person, and no more: never "*", which would bring password hashes."""
    own = _AD_ATTRIBUTES if config.is_active_directory else ("shadowExpire",)
    asked = [
        *config.login_attributes,
        config.mail_attribute,
        config.full_name_attribute,
        config.stable_id_attribute,
        *config.attributes,
        *own,
    ]
    return list({name.lower(): name for name in asked}.values())


def group_attributes(config: DirectoryConfig, *, members: bool) -> list[str]:
    asked = [config.stable_id_attribute, config.group_name_attribute]
    if config.is_active_directory:
        asked.append("objectSid")
    if members:
        asked += ["member"] if config.is_active_directory else ["member", "uniqueMember", "memberUid"]
    return asked
