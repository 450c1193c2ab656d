"""A machine is handed over with all that belongs to it: counted on the other side, allowed on both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from apps.accounts import closing
from apps.accounts.actor import Actor
from apps.accounts.models import Account, Domain, Quota
from apps.compute import placement
from apps.compute.models import SshKeyPair, VirtualMachine
from apps.compute.services.edit import change_offering
from apps.compute.services.lifecycle import stop_vm
from apps.compute.services.transfer import plan_transfer, transfer_vm
from apps.compute.states import State
from apps.core.errors import (
    AccountDisabled,
    CloudError,
    DomainQuotaExceeded,
    InvalidInput,
    NotFound,
    PermissionDenied,
    QuotaExceeded,
    ResourceBusy,
    StateConflict,
)
from apps.jobs.models import Event
from apps.jobs.people import told
from tests import factories
from tests.race import race, shared_database

pytestmark = [pytest.mark.django_db, pytest.mark.databases]
OPERATOR = Actor.system("a test")


def used(owner: Account | Domain) -> tuple[int, int, int]:
    row = Quota.objects.get(**{"account" if isinstance(owner, Account) else "domain": owner})
    return row.used_machines, row.used_vcpus, row.used_storage_gib


def key_of(account: Account, name: str, public_key: str) -> SshKeyPair:
    return SshKeyPair.objects.create(account=account, name=name, public_key=public_key, fingerprint="f")


def test_all_that_belongs_to_it_comes_along() -> None:
    zone = factories.make_zone()
    old, new = (factories.make_account(factories.make_domain()) for _ in range(2))
    vm = factories.make_vm(zone, account=old, vcpus=2, disks_gib=(4, 5), state=State.RUNNING)
    host = factories.placed(vm)
    copied, there = key_of(old, "laptop", "ssh-ed25519 A"), key_of(old, "desk", "ssh-ed25519 B")
    vm.ssh_keys.set([copied, there])
    mine = key_of(new, "my desk", "ssh-ed25519 B")
    key_of(new, "laptop", "ssh-ed25519 C")
    plan = plan_transfer(OPERATOR, vm, account=new)
    assert (plan.keys_copied, plan.keys_there, plan.volumes, plan.same_name) == (["laptop"], ["desk"], 2, 0)
    assert (plan.amount.vcpus, plan.hidden_template) == (2, False)
    given = transfer_vm(OPERATOR, vm, account=new)
    assert (given.account, given.host, given.state) == (new, host, State.RUNNING)
    assert {volume.account for volume in given.volumes()} == {new}
    assert set(given.name_parts.values_list("account", flat=True)) == {new.pk}
    assert mine in given.ssh_keys.all()
    assert set(given.ssh_keys.values_list("account__name", "name", "public_key")) == {
        (new.name, "my desk", "ssh-ed25519 B"),
        (new.name, "laptop (2)", "ssh-ed25519 A"),
    }
    assert SshKeyPair.objects.filter(account=old).count() == 2
    assert (used(old), used(old.domain)) == ((0, 0, 0), (0, 0, 0))
    assert (used(new), used(new.domain), used(factories.root_domain())) == ((1, 2, 9),) * 3
    assert [drift for drift in placement.recount() if drift.kind == "quota"] == []
    left, came = Event.objects.filter(target_uuid=vm.uuid).order_by("id")
    assert (left.kind, left.account, came.kind, came.account) == ("vm.transfer", old, "vm.receive", new)
    assert told(left)[1] == told(came)[1] == {"account": [old.name, new.name]}


def test_what_holds_no_quota_needs_none() -> None:
    old, new = factories.make_account(), factories.make_account(max_machines=0)
    vm = factories.make_vm(factories.make_zone(), account=old, state=State.ERROR)
    assert transfer_vm(OPERATOR, vm, account=new).account == new
    assert (used(old), used(new)) == ((0, 0, 0), (0, 0, 0))


def test_it_has_to_fit_on_the_other_side_at_every_level_and_nothing_moves_if_not() -> None:
    zone = factories.make_zone()
    vm = factories.make_vm(zone, account=factories.make_account(), vcpus=2, state=State.STOPPED)
    full = factories.make_account(max_vcpus=1)
    below = factories.make_account(factories.make_domain(max_vcpus=1))
    for account, refusal in ((full, QuotaExceeded), (below, DomainQuotaExceeded)):
        for act in (plan_transfer, transfer_vm):
            with pytest.raises(refusal), transaction.atomic():
                act(OPERATOR, vm, account=account)
    assert used(vm.account)[:2] == (1, 2)
    assert VirtualMachine.objects.get().account == vm.account
    assert not Event.objects.exists()


def test_a_full_domain_that_holds_both_accounts_does_not_forbid_it() -> None:
    domain = factories.make_domain(max_vcpus=2)
    old, new = factories.make_account(domain), factories.make_account(domain)
    vm = factories.make_vm(factories.make_zone(), account=old, vcpus=2, state=State.STOPPED)
    transfer_vm(OPERATOR, vm, account=new)
    assert (used(domain)[:2], used(new)[:2]) == ((1, 2), (1, 2))


def test_it_takes_rights_on_both_sides() -> None:
    old, new = factories.make_account(), factories.make_account()
    vm = factories.make_vm(factories.make_zone(), account=old, state=State.STOPPED)
    giver, taker, both = factories.make_user(old), factories.make_user(new), factories.make_user(old, new)
    with pytest.raises((PermissionDenied, NotFound)):
        transfer_vm(Actor(giver), vm, account=new)
    with pytest.raises(NotFound):
        transfer_vm(Actor(taker), vm, account=new)
    assert transfer_vm(Actor(both), vm, account=new).account == new


def test_what_is_told_before_it_is_done() -> None:
    zone, old, new = factories.make_zone(), factories.make_account(), factories.make_account()
    private = factories.make_template(zone, old, is_public=False)
    vm = factories.make_vm(zone, account=old, template=private, state=State.STOPPED, user_data="sealed")
    other = factories.make_vm(zone, account=new, state=State.STOPPED)
    VirtualMachine.objects.filter(pk=other.pk).update(name=vm.name, name_key=vm.name_key)
    plan = plan_transfer(OPERATOR, vm, account=new)
    assert (plan.hidden_template, plan.user_data, plan.same_name) == (True, True, 1)
    assert {each.resource: each.used for each in plan.standing}["machines"] == 1
    transfer_vm(OPERATOR, vm, account=new)
    private.refresh_from_db()
    assert private.account == old


def test_what_cannot_be_handed_over_says_why() -> None:
    zone, old, new = factories.make_zone(), factories.make_account(), factories.make_account()
    vm = factories.make_vm(zone, account=old, state=State.RUNNING)
    with pytest.raises(InvalidInput) as same:
        transfer_vm(OPERATOR, vm, account=old)
    assert same.value.params["reason"] == "same_account"
    moving = factories.make_vm(zone, account=old, state=State.STARTING)
    with pytest.raises(StateConflict):
        transfer_vm(OPERATOR, moving, account=new)
    closing.disable(OPERATOR, new)
    with pytest.raises(AccountDisabled):
        transfer_vm(OPERATOR, vm, account=new)
    closing.enable(OPERATOR, new)
    closing.close(OPERATOR, old)
    transfer_vm(OPERATOR, vm, account=new)


def test_a_machine_that_a_job_has_is_not_handed_over() -> None:
    old, new = factories.make_account(), factories.make_account()
    vm = factories.make_vm(factories.make_zone(), account=old, state=State.RUNNING)
    job = stop_vm(OPERATOR, vm)
    VirtualMachine.objects.filter(pk=vm.pk).update(state=State.RUNNING)
    with pytest.raises(ResourceBusy) as caught:
        transfer_vm(OPERATOR, VirtualMachine.objects.get(pk=vm.pk), account=new)
    assert caught.value.params["job"] == str(job.uuid)


def act(order: tuple[str, int, Any]) -> str:
    what, pk, other = order
    vm = VirtualMachine.objects.select_related("account__domain", "offering", "template").get(pk=pk)
    try:
        if what == "give":
            transfer_vm(OPERATOR, vm, account=Account.objects.select_related("domain").get(pk=other))
        else:
            change_offering(OPERATOR, vm, offering=type(vm.offering).objects.get(pk=other))
    except CloudError as error:
        return error.code
    return "done"


@pytest.mark.django_db(transaction=True)
def test_transfers_and_other_sizes_at_once_lose_no_count(tmp_path: Path) -> None:
    zone = factories.make_zone()
    accounts = [factories.make_account(factories.make_domain()) for _ in range(3)]
    small, large = factories.make_offering(1), factories.make_offering(4)
    vms = [
        factories.make_vm(zone, account=accounts[0], offering=small, state=State.STOPPED) for _ in range(2)
    ]
    hands = [
        [("give", vms[n % 2].pk, accounts[(n + hand) % 3].pk) for n in range(4)] for hand in range(3)
    ] + [[("size", vms[n % 2].pk, (small, large)[n % 2 ^ hand].pk) for n in range(4)] for hand in range(2)]
    with shared_database(tmp_path):
        answers = race(act, hands)
        assert set(answers) <= {"done", "invalid_input", "state_conflict"}
        assert "done" in answers
        assert [drift for drift in placement.recount() if drift.kind == "quota"] == []
        for vm in VirtualMachine.objects.all():
            assert {volume.account_id for volume in vm.volumes()} == {vm.account_id}
