"""All pages of one language as Markdown: those written in docs/, and those made from the product."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.utils import translation

from handbook import errors, glossary, reference
from handbook.contents import GLOSSARY, PARTS, Part, address, part_of

_TITLE = re.compile(r"^# (.+)$", re.MULTILINE)
_MARKS = re.compile(r"[`*]|\\(?=[^\w\s])")
_NOT_OURS = {"plan", "README"}
"""Pages of docs/ that are no part of the documentation: notes of work under way."""


@dataclass(frozen=True, slots=True)
class Page:
    """`name` is its address below the language: "user/trash"."""

    name: str
    text: str

    @property
    def title(self) -> str:
        found = _TITLE.search(self.text)
        if found is None:
            raise ValueError(f"{self.name} has no title")
        return _MARKS.sub("", found.group(1)).strip()


def pages(root: Path, language: str) -> list[Page]:
    """The pages of a language in reading order."""
    texts = {**_written(root / "docs" / language)}
    with translation.override(language):
        texts |= {f"errors/{name}": text for name, text in errors.pages()}
        texts[GLOSSARY] = glossary.page_of(root / "docs" / "glossary.md")
    if language == "en":
        texts |= {f"developer/{name}": text for name, text in _written(root / "docs", "en", "el").items()}
        texts |= {f"api/{name}": text for name, text in reference.pages()}
    return sorted((Page(name, text) for name, text in texts.items()), key=_place)


def _written(folder: Path, *without: str) -> dict[str, str]:
    found = {}
    for path in sorted(folder.rglob("*.md")):
        name = path.relative_to(folder).with_suffix("")
        if name.parts[0] not in without and str(name) not in _NOT_OURS:
            found[name.as_posix()] = path.read_text()
    return found


def _place(page: Page) -> tuple[int, int, str]:
    part = part_of(page.name)
    if part is None:
        return (len(PARTS), 0, page.name) if page.name == GLOSSARY else (-1, 0, page.name)
    own = page.name.removeprefix(f"{part.folder}/")
    rank = part.first.index(own) if own in part.first else len(part.first)
    return PARTS.index(part), rank, page.name


@dataclass(frozen=True, slots=True)
class Link:
    """An entry of the navigation: `address` begins below /docs/."""

    title: str
    address: str
    language: str


@dataclass(frozen=True, slots=True)
class Section:
    """A part as the navigation shows it."""

    folder: str
    title: str
    links: tuple[Link, ...]


def navigation(pages: list[Page], language: str, english: list[Page]) -> list[Section]:
    """The parts with their pages; what a language has not is the English one."""
    with translation.override(language):
        sections = [
            Section(part.folder, str(part.title), tuple(_links(part, pages, language, english)))
            for part in PARTS
        ]
    return [section for section in sections if section.links]


def _links(part: Part, pages: list[Page], language: str, english: list[Page]) -> Iterator[Link]:
    own = language if part.translated else "en"
    for page in pages if part.translated else english:
        if page.name.startswith(f"{part.folder}/"):
            yield Link(page.title, address(own, page.name), own)
