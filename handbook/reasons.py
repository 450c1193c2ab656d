"""Which reasons come with which code, read from where the code raises them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from django.conf import settings

from apps.core.words.images import IMAGE_REASONS
from apps.core.words.reasons import REASONS
from apps.core.words.says import Reason

TREES = ("apps", "workers")
FINDINGS = {"refused": "invalid_input", "warn": "zone_warning", "ignore": "zone_ignored"}
"""Methods of `apps.launch.findings` with the code that they record."""


def reasons_of(code: str) -> dict[str, Reason]:
    """The reasons of a code, by name, each with its words."""
    found = {}
    for key, reason in REASONS.items():
        name = key.rpartition("/")[2]
        if code in _codes_of(key):
            found[name] = reason
    return dict(sorted(found.items()))


def _codes_of(key: str) -> set[str]:
    """As the key says, or as the tree raises it; a reason that is worked out belongs to a value."""
    code, _, name = key.rpartition("/")
    if code:
        return {code}
    if key in IMAGE_REASONS:
        return {"image_rejected"}
    raised = _raised().get(name, set())
    own = {one for one in raised if f"{one}/{name}" not in REASONS}
    return own or {"invalid_input"}


@cache
def _raised() -> dict[str, set[str]]:
    """Codes by the reason that stands beside them as a literal."""
    trees = [ast.parse(path.read_text()) for path in _files()]
    classes = dict(pair for tree in trees for pair in _classes(tree))
    found: dict[str, set[str]] = {}
    for tree in trees:
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            name = getattr(call.func, "id", getattr(call.func, "attr", ""))
            code = classes.get(name) or FINDINGS.get(name)
            for reason in _literals(call) if code else ():
                found.setdefault(reason, set()).add(str(code))
    return found


def _files() -> Iterator[Path]:
    for tree in TREES:
        for path in sorted((settings.BASE_DIR / tree).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path


def _classes(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """The classes that declare a `code`, with it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            for line in node.body:
                if (
                    isinstance(line, ast.Assign)
                    and getattr(line.targets[0], "id", "") == "code"
                    and isinstance(line.value, ast.Constant)
                ):
                    yield node.name, str(line.value.value)


def _literals(call: ast.Call) -> Iterator[str]:
    """What the call can be told as its reason: its first argument, or the one named so."""
    given = [*call.args[:1], *(word.value for word in call.keywords if word.arg == "reason")]
    for node in given:
        for part in (node.body, node.orelse) if isinstance(node, ast.IfExp) else (node,):
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                yield part.value
