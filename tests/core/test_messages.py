"""Every code and reason that can reach a person has words, in every language."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.utils import translation

import workers.operations  # noqa: F401 - registers the operations
from apps.compute import placement
from apps.compute.user_data import REASONS as USER_DATA_REASONS
from apps.core import rest
from apps.core.errors import CloudError
from apps.core.messages import explain, fill, note_text, placement_help, step_label
from apps.core.words.codes import CODES, DRIVER_CODES
from apps.core.words.jobs import NOTES, STEPS
from apps.core.words.placement import PLACEMENT_HELP, PLACEMENT_REASONS
from apps.core.words.reasons import REASONS
from apps.core.words.says import Reason, Words
from workers.drivers.errors import DriverError
from workers.operation import Operation

IMAGE_REASONS = {
    *("not_an_image", "wrong_format", "backing_file", "data_file", "too_large", "encrypted", "damaged")
}
REASONED = {"InvalidInput", "MalformedRequest"}
TREES = ("apps", "workers")


@cache
def sources() -> list[tuple[Path, ast.Module]]:
    root = settings.BASE_DIR
    files = [path for tree in TREES for path in sorted((root / tree).rglob("*.py"))]
    return [(path, ast.parse(path.read_text())) for path in files if "migrations" not in path.parts]


def calls() -> Iterator[tuple[Path, ast.Call, str]]:
    for path, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                yield path, node, name


def literals(node: ast.expr | None) -> set[str]:
    """The texts that an expression can be, as far as it shows them."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return {node.value}
    if isinstance(node, ast.IfExp):
        return literals(node.body) | literals(node.orelse)
    return set()


def used_reasons() -> set[str]:
    found: set[str] = set()
    for _path, call, name in calls():
        if name in REASONED and call.args:
            found |= literals(call.args[0])
        if name[:1].isupper():
            for keyword in call.keywords:
                if keyword.arg == "reason":
                    found |= literals(keyword.value)
    return found


def used_notes() -> set[str]:
    found: set[str] = set()
    for _path, call, name in calls():
        position = {"Later": 2, "WaitFor": 1}.get(name)
        if position is not None and len(call.args) > position:
            found |= literals(call.args[position])
        for keyword in call.keywords:
            if keyword.arg == "note":
                found |= literals(keyword.value)
    for _path, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign):
                found |= _assigned_notes(node)
    return found - {""}


def _assigned_notes(node: ast.Assign) -> set[str]:
    """ "x.note = ..." and "x.state, x.note = ..., ..."."""
    target = node.targets[0]
    pairs = [(target, node.value)]
    if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
        pairs = list(zip(target.elts, node.value.elts, strict=False))
    return {
        text
        for name, value in pairs
        if isinstance(name, ast.Attribute) and name.attr == "note"
        for text in literals(value)
    }


def subclasses(kind: type[Any]) -> Iterator[type[Any]]:
    for child in kind.__subclasses__():
        yield child
        yield from subclasses(child)


def codes() -> set[str]:
    kinds: list[Any] = [CloudError, DriverError, *subclasses(CloudError), *subclasses(DriverError)]
    ours = [kind for kind in kinds if kind.__module__.split(".")[0] in TREES]
    return {kind.code for kind in ours} | set(rest._FROM_FRAMEWORK.values())


def test_the_collection_finds_what_it_is_meant_to_find() -> None:
    assert {"too_long", "wrong_state", "job_ended", "duplicate_key", "subnet_overlaps"} <= used_reasons()
    assert {"waiting_for_job", "copying_template", "waiting_for_guest"} <= used_notes()
    assert {"invalid_input", "host_unreachable", "template_unavailable", "throttled"} <= codes()


def test_every_code_has_words() -> None:
    assert codes() - set(CODES) == set()


def test_every_driver_error_has_words_of_its_own() -> None:
    kinds: list[Any] = [DriverError, *subclasses(DriverError)]
    assert {kind.code for kind in kinds} <= set(DRIVER_CODES)


def test_every_reason_has_words() -> None:
    known = {key.rpartition("/")[2] for key in REASONS} | set(PLACEMENT_REASONS)
    assert (used_reasons() | set(USER_DATA_REASONS) | IMAGE_REASONS) - known == set()


def test_every_placement_reason_and_help_has_words() -> None:
    assert {str(reason) for reason in placement.Reason} == set(PLACEMENT_REASONS)
    assert set(placement.HELP.values()) == set(PLACEMENT_HELP)
    assert all(placement_help(code) != code for code in placement.HELP.values())


def test_every_note_and_step_has_words() -> None:
    assert used_notes() - set(NOTES) == set()
    steps = {step.__name__ for kind in Operation.registry.values() for step in kind.steps}
    assert steps - set(STEPS) == set()
    assert note_text("copying_template") != "copying_template"
    assert step_label("PickHost") == "Find a host"


def test_an_explanation_names_its_parameters() -> None:
    said = explain("invalid_input", {"reason": "out_of_range", "low": 1, "high": 9})
    assert "1" in said.detail
    assert "9" in said.detail
    assert said.title == "A value cannot be used"


def test_a_missing_parameter_and_an_unknown_code_still_read() -> None:
    assert "…" in explain("invalid_input", {"reason": "out_of_range"}).detail
    assert explain("no_such_code").title == "Something went wrong"


def test_counts_are_told_in_words() -> None:
    said = explain("object_in_use", {"counts": {"host": 1, "volume": 3}})
    assert "1 host, 3 volumes" in said.detail


def texts() -> Iterator[str]:
    for words in CODES.values():
        yield from (str(words.title), str(words.detail), str(words.remedy))
    for reason in REASONS.values():
        yield from (str(reason.detail), str(reason.remedy))
    for group in (STEPS, NOTES, PLACEMENT_REASONS, PLACEMENT_HELP):
        yield from map(str, group.values())


@pytest.mark.parametrize("language", ["en", "el"])
def test_every_text_takes_its_parameters(language: str) -> None:
    with translation.override(language):
        for text in texts():
            assert fill(text, {}) is not None


def test_every_text_is_in_greek() -> None:
    with translation.override("en"):
        english = list(texts())
    with translation.override("el"):
        greek = list(texts())
    plain = [text for text, said in zip(english, greek, strict=True) if text and text == said]
    assert plain == []
    for text, said in zip(english, greek, strict=True):
        assert sorted(re.findall(r"%\(\w+\)s", text)) == sorted(re.findall(r"%\(\w+\)s", said)), text


def test_words_are_complete() -> None:
    for words in CODES.values():
        assert isinstance(words, Words)
        assert words.title
        assert words.detail
        assert words.remedy
    assert all(isinstance(reason, Reason) and reason.detail for reason in REASONS.values())


@pytest.mark.parametrize(
    ("language", "done", "said"),
    [
        ("en", 1, "1 machine was made and 2 failed."),
        ("en", 3, "3 machines were made and 2 failed."),
        ("el", 1, "Δημιουργήθηκε 1 μηχανή· αποτυχίες: 2."),
        ("el", 3, "Δημιουργήθηκαν 3 μηχανές· αποτυχίες: 2."),
    ],
)
def test_a_batch_counts_its_machines_in_words_that_fit_the_number(
    language: str, done: int, said: str
) -> None:
    with translation.override(language):
        assert explain("batch_incomplete", {"done": done, "failed": 2}).detail == said
