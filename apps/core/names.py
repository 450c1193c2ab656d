"""Names that people type: what may be in them, and how they are found and sorted.

Source of the folding: Unicode NFKD without combining marks (Unicode Standard Annex 15), plus the
Greek final sigma, so that "Άλφας", "αλφασ" and "ΑΛΦΑΣ" are one key on every database.
"""

from __future__ import annotations

import re
import unicodedata

from apps.core.errors import InvalidInput

MAX_NAME = 100
_BIDI = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
MAX_LABEL = 63
_BLANK_LETTERS = frozenset("\u115f\u1160\u3164\uffa0\u2800")  # letters and signs that show nothing
_HOSTNAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def clean_name(text: object, *, place: str = "name", limit: int = MAX_NAME) -> str:
    """The name in NFC with outer blanks removed; InvalidInput if it is empty, longer than `limit`
    characters, or has control, direction or unassigned characters in it."""
    if not isinstance(text, str):
        raise InvalidInput("not_text", place=place)
    if len(text) > limit * 4:
        raise InvalidInput("too_long", place=place, limit=limit)
    name = unicodedata.normalize("NFC", text).strip()
    if not name or set(name) <= _BLANK_LETTERS | {" "}:
        raise InvalidInput("blank", place=place)
    if len(name) > limit:
        raise InvalidInput("too_long", place=place, limit=limit)
    for position, char in enumerate(name, 1):
        if char in _BIDI:
            raise InvalidInput("direction_mark", place=place, position=position)
        if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}:
            raise InvalidInput("control_character", place=place, position=position)
    return name


def fold(text: str) -> str:
    """The key by which a name is searched: no case, no accents, one sigma."""
    decomposed = unicodedata.normalize("NFKD", text)
    bare = "".join(char for char in decomposed if not unicodedata.combining(char))
    return bare.casefold().replace("ς", "σ")


def sort_key(text: str) -> str:
    """The key by which names are sorted: folded, numbers by value ("vm-9" before "vm-10")."""
    return re.sub(r"\d+", lambda m: f"{len(m[0].lstrip('0')):02d}{m[0].lstrip('0')}", fold(text))


PART = 3
_WORD = re.compile(r"[^\W\d_]+|\d+")


def name_parts(key: str) -> set[str]:
    """What a folded name is found by: each PART letters in a row, and of each word its first one and its
    first two. Letters and digits are words of their own."""
    parts = {key[start : start + PART] for start in range(len(key) - PART + 1)}
    for word in _WORD.findall(key):
        parts |= {word[:length] for length in range(1, min(len(word) + 1, PART))}
    return parts


_GREEK = str.maketrans(
    {
        **dict(zip("αβγδεζηικλμνξοπρστυφω", "avgdeziiklmnxoprstyfo", strict=True)),
        "θ": "th",
        "χ": "ch",
        "ψ": "ps",
    }
)


def hostname_of(name: str) -> str:
    """A host name (RFC 1123 label) made from any name; Greek by its usual Latin letters. One that is too
    long is cut before the number at its end, by which machines of a batch are told apart."""
    latin = fold(name).translate(_GREEK)
    label = re.sub(r"[^a-z0-9]+", "-", latin).strip("-")
    if len(label) > MAX_LABEL:
        number = re.search(r"-?[0-9]{0,10}$", label)
        end = number[0] if number else ""
        label = label[: MAX_LABEL - len(end)].rstrip("-") + end
    return label.strip("-") or "vm"


def clean_hostname(text: object, *, place: str = "hostname") -> str:
    """An RFC 1123 label; InvalidInput otherwise."""
    if not isinstance(text, str) or not _HOSTNAME.fullmatch(text):
        raise InvalidInput("not_a_hostname", place=place)
    return text
