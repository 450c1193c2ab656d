"""Accounts, domains and people are disabled and closed: what is shown before, refused meanwhile, taken
back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts import closing, ownership, tenancy
from apps.accounts.actor import Actor
from apps.accounts.models import Account, Domain, Grant, Standing
from apps.accounts.roles.ready import DOMAIN_ADMIN, ready
from apps.accounts.services import create_account, create_domain
from apps.accounts.standing import verdict
from apps.accounts.tokens import issue_token
from apps.compute.models import SshKeyPair
from apps.compute.services import deploy, lifecycle, offerings
from apps.compute.states import State
from apps.core.errors import AccountDisabled, InvalidInput, NotFound, PermissionDenied, StateConflict
from apps.core.messages import explain
from apps.jobs.models import Event, Job
from apps.storage.services_templates import new_template
from tests import factories
from tests.accounts.tree import check_tree

pytestmark = [pytest.mark.django_db, pytest.mark.databases]
OPERATOR = Actor.system("a test")


def owner(kind: str) -> Any:
    return factories.make_account(factories.make_domain()) if kind == "account" else factories.make_domain()


@pytest.mark.parametrize("kind", ["account", "domain"])
def test_each_act_is_done_once_and_says_so(kind: str) -> None:
    row = owner(kind)
    for act, standing in (
        (closing.disable, "disabled"),
        (closing.close, "closing"),
        (closing.reopen, "disabled"),
        (closing.enable, "active"),
    ):
        for _ in range(2):
            assert act(OPERATOR, row).standing == standing
        assert Event.objects.filter(kind=f"{kind}.{act.__name__}").count() == 1
    assert Job.objects.filter(kind=f"{kind}.halt", target_uuid=row.uuid).count() == 1, "joined"
    event = Event.objects.get(kind=f"{kind}.close")
    assert event.data["closes_at"] > (timezone.now() + timedelta(days=13)).isoformat()


@pytest.mark.parametrize("kind", ["account", "domain"])
@pytest.mark.parametrize("act", ["disable", "enable", "close", "reopen"])
def test_who_was_given_nothing_does_none_of_it(kind: str, act: str) -> None:
    row = owner(kind)
    member = Actor(factories.make_user(row) if kind == "account" else factories.make_user())
    stranger = Actor(factories.make_user(factories.make_account()))
    with pytest.raises(PermissionDenied if kind == "account" else NotFound):
        getattr(closing, act)(member, row)
    with pytest.raises(NotFound):
        getattr(closing, act)(stranger, row)
    assert not Event.objects.exists()


def granted(role: str, domain: Domain) -> Actor:
    user = factories.make_user()
    Grant.objects.create(user=user, role=ready(role), scope="domain", domain=domain)
    return Actor(user)


def test_an_admin_of_a_domain_does_it_to_what_is_below_but_not_to_the_domain_itself() -> None:
    top = factories.make_domain()
    below, beside = factories.make_domain(top), factories.make_domain()
    accounts = [factories.make_account(domain) for domain in (top, below)]
    admin = granted(DOMAIN_ADMIN, top)
    rows: list[Account | Domain] = [*accounts, below]
    for row in rows:
        for act in (closing.disable, closing.enable, closing.close, closing.reopen):
            act(admin, row)
    for act in (closing.disable, closing.enable, closing.close, closing.reopen):
        with pytest.raises(PermissionDenied):
            act(admin, top)
        for row in (beside, factories.make_account(beside)):
            with pytest.raises(NotFound):
                act(admin, row)
    assert not Event.objects.filter(target_uuid__in=[top.uuid, beside.uuid]).exists()


def test_an_admin_moves_within_their_domain_only() -> None:
    top, beside = factories.make_domain(), factories.make_domain()
    left, right = factories.make_domain(top), factories.make_domain(top)
    account = factories.make_account(left)
    admin = granted(DOMAIN_ADMIN, top)
    tenancy.move_domain(admin, left, parent=right)
    tenancy.move_account(admin, account, domain=top)
    with pytest.raises(PermissionDenied):
        tenancy.move_domain(admin, top, parent=right)
    for act in (
        lambda: tenancy.move_domain(admin, left, parent=beside),
        lambda: tenancy.move_domain(admin, beside, parent=top),
        lambda: tenancy.move_account(admin, account, domain=beside),
        lambda: tenancy.move_account(admin, factories.make_account(beside), domain=top),
    ):
        with pytest.raises(NotFound):
            act()
    check_tree()


def test_root_is_never_disabled_or_closed() -> None:
    for act in (closing.disable, closing.close):
        with pytest.raises(InvalidInput) as caught:
            act(OPERATOR, factories.root_domain())
        assert caught.value.params["reason"] == "root_stays"


def test_what_stands_above_decides_and_is_named() -> None:
    top = factories.make_domain()
    account = factories.make_account(factories.make_domain(top))
    assert verdict(account).is_active
    closing.disable(OPERATOR, top)
    found = verdict(account)
    assert (found.standing, found.decided_by) == (Standing.DISABLED, top)
    closing.close(OPERATOR, account)
    assert (verdict(account).standing, verdict(account).decided_by) == (Standing.CLOSING, account)
    assert verdict(factories.make_account()).is_active


@pytest.mark.parametrize("above", [False, True])
@pytest.mark.parametrize("how", ["disable", "close"])
def test_nothing_starts_or_is_made_and_the_refusal_says_who_can_help(above: bool, how: str) -> None:
    zone = factories.make_zone()
    account = factories.make_account(factories.make_domain())
    vm = factories.make_vm(zone, account=account, state=State.STOPPED)
    running = factories.make_vm(zone, account=account, state=State.RUNNING)
    failed = factories.make_vm(zone, account=account, state=State.ERROR)
    template = factories.make_template(zone, account)
    wanted = deploy.VmRequest(account=account, zone=zone, name="web", offering=vm.offering, template=template)
    member = Actor(factories.make_user(account))
    secondary = template.secondary_storage
    getattr(closing, how)(OPERATOR, account.domain if above else account)
    acts: list[Any] = [
        lambda: deploy.deploy_vm(member, wanted),
        lambda: deploy.deploy_batch(member, wanted, count=2),
        lambda: deploy.redeploy_vm(member, failed),
        lambda: lifecycle.start_vm(member, vm),
        lambda: lifecycle.reboot_vm(member, running),
        lambda: offerings.create_ssh_key(member, account=account, name="k", public_key="x"),
        lambda: new_template(OPERATOR, account=account, secondary_storage=secondary, name="t"),
    ]  # fmt: skip
    for act in acts:
        with pytest.raises(AccountDisabled) as caught:
            act()
        level, standing = ("domain" if above else "account"), ("disabled" if how == "disable" else "closing")
        assert caught.value.params["reason"] == f"{level}_{standing}"
        said = explain(caught.value.code, caught.value.params)
        assert account.name in said.detail
        assert account.domain.name in said.remedy
    assert Job.objects.filter(kind__startswith="vm.").count() == 0
    assert not SshKeyPair.objects.exists()
    lifecycle.stop_vm(member, running)


def test_no_domain_or_account_is_made_in_one_that_is_disabled() -> None:
    domain = factories.make_domain()
    closing.disable(OPERATOR, domain)
    for act in (lambda: create_domain(OPERATOR, name="x", parent=domain),
                lambda: create_account(OPERATOR, name="x", domain=domain)):  # fmt: skip
        with pytest.raises(AccountDisabled):
            act()


def test_nobody_else_builds_on_an_image_that_goes() -> None:
    zone, account = factories.make_zone(), factories.make_account()
    template = factories.make_template(zone, account)
    other = factories.make_account()
    wanted = deploy.VmRequest(
        account=other, zone=zone, name="web", offering=factories.make_offering(), template=template
    )
    closing.disable(OPERATOR, account)
    deploy.deploy_vm(OPERATOR, wanted)
    with pytest.raises(InvalidInput) as caught:
        closing.close(OPERATOR, account)
    assert (caught.value.params["reason"], caught.value.place) == ("heir_needed", "heir")
    closing.close(OPERATOR, account, heir=other)
    with pytest.raises(InvalidInput) as caught:
        deploy.deploy_vm(OPERATOR, wanted)
    assert (caught.value.params["reason"], caught.value.place) == ("template_goes", "template")


def test_an_heir_stays_and_may_work() -> None:
    domain = factories.make_domain()
    inside, closed = factories.make_account(domain), factories.make_account()
    closing.close(OPERATOR, closed)
    for row, heir in ((domain, inside), (inside, inside)):
        with pytest.raises(InvalidInput) as caught:
            closing.close(OPERATOR, row, heir=heir)
        assert caught.value.params["reason"] == "heir_goes_too"
    with pytest.raises(AccountDisabled):
        closing.close(OPERATOR, domain, heir=closed)


def test_what_goes_is_told_before() -> None:
    zone, domain = factories.make_zone(), factories.make_domain()
    account = factories.make_account(factories.make_domain(domain))
    machines = [factories.make_vm(zone, account=account, disks_gib=(1, 1)) for _ in range(7)]
    factories.make_template(zone, account, state="Deleted")
    factories.make_vm(zone, account=factories.make_account())
    told = {each.kind: each for each in ownership.touched(domain)}
    assert {kind: each.count for kind, each in told.items()} == {
        "domain": 1,
        "account": 1,
        "virtual machine": 7,
        "volume": 14,
        "template": 7,
    }
    assert told["virtual machine"].names == [vm.name for vm in machines[: ownership.NAMED]]
    assert ownership.touched(factories.make_domain()) == []


def test_a_person_is_kept_out_and_let_in_again() -> None:
    accounts = [factories.make_account(), factories.make_account()]
    user = factories.make_user(*accounts)
    issue_token(OPERATOR, user=user, name="laptop")
    told = {each.kind: each.count for each in ownership.touched_of_user(user)}
    assert told == {"membership": 2, "token": 1}
    closed = closing.close_user(OPERATOR, user)
    assert (closed.is_active, closed.closes_at is not None) == (False, True)
    closing.close_user(OPERATOR, user)
    assert Event.objects.filter(kind="user.close").count() == 1
    again = closing.reopen_user(OPERATOR, user)
    assert (again.is_active, again.closes_at, again.memberships.count()) == (True, None, 2)
    closing.close_user(OPERATOR, user)
    type(user).objects.filter(pk=user.pk).update(closes_at=timezone.now())
    with pytest.raises(StateConflict):
        closing.reopen_user(OPERATOR, user)


def test_nobody_closes_themselves_or_others_without_leave() -> None:
    admin, user = factories.make_user(super_admin=True), factories.make_user(factories.make_account())
    with pytest.raises(InvalidInput) as caught:
        closing.close_user(Actor(admin), admin)
    assert caught.value.params["reason"] == "yourself"
    with pytest.raises((PermissionDenied, NotFound)):
        closing.close_user(Actor(user), admin)


def test_what_is_not_due_is_not_removed() -> None:
    account = factories.make_account(factories.make_domain())
    for row in (account, account.domain):
        with pytest.raises(StateConflict) as caught:
            closing.refuse_unless_due(row)
        assert caught.value.params["reason"] == "not_closing"
    Domain.objects.filter(pk=account.domain.pk).update(closes_at=timezone.now())
    closing.refuse_unless_due(Account.objects.get(pk=account.pk))
