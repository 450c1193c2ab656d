"""What a person of a directory is called here."""

from __future__ import annotations

import re
import unicodedata

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from apps.accounts.directory.entries import PersonEntry
from apps.core.errors import InvalidInput
from apps.core.names import clean_name

_USERNAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,99}")


class Refused(Exception):
    """The password is right, and yet this person may not come in. `reason` is a short code."""

    def __init__(self, reason: str, name: str = "") -> None:
        super().__init__(reason)
        self.reason, self.name = reason, name


def username_of(person: PersonEntry) -> str:
    """The user name that a person gets: small letters of ASCII. Refused if the directory's cannot be one."""
    given = person.usernames[0] if person.usernames else ""
    name = unicodedata.normalize("NFKC", given).strip().lower()
    if not _USERNAME.fullmatch(name):
        raise Refused("not_a_username", given[:100])
    return name


def full_name_of(person: PersonEntry) -> str:
    """As the directory writes it; nothing where it could deceive a reader."""
    try:
        return clean_name(person.full_name, limit=200) if person.full_name else ""
    except InvalidInput:
        return ""


def email_of(person: PersonEntry) -> str:
    """Two people may have one address: it is written to, never logged in with."""
    try:
        validate_email(person.mail)
    except ValidationError:
        return ""
    return person.mail if len(person.mail) <= 254 else ""
