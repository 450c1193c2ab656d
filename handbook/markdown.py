"""Small pieces of Markdown, safe for any text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|$~])")
_PARAMETER = re.compile(r"%\((\w+)\)s")


def plain(text: object) -> str:
    """The text as it is, with no part of it taken for a mark."""
    return _SPECIAL.sub(r"\\\1", re.sub(r"\s+", " ", str(text)))


def words(text: object) -> str:
    """A text of ours: its parameters become names in italics."""
    pieces = _PARAMETER.split(str(text))
    told = [plain(piece) if place % 2 == 0 else f"*{plain(piece)}*" for place, piece in enumerate(pieces)]
    return "".join(told).replace("%%", "%")


def code(text: object) -> str:
    """In a fixed font, in a cell of a table too."""
    return f"`{str(text).replace('|', chr(92) + '|')}`"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are Markdown already."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def terms(told: Mapping[str, str]) -> str:
    """Names, each with what is said of it: readable where a table would be too wide."""
    return "\n\n".join(f"{code(name)}\n: {text.strip()}" for name, text in told.items())


def page(*blocks: str) -> str:
    return "\n\n".join(block for block in blocks if block) + "\n"
