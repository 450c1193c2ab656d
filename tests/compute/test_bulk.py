"""One act on several machines: each for itself."""

from __future__ import annotations

import pytest

from apps.accounts.actor import Actor
from apps.accounts.models import Account
from apps.compute.models import VirtualMachine
from apps.compute.services.bulk import MAX_AT_ONCE, Outcome, act_on_many
from apps.compute.states import State
from apps.core.errors import InvalidInput
from apps.jobs.models import Event, Job
from apps.zones.models import Zone
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.databases]


@pytest.fixture
def account() -> Account:
    return factories.make_account()


@pytest.fixture
def member(account: Account) -> Actor:
    return Actor(factories.make_user(account))


@pytest.fixture
def zone() -> Zone:
    return factories.make_zone()


def test_what_is_refused_for_one_leaves_the_others_alone(zone: Zone, account: Account, member: Actor) -> None:
    states = (State.STOPPED, State.ERROR, State.STOPPED)
    vms = [factories.make_vm(zone, account=account, state=state) for state in states]
    results = act_on_many(member, "vm.destroy", vms)
    assert [result.outcome for result in results] == ["submitted", "refused", "submitted"]
    assert [result.vm for result in results] == vms
    assert results[1].error is not None
    assert results[1].error.code == "state_conflict"
    assert Job.objects.filter(kind="vm.destroy").count() == 2
    assert Event.objects.filter(kind="vm.destroy", phase="submitted").count() == 2
    assert VirtualMachine.objects.get(pk=vms[1].pk).state == State.ERROR


def test_what_needs_no_job_is_done_at_once(zone: Zone, account: Account, member: Actor) -> None:
    vm = factories.make_vm(zone, account=account, state=State.DESTROYED)
    (result,) = act_on_many(member, "vm.recover", [vm])
    assert result.outcome == Outcome.DONE
    assert VirtualMachine.objects.get().state == State.STOPPED


def test_a_machine_of_others_is_refused(zone: Zone, member: Actor) -> None:
    vm = factories.make_vm(zone, state=State.STOPPED)
    (result,) = act_on_many(member, "vm.destroy", [vm])
    assert result.outcome == Outcome.REFUSED
    assert result.error is not None
    assert result.error.code == "not_found"
    assert not Job.objects.exists()


def test_a_busy_machine_is_refused_with_the_job_that_holds_it(
    zone: Zone, account: Account, member: Actor
) -> None:
    vm = factories.make_vm(zone, account=account, state=State.STOPPED)
    act_on_many(member, "vm.destroy", [vm])
    vm.refresh_from_db()
    (result,) = act_on_many(member, "vm.destroy", [vm])
    assert result.error is not None
    assert result.error.code == "resource_busy"


@pytest.mark.parametrize(("kind", "count"), [("vm.rename", 1), ("vm.nothing", 1), ("vm.stop", 0)])
def test_only_acts_are_done_and_only_to_some(
    zone: Zone, account: Account, member: Actor, kind: str, count: int
) -> None:
    vms = [factories.make_vm(zone, account=account) for _ in range(count)]
    with pytest.raises(InvalidInput):
        act_on_many(member, kind, vms)


def test_their_number_is_bounded(zone: Zone, account: Account, member: Actor) -> None:
    vm = factories.make_vm(zone, account=account)
    with pytest.raises(InvalidInput):
        act_on_many(member, "vm.stop", [vm] * (MAX_AT_ONCE + 1))


@pytest.mark.parametrize("kind", ["vm.force_stop", "vm.destroy"])
def test_what_waits_for_a_stop_that_it_interrupts_is_asked_for_once(
    zone: Zone, account: Account, member: Actor, kind: str
) -> None:
    vm = factories.make_vm(zone, account=account, state=State.RUNNING)
    for asked in ("vm.stop", kind):
        (result,) = act_on_many(member, asked, [VirtualMachine.objects.get()])
        assert result.outcome == Outcome.SUBMITTED
    (again,) = act_on_many(member, kind, [VirtualMachine.objects.get()])
    assert again.error is not None
    assert again.error.code == "resource_busy"
    waiting = Job.objects.get(kind=kind)
    assert again.error.params["job"] == str(waiting.uuid)
    assert Job.objects.filter(target_uuid=vm.uuid).count() == 2
