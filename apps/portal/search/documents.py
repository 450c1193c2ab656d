"""Pages of the documentation: found by a part of their title, those of errors by their code too."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.utils.translation import get_language

from apps.core.names import fold
from apps.portal.search.finders import Asked, rank

_ERROR = re.compile(r"/errors/([a-z_]+)/$")


@dataclass(frozen=True)
class Document:
    """A page in one language; `code` is that of the error it explains, else empty."""

    title: str
    address: str
    language: str
    code: str


def find_documents(asked: Asked, limit: int) -> list[Document]:
    """In the reader's language, the best first; none before something was typed."""
    path = settings.VAR / "docs" / "current" / "index.json"
    if not asked.key or not path.exists():
        return []
    found = [
        document
        for document in _index(path, path.stat().st_mtime_ns)
        if document.language == get_language() and _holds(document, asked.key)
    ]
    return sorted(found, key=lambda document: min(rank(asked, document.title), rank(asked, document.code)))[
        :limit
    ]


def _holds(document: Document, key: str) -> bool:
    return key in fold(document.title) or key in document.code


@lru_cache(maxsize=2)
def _index(path: Path, _changed: int) -> list[Document]:
    return [
        Document(entry["title"], entry["address"], entry["language"], _code(entry["address"]))
        for entry in json.loads(path.read_text())
    ]


def _code(address: str) -> str:
    found = _ERROR.search(address)
    return found[1] if found else ""
