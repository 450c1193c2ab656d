"""A language's catalogue: brought up to date with the code, and held against it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import polib

from apps.core.translations.sources import Fault, Message

HEADER = "Texts of cloudportal. Brought up to date by: manage.py messages. Terms: docs/glossary.md"
METADATA = {
    "Project-Id-Version": "cloudportal",
    "MIME-Version": "1.0",
    "Content-Type": "text/plain; charset=UTF-8",
    "Content-Transfer-Encoding": "8bit",
}
"""No date and no person: the file changes only where a text does."""

PLURAL_FORMS = {"el": "nplurals=2; plural=(n != 1);"}

_PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%%|</?[a-z]+[^>]*>")
_TWO_ALPHABETS = re.compile(r"[A-Za-z][Ͱ-Ͽἀ-῿]|[Ͱ-Ͽἀ-῿][A-Za-z]")


def path_of(root: Path, language: str) -> Path:
    return root / "locale" / language / "LC_MESSAGES" / "django.po"


def metadata(language: str) -> dict[str, str]:
    return {**METADATA, "Language": language, "Plural-Forms": PLURAL_FORMS[language]}


def refresh(path: Path, language: str, messages: Iterable[Message]) -> int:
    """Write the catalogue anew, in the code's order: what is translated stays, what is gone goes. How
    many texts wait for a translation."""
    old = {_message(entry): entry for entry in polib.pofile(str(path))} if path.exists() else {}
    fresh = polib.POFile(wrapwidth=0)
    fresh.header = HEADER
    fresh.metadata = metadata(language)
    for message in messages:
        known = old.get(message)
        fresh.append(_entry(message, known))
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh.save(str(path))
    return len(fresh.untranslated_entries())


def _entry(message: Message, known: Any) -> Any:
    forms = {0: "", 1: ""} if message.plural else {}
    entry = polib.POEntry(
        msgid=message.id,
        msgid_plural=message.plural,
        msgctxt=message.context or None,
        msgstr=known.msgstr if known else "",
        msgstr_plural=known.msgstr_plural if known else forms,
    )
    if "%(" in message.id or "%%" in message.id:
        entry.flags.append("python-format")
    if known is not None and known.fuzzy:
        entry.flags.append("fuzzy")
    return entry


def _message(entry: Any) -> Message:
    return Message(entry.msgid, entry.msgid_plural or "", entry.msgctxt or "")


def faults_of(path: Path, language: str, messages: Iterable[Message]) -> list[Fault]:
    """Whatever would show a reader a text that is missing, stale or broken."""
    if not path.exists():
        return [Fault(str(path), "there is no catalogue")]
    try:
        catalogue = polib.pofile(str(path), check_for_duplicates=True)
    except (OSError, ValueError) as error:
        return [Fault(str(path), f"cannot be read: {error}")]
    faults = []
    for name, value in metadata(language).items():
        if catalogue.metadata.get(name) != value:
            faults.append(Fault(str(path), f"its header {name} is not “{value}”"))
    extra = sorted(set(catalogue.metadata) - set(metadata(language)))
    faults += [Fault(str(path), f"its header {name} is not wanted") for name in extra]
    wanted = set(messages)
    there = {_message(entry) for entry in catalogue if not entry.obsolete}
    faults += [Fault(str(path), f"missing: {message.id}") for message in wanted - there]
    for entry in catalogue:
        place = f"{path}:{entry.linenum}"
        if entry.obsolete or _message(entry) not in wanted:
            faults.append(Fault(place, f"obsolete: {entry.msgid}"))
        else:
            faults += [Fault(place, f"{what}: {entry.msgid}") for what in _faults_of_entry(entry)]
    return sorted(faults, key=str)


def _faults_of_entry(entry: Any) -> Iterator[str]:
    if entry.fuzzy:
        yield "fuzzy"
    if not entry.translated() and not entry.fuzzy:
        yield "untranslated"
        return
    forms = entry.msgstr_plural.values() if entry.msgid_plural else [entry.msgstr]
    for form in forms:
        if sorted(_PLACEHOLDER.findall(form)) != sorted(_PLACEHOLDER.findall(entry.msgid)):
            yield "placeholders differ"
        elif _PLACEHOLDER.search(entry.msgid) and "%" in _PLACEHOLDER.sub("", form):
            yield "a % that is not %%"
        if form != form.strip() or form.endswith(".") != entry.msgid.endswith("."):
            yield "begins or ends otherwise"
        if "  " in form:
            yield "two spaces"
        if _TWO_ALPHABETS.search(_PLACEHOLDER.sub(" ", form)):
            yield "Greek and Latin letters in one word"
