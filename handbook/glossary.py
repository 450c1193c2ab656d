"""The glossary of both languages, from the tables of docs/glossary.md."""

from __future__ import annotations

import re
from pathlib import Path

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from apps.core.names import fold
from handbook.markdown import page, table

_ROW = re.compile(r"^\| (?!-)([^|]+) \| ([^|]+) \|", re.MULTILINE)


def page_of(source: Path) -> str:
    """The page in the active language: sorted by its own terms, the other language beside them."""
    terms, states = source.read_text().split("\n## States", 1)
    return page(
        "# " + _("Glossary"),
        _("The words of the portal and of these pages, in English and Greek."),
        _sorted(terms),
        "## " + _("States of a virtual machine"),
        _sorted(states),
    )


def _sorted(text: str) -> str:
    rows = [(english.strip(), greek.strip()) for english, greek in _ROW.findall(text)]
    pairs = [(english, greek) for english, greek in rows if (english, greek) != ("English", "Greek")]
    head = (_("English"), _("Greek"))
    if get_language() == "el":
        head, pairs = (head[1], head[0]), [(greek, english) for english, greek in pairs]
    return table(head, sorted(pairs, key=lambda pair: fold(pair[0])))
