"""No request sets what its description does not name: not who one is, nor what one may, nor whose it is."""

from __future__ import annotations

import ast
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction

from tests.architecture.tree import ROOT
from tests.matrix import tables
from tests.matrix.cast import Cast
from tests.matrix.harness import Harness, recorded
from tests.matrix.line import At, Line
from tests.matrix.world import world

pytestmark = pytest.mark.django_db
HARMLESS = {"accounts_apitoken", "accounts_session", "django_session", "accounts_idempotencykey"}
WANTED: dict[str, Any] = {
    "is_super_admin": True,
    "is_operator": True,
    "is_active": True,
    "password": "nine green kettles",
    "granted_by": 1,
    "user_id": 1,
    "account_id": 1,
    "domain_id": 1,
    "role_id": 1,
    "digest": "0" * 64,
    "created_by": 1,
    "pk": 1,
    "uuid": "00000000-0000-4000-8000-000000000000",
}


@pytest.fixture(scope="module")
def harness(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Harness]:
    with django_db_blocker.unblock(), world(tmp_path_factory.mktemp("assigned")) as cloud:
        logging.disable(logging.WARNING)
        yield Harness(cloud, Cast(cloud))
        logging.disable(logging.NOTSET)


def place_of(harness: Harness, line: Line, role: str) -> At | None:
    answers = line.expected.answers[role]
    if "+" not in answers:
        return None
    place = line.expected.places[answers.index("+")]
    return At(harness.world, place, harness.world.at(line.expected.places, place))


def body_of(line: Line, at: At) -> dict[str, Any] | None:
    body = line.body(at) if line.body else {}
    return body if isinstance(body, dict) and "file" not in body else None


def test_the_api_takes_no_field_that_it_does_not_declare(harness: Harness) -> None:
    """All of them at once with a body that is fine otherwise, by who may do everything: refused by name, and
    nothing is written."""
    api, wrong, tried = harness.cast.apis["super"], [], 0
    for line in tables.API:
        at = place_of(harness, line, "super") if line.method in {"POST", "PATCH", "PUT"} else None
        body = body_of(line, at) if at else None
        if at is None or body is None:
            continue
        more = {name: value for name, value in WANTED.items() if name not in body}
        path = line.path.format_map({noun: getattr(row, "uuid", "") for noun, row in at.rows.items()})
        with transaction.atomic():
            if line.prepare:
                line.prepare(at)
            with recorded() as written:
                answer = api.send(line.method, path, json.loads(json.dumps(body | more, default=str)))
            transaction.set_rollback(True)
        tried += 1
        if answer.status_code not in {400, 422} or not any(name in answer.text for name in more):
            wrong.append(f"{line.name}: {answer.status_code} {answer.text[:200]}")
        if written - HARMLESS:
            wrong.append(f"{line.name}: wrote to {', '.join(sorted(written - HARMLESS))}")
    assert tried > 80
    assert not wrong, "\n".join(wrong)


def python_of(folder: str) -> Iterator[tuple[str, ast.AST]]:
    for path in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            yield str(path.relative_to(ROOT)), node


def takes_all(node: ast.AST) -> bool:
    """A call that is handed whatever a request sends: `f(**request.POST)`, also by `.dict()`."""
    return isinstance(node, ast.Call) and any(
        keyword.arg is None and "POST" in ast.unparse(keyword.value) for keyword in node.keywords
    )


def test_no_form_of_the_portal_takes_what_it_does_not_name() -> None:
    """A form hands on its own fields; none has those of a row, and no page hands on what was sent."""
    found = []
    for where, node in python_of("apps"):
        if takes_all(node):
            found.append(f"{where}:{getattr(node, 'lineno', 0)}")
        if isinstance(node, ast.ClassDef):
            bases = {ast.unparse(base) for base in node.bases}
            found += [f"{where}: {node.name}"] * any("ModelForm" in base for base in bases)
    assert found == []
    assert takes_all(ast.parse("make(actor, **request.POST.dict())").body[0].value)  # type: ignore[attr-defined]
