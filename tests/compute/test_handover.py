"""All machines of an account go to another one: each by itself, allowed and counted on both sides."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.actor import Actor
from apps.accounts.models import Account, Quota
from apps.compute import placement
from apps.compute.models import VirtualMachine
from apps.compute.services import handover
from apps.compute.services.handover import hand_over_machines, plan_handover
from apps.compute.states import State
from apps.core.errors import InvalidInput, NotFound, PermissionDenied
from apps.jobs.models import Event, Job, JobLock
from tests import factories
from tests.api.client import Api
from tests.portal.browsing import client_of

pytestmark = [pytest.mark.django_db, pytest.mark.databases]
OPERATOR = Actor.system("a test")


def furnished(count: int = 3, **limits: Any) -> tuple[Account, Account]:
    zone, old, new = factories.make_zone(), factories.make_account(), factories.make_account(**limits)
    for _each in range(count):
        factories.make_vm(zone, account=old, state=State.STOPPED)
    return old, new


def owned(account: Account) -> int:
    return VirtualMachine.objects.filter(account=account).count()


def outcomes(batch: handover.Batch) -> list[str]:
    return [each.outcome.value for each in batch.results]


def test_everything_goes_with_an_event_on_each_side_and_is_counted_there() -> None:
    old, new = furnished()
    plan = plan_handover(OPERATOR, old, account=new)
    assert (outcomes(plan.batch), plan.amount.machines, owned(old)) == (["done"] * 3, 3, 3)
    batch = hand_over_machines(OPERATOR, old, account=new)
    assert (outcomes(batch), batch.left, owned(old), owned(new)) == (["done"] * 3, 0, 0, 3)
    kinds = list(Event.objects.order_by("id").values_list("kind", flat=True))
    assert kinds == ["vm.transfer", "vm.receive"] * 3
    assert Quota.objects.get(account=new).used_machines == 3
    assert [drift for drift in placement.recount() if drift.kind == "quota"] == []
    assert hand_over_machines(OPERATOR, old, account=new).results == []


def test_what_does_not_fit_stays_and_says_why() -> None:
    old, new = furnished(max_machines=2)
    plan = plan_handover(OPERATOR, old, account=new)
    assert [each.fits for each in plan.standing if each.resource == "machines"] == [False]
    batch = hand_over_machines(OPERATOR, old, account=new)
    assert outcomes(batch) == ["done", "done", "refused"]
    error = batch.results[2].error
    assert error is not None
    assert error.code == "quota_exceeded"
    assert (owned(old), owned(new)) == (1, 2)


def test_a_machine_that_a_job_has_stays_and_the_others_go() -> None:
    old, new = furnished(2)
    busy = VirtualMachine.objects.order_by("name_sort", "pk")[0]
    job = Job.objects.create(kind="vm.start", target_type="virtual-machine", target_uuid=busy.uuid)
    JobLock.objects.create(key=f"vm:{busy.uuid}", job=job)
    for batch in (
        plan_handover(OPERATOR, old, account=new).batch,
        hand_over_machines(OPERATOR, old, account=new),
    ):
        assert outcomes(batch) == ["refused", "done"]
        assert batch.results[0].error is not None
        assert batch.results[0].error.code == "resource_busy"
    assert VirtualMachine.objects.get(account=old) == busy


def test_more_than_a_request_takes_comes_with_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handover, "MAX_AT_ONCE", 2)
    old, new = furnished(5)
    assert plan_handover(OPERATOR, old, account=new).batch.left == 3
    assert [hand_over_machines(OPERATOR, old, account=new).left for _each in range(3)] == [3, 1, 0]
    assert owned(new) == 5


def all_busy(count: int) -> tuple[Account, Account]:
    """An account all of whose machines a job has."""
    old, new = furnished(1)
    first = VirtualMachine.objects.get(account=old)
    columns = [field.attname for field in VirtualMachine._meta.fields if field.attname not in {"id", "uuid"}]
    same = {name: getattr(first, name) for name in columns}
    VirtualMachine.objects.bulk_create(VirtualMachine(**same) for _each in range(count - 1))
    job = Job.objects.create(kind="vm.start", target_type="virtual-machine", target_uuid=first.uuid)
    rows = VirtualMachine.objects.filter(account=old)
    JobLock.objects.bulk_create(JobLock(key=f"vm:{vm.uuid}", job=job) for vm in rows)
    return old, new


def queries_of(act: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as queries:
        act()
    return len(queries)


Act = Callable[[Account, Account], Any]


def cost_the_same(act: Act, *pairs: tuple[Account, Account]) -> bool:
    counts = {queries_of(partial(act, *pair)) for pair in pairs}
    return len(counts) == 1


@pytest.mark.parametrize("state", [State.STOPPED, State.DESTROYED])
def test_however_many_are_refused_costs_the_same(state: State) -> None:
    few, many = all_busy(10), all_busy(500)
    VirtualMachine.objects.update(state=state)
    user = factories.make_user(*few, *many)
    assert cost_the_same(lambda old, new: plan_handover(Actor(user), old, account=new), few, many)
    assert cost_the_same(lambda old, new: hand_over_machines(Actor(user), old, account=new), few, many)
    batch = hand_over_machines(Actor(user), many[0], account=many[1])
    assert (outcomes(batch), batch.left) == (["refused"] * 500, 0)


@pytest.mark.parametrize("act", ["plan", "transfer"])
def test_so_does_the_page(act: str) -> None:
    few, many = all_busy(10), all_busy(500)
    browser = client_of(factories.make_user(*few, *many))
    browser.get("/")

    def send(old: Account, new: Account) -> None:
        answer = browser.post(f"/accounts/{old.uuid}/hand-over/", {"account": str(new.uuid), "act": act})
        assert answer.status_code == 200

    assert cost_the_same(send, few, many)


@pytest.mark.parametrize("path", ["transfer-all-plan/", "transfer-all/"])
def test_and_so_does_the_answer_over_rest(path: str) -> None:
    few, many = all_busy(10), all_busy(200)
    api = Api(factories.make_user(*few, *many))
    api.get("virtual-machines/")

    def send(old: Account, new: Account) -> None:
        body = {"source": str(old.uuid), "account": str(new.uuid)}
        assert api.post(f"virtual-machines/{path}", body).status_code == 200

    assert cost_the_same(send, few, many)


def test_of_those_that_the_quota_refuses_one_of_a_size_is_tried() -> None:
    counts = []
    for count in (5, 60):
        old, new = furnished(count, max_machines=0)
        counts.append(queries_of(partial(hand_over_machines, OPERATOR, old, account=new)))
        batch = hand_over_machines(OPERATOR, old, account=new)
        assert (outcomes(batch), batch.left) == (["refused"] * count, 0)
        assert {each.error.code for each in batch.results if each.error} == {"quota_exceeded"}
    assert counts[0] == counts[1]


def test_a_smaller_machine_goes_where_a_larger_one_is_refused() -> None:
    old, new = furnished(6, max_vcpus=3)
    rows = list(VirtualMachine.objects.filter(account=old).order_by("name_sort", "pk"))
    large, small = factories.make_offering(vcpus=4), factories.make_offering(vcpus=1)
    for number, vm in enumerate(rows):
        VirtualMachine.objects.filter(pk=vm.pk).update(offering=small if number % 2 else large)
    placement.recount(fix=True)
    batch = hand_over_machines(OPERATOR, old, account=new)
    assert outcomes(batch) == ["refused", "done"] * 3
    assert owned(new) == 3


def test_where_too_many_were_tried_in_vain_the_rest_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handover, "MAX_AT_ONCE", 2)
    old, new = furnished(5, max_machines=0)
    for vm in VirtualMachine.objects.filter(account=old):
        VirtualMachine.objects.filter(pk=vm.pk).update(created_by=factories.make_user(new))
    batch = hand_over_machines(OPERATOR, old, account=new)
    assert (outcomes(batch), batch.left, owned(old)) == (["refused"] * 2, 3, 5)


def test_it_takes_rights_on_both_sides_and_two_accounts() -> None:
    old, new = furnished()
    giver, taker, both = (factories.make_user(*each) for each in ([old], [new], [old, new]))
    for act in (plan_handover, hand_over_machines):
        for user in (giver, taker):
            with pytest.raises((NotFound, PermissionDenied)):
                act(Actor(user), old, account=new)
        with pytest.raises(InvalidInput):
            act(OPERATOR, old, account=old)
    assert owned(old) == 3
    hand_over_machines(Actor(both), old, account=new)
    assert owned(new) == 3


def test_over_rest_each_machine_has_its_answer() -> None:
    old, new = furnished(2, max_machines=1)
    both, giver = Api(factories.make_user(old, new)), Api(factories.make_user(old))
    body = {"source": str(old.uuid), "account": str(new.uuid)}
    for path in ("transfer-all-plan/", "transfer-all/"):
        hidden = giver.post(f"virtual-machines/{path}", body)
        assert (hidden.status_code, hidden.json()["place"]) == (404, "account")
        wrong = both.post(f"virtual-machines/{path}", {"account": str(new.uuid)})
        assert (wrong.status_code, wrong.json()["place"]) == (422, "source")
    plan = both.post("virtual-machines/transfer-all-plan/", body).json()
    assert ([row["outcome"] for row in plan["results"]], plan["amount"]["machines"]) == (["done"] * 2, 2)
    done = both.post("virtual-machines/transfer-all/", body).json()
    assert [row["outcome"] for row in done["results"]] == ["done", "refused"]
    assert done["results"][1]["error"]["code"] == "quota_exceeded"
    assert done["left"] == 0


def test_the_page_tells_first_and_then_what_became_of_each() -> None:
    old, new = furnished(2, max_machines=1)
    browser, at = client_of(factories.make_user(old, new)), f"/accounts/{old.uuid}/hand-over/"
    assert at in browser.get(f"/accounts/{old.uuid}/").text
    assert "The account has 2 machines that you see." in browser.get(at).text
    told = browser.post(at, {"account": str(new.uuid), "act": "plan"}).text
    assert "2 machines go." in told
    assert "1 too many" in told
    assert owned(old) == 2
    done = browser.post(at, {"account": str(new.uuid), "act": "transfer"}).text
    assert "1 machine was handed over." in done
    assert "1 was refused." in done
    assert owned(new) == 1
    lost = browser.post(at, {"account": "nowhere", "act": "plan"})
    assert (lost.status_code, 'id="id_account_error"' in lost.text) == (422, True)


def test_the_page_of_a_strangers_account_is_not_there() -> None:
    old, new = furnished(1)
    at = f"/accounts/{old.uuid}/hand-over/"
    assert client_of(factories.make_user(new)).get(at).status_code == 404
    assert client_of(factories.make_user(new)).post(at, {"account": str(new.uuid)}).status_code == 404
    assert owned(old) == 1
