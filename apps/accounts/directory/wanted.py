"""What the rules want for one person."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from apps.accounts.directory.changes import Note
from apps.accounts.directory.entries import PersonEntry, dn_key, name_key
from apps.accounts.directory.rules import UID, RuleSpec, digest, fill, placeholders
from apps.core.errors import InvalidInput
from apps.core.names import clean_name, fold

MAX_VALUES = 20
"""How many values of one attribute make accounts of their own."""
_SCRIPTS = frozenset({"LATIN", "GREEK", "CYRILLIC"})


@dataclass(frozen=True, slots=True)
class Target:
    """An account that there is, by its key, or one that a pattern makes."""

    account: int | None = None
    domain: int | None = None
    template: str = ""
    key: str = ""
    name: str = ""

    @property
    def made(self) -> tuple[int, str, str]:
        return (self.domain or 0, self.template, self.key)


def matches(spec: RuleSpec, person: PersonEntry) -> bool:
    """Capitals, and blanks at the ends, make no difference to a value; neither is a wildcard."""
    if spec.match == "group":
        return spec.match_value in person.group_keys
    if spec.match == "ou":
        return stands_below(person.dn, spec.match_value)
    wanted = name_key(spec.match_value)
    return any(name_key(value) == wanted for value in values_of(person, spec.match_name))


def stands_below(dn: str, base: str) -> bool:
    """Whether the entry is the base's own or below it."""
    own, top = dn_key(dn), dn_key(base)
    return own == top or own.endswith(f",{top}")


def values_of(person: PersonEntry, attribute: str) -> tuple[str, ...]:
    wanted = attribute.lower()
    return next((found for name, found in person.attributes.items() if name.lower() == wanted), ())


def targets(spec: RuleSpec, person: PersonEntry, username: str) -> tuple[list[Target], list[Note]]:
    """The accounts that a rule gives to a person who matches it."""
    if spec.gives == "account":
        return [Target(account=spec.account)], []
    found: dict[str, Target] = {}
    notes = []
    names = list(dict.fromkeys(placeholders(spec.template)))
    choices = [[username] if name == UID else _few(values_of(person, name)) for name in names]
    for values in product(*choices):
        filled = dict(zip(names, values, strict=True))
        name, reason = _account_name(fill(spec.template, filled))
        if reason:
            notes.append(Note(reason, username, spec.rule, name))
            continue
        key = _key(filled, person)
        found.setdefault(key, Target(domain=spec.domain, template=spec.template, key=key, name=name))
    return list(found.values()), notes


def _few(values: Sequence[str]) -> list[str]:
    return [value.strip() for value in values if value.strip()][:MAX_VALUES]


def _account_name(text: str) -> tuple[str, str]:
    """The name, and the reason why it cannot be one."""
    try:
        name = clean_name(text)
    except InvalidInput:
        return text[:100], "not_a_name"
    return name, "mixed_scripts" if _mixes_scripts(name) else ""


def _mixes_scripts(name: str) -> bool:
    """A word with letters of two of these alphabets looks like another: it is nobody's name."""
    for word in name.split():
        scripts = {unicodedata.name(char, "").split(" ")[0] for char in word if char.isalpha()}
        if len(scripts & _SCRIPTS) > 1:
            return True
    return False


def _key(filled: dict[str, str], person: PersonEntry) -> str:
    """A person's own account is theirs under any name; that of a value is of all who have it."""
    parts = [f"{name}={fold(value)}" for name, value in sorted(filled.items()) if name != UID]
    if UID in filled:
        parts.insert(0, f"person={person.stable_id}")
    key = ";".join(parts) or "everybody"
    return key if len(key) <= 400 else digest(key)
