"""One act on several machines over the API."""

from __future__ import annotations

from uuid import uuid4

from apps.compute.states import State
from apps.jobs.models import Job
from tests import factories
from tests.api.client import code
from tests.api.conftest import Cast

ACT = "virtual-machines/act/"


def test_each_id_gets_a_result_in_its_order(cast: Cast) -> None:
    foreign = factories.make_vm(cast.zone, account=cast.other_account, state=State.STOPPED)
    trashed = factories.make_vm(cast.zone, account=cast.account, state=State.DESTROYED)
    unknown = uuid4()
    ids = [str(uuid) for uuid in (foreign.uuid, cast.vm.uuid, unknown, trashed.uuid)]
    answer = cast.member.post(ACT, {"kind": "vm.destroy", "ids": ids})
    assert answer.status_code == 200
    results = answer.json()["results"]
    assert [row["id"] for row in results] == ids
    assert [row["outcome"] for row in results] == ["refused", "submitted", "refused", "refused"]
    assert results[1]["job"]["kind"] == "vm.destroy"
    assert [results[n]["error"]["code"] for n in (0, 2, 3)] == ["not_found", "not_found", "state_conflict"]
    assert results[0]["name"] is None
    assert results[3]["error"]["remedy"]
    assert Job.objects.count() == 1


def test_what_is_repeated_under_a_key_is_done_once(cast: Cast) -> None:
    body = {"kind": "vm.destroy", "ids": [str(cast.vm.uuid)]}
    first, again = (cast.member.post(ACT, body, idempotency_key="k-1") for _ in range(2))
    assert first.json() == again.json()
    assert Job.objects.count() == 1


def test_bad_requests_are_refused_by_name(cast: Cast) -> None:
    one = str(cast.vm.uuid)
    for body, place in (
        ({"kind": "vm.rename", "ids": [one]}, "kind"),
        ({"kind": "vm.stop", "ids": []}, "ids"),
        ({"kind": "vm.stop", "ids": [str(uuid4()) for _ in range(201)]}, "ids"),
    ):
        assert code(cast.member.post(ACT, body)) == (422, "invalid_input", place)
    assert cast.member.post(ACT, {"kind": "vm.stop"}).status_code == 422
    assert cast.apis["anonymous"].post(ACT, {"kind": "vm.stop", "ids": [one]}).status_code == 401
