"""What may stand in a directory's settings. No server is asked: the test of the connection does."""

from __future__ import annotations

import re
import ssl
from typing import Any

from apps.accounts.directory.stream import server_of, trust
from apps.core.errors import InvalidInput

MAX_SERVERS, MAX_BASES, MAX_ATTRIBUTES = 8, 16, 32
MAX_TEXT = 1000
MAX_CERTIFICATE = 64 * 1024
_VALUE = re.compile(r"(?:[^,+\"\\<>;\x00-\x1f\x7f]|\\[0-9A-Fa-f]{2}|\\[ ,+\"\\<>;=#])+")
_PART = re.compile(r"(?:\\.|[^\\,+])+")
_ATTRIBUTE = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,62}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
PASSWORDS = frozenset(
    {"userpassword", "unicodepwd", "sambantpassword", "sambalmpassword", "krbprincipalkey", "olcrootpw"}
)
"""Never read, whatever an operator asks for."""


def clean_servers(value: object, *, place: str = "servers") -> list[str]:
    """Addresses in their order, each once."""
    found = []
    for text in _texts(value, place=place, most=MAX_SERVERS):
        try:
            found.append(server_of(text.strip()).uri)
        except ValueError:
            raise InvalidInput("not_an_ldap_uri", place=place, value=text[:100]) from None
    if not found:
        raise InvalidInput("blank", place=place)
    return list(dict.fromkeys(found))


def clean_dn(text: object, *, place: str, empty: bool = False) -> str:
    if not isinstance(text, str):
        raise InvalidInput("not_text", place=place)
    dn = text.strip()
    if not dn and empty:
        return ""
    if len(dn) > 500 or not _is_dn(dn):
        raise InvalidInput("not_a_dn", place=place)
    return dn


def _is_dn(text: str) -> bool:
    """RFC 4514, split at what is not escaped first, so that no text takes long."""
    parts = _PART.findall(text)
    between = _PART.sub("", text)
    if len(between) != len(parts) - 1 or not set(between) <= {",", "+"}:
        return False
    pairs = [part.partition("=") for part in parts]
    return all(
        _ATTRIBUTE.fullmatch(name.strip()) and _VALUE.fullmatch(value.strip()) for name, _, value in pairs
    )


def clean_bases(value: object, *, place: str, empty: bool = False) -> list[str]:
    found = [clean_dn(text, place=place) for text in _texts(value, place=place, most=MAX_BASES)]
    if not found and not empty:
        raise InvalidInput("blank", place=place)
    return list(dict.fromkeys(found))


def clean_filter(text: object, *, place: str, empty: bool = False) -> str:
    """An LDAP filter (RFC 4515) as far as its parentheses tell; a server judges the rest."""
    if not isinstance(text, str):
        raise InvalidInput("not_text", place=place)
    found = text.strip()
    if not found and empty:
        return ""
    if len(found) > MAX_TEXT or _CONTROL.search(found) or not _is_one_group(found):
        raise InvalidInput("not_an_ldap_filter", place=place)
    return found


def _is_one_group(text: str) -> bool:
    depth = 0
    for position, char in enumerate(text):
        depth += {"(": 1, ")": -1}.get(char, 0)
        if depth <= 0 and position < len(text) - 1:
            return False
    return len(text) > 2 and depth == 0 and "()" not in text


def clean_attribute(text: object, *, place: str) -> str:
    if not isinstance(text, str) or not _ATTRIBUTE.fullmatch(text.strip()):
        raise InvalidInput("not_an_attribute", place=place)
    if text.strip().lower() in PASSWORDS:
        raise InvalidInput("password_attribute", place=place)
    return text.strip()


def clean_attributes(value: object, *, place: str, empty: bool = False) -> list[str]:
    found = [clean_attribute(text, place=place) for text in _texts(value, place=place, most=MAX_ATTRIBUTES)]
    if not found and not empty:
        raise InvalidInput("blank", place=place)
    return list({name.lower(): name for name in found}.values())


def clean_certificate(text: object, *, place: str = "ca_certificate") -> str:
    """Certificates in PEM, or nothing. A private key is refused: it would be shown to who may look."""
    if not isinstance(text, str):
        raise InvalidInput("not_text", place=place)
    pem = text.strip().replace("\r\n", "\n")
    if not pem:
        return ""
    if "PRIVATE KEY" in pem:
        raise InvalidInput("private_key_given", place=place)
    if len(pem) > MAX_CERTIFICATE:
        raise InvalidInput("too_long", place=place, limit=MAX_CERTIFICATE)
    try:
        trust(pem)
    except (ssl.SSLError, ValueError):
        raise InvalidInput("not_a_certificate", place=place) from None
    return pem + "\n"


def clean_password(text: object, *, place: str = "bind_password") -> str:
    if not isinstance(text, str) or len(text) > 500 or "\x00" in text:
        raise InvalidInput("not_text", place=place)
    return text


def _texts(value: object, *, place: str, most: int) -> list[str]:
    if not isinstance(value, list | tuple) or len(value) > most:
        raise InvalidInput("too_many", place=place, limit=most)
    items: list[Any] = list(value)
    for item in items:
        if not isinstance(item, str):
            raise InvalidInput("not_text", place=place)
    return [item for item in items if item.strip()]
