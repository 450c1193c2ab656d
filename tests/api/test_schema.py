"""The OpenAPI document is valid and tells the truth; nothing that fits it is answered with a 5xx."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from django.db import connection
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase, given, settings
from openapi_spec_validator import validate
from schemathesis.core.failures import FailureGroup, ServerError
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from apps.compute.api.serializers import ACTION_PATHS, EDITED
from apps.compute.verbs import VERBS
from apps.jobs.models import Job, JobState
from apps.zones import services as zones
from cloudportal.api import VIEWSETS
from tests.api.client import Api
from tests.api.conftest import Cast, make_cast

CHECKS = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


def document() -> dict[str, Any]:
    schema: dict[str, Any] = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]
    return schema


def test_the_document_is_valid_openapi() -> None:
    schema = document()
    validate(schema)
    assert schema["openapi"].startswith("3.1")


def test_the_document_is_served(cast: Cast) -> None:
    answer = cast.apis["anonymous"].get("schema/")
    assert answer.status_code == 200
    assert answer.json()["paths"].keys() == document()["paths"].keys()


def test_the_document_is_made_without_a_warning(capfd: pytest.CaptureFixture[str]) -> None:
    document()
    assert "Warning" not in capfd.readouterr().err


def test_every_operation_may_answer_with_a_problem() -> None:
    for path, operations in document()["paths"].items():
        for method, operation in operations.items():
            content = operation["responses"]["4XX"]["content"]
            assert list(content) == ["application/problem+json"], path
            if method in {"post", "patch", "delete"}:
                assert "Idempotency-Key" in {entry["name"] for entry in operation["parameters"]}, path


def test_every_operation_has_a_summary_and_no_words_of_its_class() -> None:
    internal = {inspect.cleandoc(cls.__doc__ or "") for view in VIEWSETS.values() for cls in view.__mro__}
    described = 0
    for path, operations in document()["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"], (method, path)
            assert operation.get("description") not in internal, (method, path)
            described += "description" in operation
    assert described > 4


def test_every_verb_of_a_machine_has_its_path_or_is_an_edit() -> None:
    paths = document()["paths"]
    for kind, verb in VERBS.items():
        if verb.operator_only:
            assert kind not in ACTION_PATHS
        elif kind in EDITED:
            assert kind in {"vm.rename", "vm.tag", "vm.protect", "vm.change_offering"}
        else:
            path = f"/api/v1/virtual-machines/{{id}}/{ACTION_PATHS.get(kind, kind.removeprefix('vm.'))}/"
            assert "post" in paths[path]


def test_a_job_shows_its_steps_and_what_each_usually_takes(cast: Cast) -> None:
    def job(**columns: Any) -> Job:
        return Job.objects.create(
            kind="vm.start",
            account=cast.account,
            actor_label="x",
            target_type="virtual-machine",
            target_uuid=cast.vm.uuid,
            **columns,
        )

    plan = ["ClaimHost", "PlugNics", "PointOfNoReturn", "StartMachine"]
    for seconds in (1, 2, 9):
        job(state=JobState.DONE, plan=plan, timings={"ClaimHost": seconds}, finished_at="2026-01-01T00:00Z")
    live = job(plan=plan, trail=plan[:2], midstep=True, timings={"ClaimHost": 0.5}, percent=25)
    steps = cast.member.get(f"jobs/{live.uuid}/").json()["steps"]
    assert [step["name"] for step in steps] == ["ClaimHost", "PlugNics", "StartMachine"]
    assert [step["state"] for step in steps] == ["done", "now", "next"]
    assert steps[0] == {
        "name": "ClaimHost",
        "label": "Reserve CPU and memory",
        "state": "done",
        "seconds": 0.5,
        "usual_seconds": 2,
    }
    fresh = job()
    steps = cast.member.get(f"jobs/{fresh.uuid}/").json()["steps"]
    assert [step["state"] for step in steps] == ["next"] * 3


@pytest.fixture
def live_cast(transactional_db: None, tmp_path_factory: pytest.TempPathFactory) -> Cast:
    return make_cast(str(tmp_path_factory.mktemp("secondary")))


def drive(api: Api, cast: Cast, examples: int, only: str = "") -> int:
    """Ask every operation with generated requests, good and bad, half of them about objects that
    there are; how many were asked."""
    known = [str(row.uuid) for row in (cast.vm, cast.zone, cast.template, cast.account, cast.offering)]
    schema = schemathesis.openapi.from_wsgi("/api/v1/schema/", get_wsgi_application())
    asked = 0

    def ask(case: Any) -> None:
        nonlocal asked
        asked += 1
        if asked % 2 and "id" in (case.path_parameters or {}):
            case.path_parameters["id"] = known[asked % len(known)]
        case.call_and_validate(headers=api.headers, checks=CHECKS)

    for result in schema.get_all_operations():
        operation: Any = result.ok()  # type: ignore[union-attr]
        if only and operation.path != only:
            continue
        modes = [GenerationMode.POSITIVE]
        if len(list(operation.body)) + len(list(operation.query)):
            modes.append(GenerationMode.NEGATIVE)
        for mode in modes:
            strategy = operation.as_strategy(generation_mode=mode)
            given(case=strategy)(_bounded(ask, examples))()
    return asked


def _bounded(ask: Any, examples: int) -> Any:
    def run(case: Any) -> None:
        ask(case)

    return settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )(run)


def test_no_generated_request_is_answered_with_a_5xx(live_cast: Cast) -> None:
    assert drive(live_cast.operator, live_cast, examples=1) > 130


def test_the_harness_sees_a_5xx(live_cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted fault: a service that fails is found by driving its operation."""

    def burst(*_args: object, **_options: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(zones, "create_region", burst)
    with pytest.raises(FailureGroup) as caught:
        drive(live_cast.operator, live_cast, examples=3, only="/api/v1/regions/")
    assert caught.group_contains(ServerError)


@pytest.mark.postgres
def test_no_generated_request_is_answered_with_a_5xx_on_postgresql(live_cast: Cast) -> None:
    assert connection.vendor == "postgresql"
    assert drive(live_cast.operator, live_cast, examples=4) > 400


@pytest.mark.long
@pytest.mark.parametrize("role", ["operator", "member"])
def test_no_generated_request_is_answered_with_a_5xx_however_many(live_cast: Cast, role: str) -> None:
    assert drive(live_cast.apis[role], live_cast, examples=40) > 4000
