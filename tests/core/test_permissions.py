"""Each permission that the code asks for has words."""

from __future__ import annotations

import re

from apps.core.words.permissions import PERMISSIONS
from tests.architecture.tree import ROOT

ASKED = re.compile(
    r"""(?:require|may|require_somewhere|somewhere|reach)\(\s*(?:self\.)?(?:actor,\s*)?f?["']([a-z_]+\.[a-z_]+)["']"""
)


def asked() -> set[str]:
    texts = (path.read_text(encoding="utf-8") for path in (ROOT / "apps").rglob("*.py"))
    return {name for text in texts for name in ASKED.findall(text)}


def test_every_permission_that_is_asked_for_has_words() -> None:
    assert len(asked()) > 50
    assert asked() - PERMISSIONS.keys() == set()
