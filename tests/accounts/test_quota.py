"""What may be used: limits at each level, the time of grace, members, warnings, and counting anew."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from apps.accounts import policy, quota, quota_services, recount
from apps.accounts.actor import Actor
from apps.accounts.amounts import Amount
from apps.accounts.models import Account, Counting, Domain, Grant, Quota, User
from apps.accounts.roles.ready import DOMAIN_ADMIN, ready
from apps.core.errors import DomainQuotaExceeded, InvalidInput, NotFound, PermissionDenied, QuotaExceeded
from apps.core.messages import explain
from apps.jobs.models import Event, Job
from tests.factories import make_account, make_domain, make_user, make_vm, make_zone, root_domain
from workers import quotas

pytestmark = pytest.mark.django_db
OPERATOR = Actor.system("a test")
ONE = Amount(vcpus=1)


def used(**owner: Any) -> int:
    return Quota.objects.get(**owner).used_vcpus


def fill(account: Account, vcpus: int, **more: Any) -> None:
    for _ in range(vcpus):
        quota.reserve(account, ONE, **more)


def test_a_limit_may_be_passed_by_a_fifth_and_no_further() -> None:
    account = make_account(max_vcpus=10)
    fill(account, 12)
    with pytest.raises(QuotaExceeded):
        fill(account, 1)
    assert used(account=account) == 12
    until = Quota.objects.get(account=account).grace_until
    assert until is not None
    assert timedelta(days=6) < until - timezone.now() <= timedelta(days=7)


def test_after_the_days_of_grace_the_limit_is_the_limit() -> None:
    account = make_account(max_vcpus=10, max_machines=1)
    fill(account, 11)
    Quota.objects.filter(account=account).update(grace_until=timezone.now())
    with pytest.raises(QuotaExceeded):
        fill(account, 1)
    with pytest.raises(QuotaExceeded):
        quota.check(account, ONE)
    quota.reserve(account, Amount(machines=1))  # what is within its limit may still be used
    quota.release(account, ONE)
    assert Quota.objects.get(account=account).grace_until is None
    fill(account, 2)  # within the limits again: the next time above begins anew
    assert Quota.objects.get(account=account).grace_until > timezone.now()  # type: ignore[operator]


@pytest.mark.parametrize(
    ("grace", "most"),
    [({}, 12), ({"grace_percent": 50}, 15), ({"grace_percent": 0}, 10), ({"grace_days": 0}, 10)],
)
def test_each_row_may_have_a_grace_of_its_own(grace: dict[str, Any], most: int) -> None:
    account = make_account(max_vcpus=10, **grace)
    fill(account, most)
    (standing,) = [one for one in quota.standing(account, ONE) if one.resource == "vcpus"]
    assert (standing.ceiling, standing.missing, standing.fits) == (most, 1, False)
    with pytest.raises(QuotaExceeded):
        fill(account, 1)


def test_a_refusal_counts_nothing_at_any_level() -> None:
    domain = make_domain()
    account = make_account(domain, max_vcpus=2)
    with pytest.raises(QuotaExceeded):
        quota.reserve(account, Amount(machines=1, vcpus=3))
    assert [used(domain=root_domain()), used(domain=domain), used(account=account)] == [0, 0, 0]


@pytest.fixture
def member() -> tuple[Account, User]:
    account = make_account(max_vcpus=10)
    return account, make_user(account)


def test_a_member_has_a_limit_within_the_accounts(member: tuple[Account, User]) -> None:
    account, user = member
    quota_services.set_member_quota(OPERATOR, account, user=user, limits={"vcpus": 2})
    fill(account, 2, member_id=user.pk)
    with pytest.raises(QuotaExceeded) as caught:
        fill(account, 1, member_id=user.pk)
    said = explain(caught.value.code, caught.value.params)
    assert said.detail.startswith(f"Your own limit in {account.name} for vCPUs is 2")
    fill(account, 3, member_id=make_user(account).pk)
    assert (used(account=account), used(within=account, user=user)) == (5, 2)


def test_a_members_limit_that_is_taken_away_leaves_no_row(member: tuple[Account, User]) -> None:
    account, user = member
    quota_services.set_member_quota(OPERATOR, account, user=user, limits={"vcpus": 2})
    quota_services.set_member_quota(OPERATOR, account, user=user, limits={"vcpus": None})
    assert not Quota.objects.filter(user=user).exists()
    with pytest.raises(InvalidInput):
        quota_services.set_member_quota(OPERATOR, account, user=make_user(), limits={"vcpus": 2})


def test_a_members_row_counts_what_is_there_already(member: tuple[Account, User]) -> None:
    account, user = member
    make_vm(make_zone(), account=account, created_by=user, vcpus=3)
    row = quota_services.set_member_quota(OPERATOR, account, user=user, limits={"vcpus": 5})
    assert (row.used_vcpus, row.used_machines) == (3, 1)
    assert recount.recount() == []


@pytest.mark.parametrize("limits", [{"vcpus": -1}, {"vcpus": True}, {"networks": 3}, {"beer": 1}])
def test_a_limit_that_cannot_be_is_refused(limits: dict[str, Any]) -> None:
    """Also one of what nobody counts: it could never be reached."""
    with pytest.raises(InvalidInput):
        quota_services.set_quota(OPERATOR, make_account(), limits=limits)


def test_coming_near_a_limit_and_passing_it_is_told_once_each() -> None:
    domain = make_domain(max_vcpus=100)
    account = make_account(domain, max_vcpus=10)
    fill(account, 12)
    told = Event.objects.filter(kind__startswith="quota.").order_by("pk")
    assert [(one.kind, one.data["used"], one.target_uuid) for one in told] == [
        ("quota.near", 8, account.uuid),
        ("quota.pass", 11, account.uuid),
    ]
    quota.release(account, Amount(vcpus=12))
    fill(account, 8)
    assert Event.objects.filter(kind="quota.near").count() == 2


def test_who_stands_below_a_limit_does_not_raise_it() -> None:
    above = make_domain()
    domain = make_domain(above)
    account = make_account(domain)
    member, admin = make_user(account), make_user()
    Grant.objects.create(user=admin, role=ready(DOMAIN_ADMIN), scope="domain", domain=domain)
    with pytest.raises(PermissionDenied):
        quota_services.set_quota(Actor(member), account, limits={"vcpus": 1})
    with pytest.raises(PermissionDenied):
        quota_services.set_quota(Actor(admin), domain, limits={"vcpus": 100})
    with pytest.raises(PermissionDenied):
        quota_services.set_counting(Actor(admin), domain, counting=Counting.RUNNING)
    with pytest.raises(NotFound):
        quota_services.set_quota(Actor(admin), above, limits={"vcpus": 100})
    assert quota_services.set_quota(Actor(admin), account, limits={"vcpus": 7}).max_vcpus == 7
    below = make_domain(domain)
    assert quota_services.set_quota(Actor(admin), below, limits={"vcpus": 8}).max_vcpus == 8
    limited = quota_services.set_member_quota(Actor(admin), account, user=member, limits={"vcpus": 3})
    seen = policy.visible(Actor(member), Quota.objects.all())
    assert {row.owner for row in seen} == {account}
    assert limited in seen
    assert limited not in policy.visible(Actor(make_user(account)), Quota.objects.all())


def test_drift_is_found_told_once_and_mended(capsys: pytest.CaptureFixture[str]) -> None:
    vm = make_vm(make_zone())
    assert quotas.check_quotas() == []
    Quota.objects.filter(account=vm.account).update(used_vcpus=7)
    assert [(one.resource, one.recorded, one.actual) for one in quotas.check_quotas()] == [("vcpus", 7, 1)]
    quotas.check_quotas()
    assert Event.objects.filter(kind="quota.drift").count() == 1
    with pytest.raises(SystemExit):
        call_command("recount_quotas")
    call_command("recount_quotas", fix=True)
    assert "vcpus is 7, there is 1" in capsys.readouterr().out
    assert recount.recount() == []


def test_only_the_part_that_is_asked_for_is_mended() -> None:
    zone = make_zone()
    here, there = make_vm(zone, account=make_account(make_domain())), make_vm(zone)
    Quota.objects.filter(account__in=[here.account, there.account]).update(used_machines=4)
    assert len(quota_services.recount_quotas(OPERATOR, here.account.domain, fix=True)) == 1
    assert [one.name for one in recount.recount()] == [there.account.name]


def test_the_nearest_domain_that_says_so_decides_how_machines_count() -> None:
    above = make_domain()
    below = make_domain(above)
    quota_services.set_counting(OPERATOR, above, counting=Counting.RUNNING)
    assert recount.counting_in_force(below) == Counting.RUNNING
    quota_services.set_counting(OPERATOR, below, counting=Counting.ALLOCATED)
    assert recount.counting_in_force(Domain.objects.get(pk=below.pk)) == Counting.ALLOCATED
    assert Job.objects.filter(kind="quota.recount").count() == 2
    with pytest.raises(InvalidInput):
        quota_services.set_counting(OPERATOR, below, counting="sometimes")


def test_a_domains_limit_is_told_by_its_name_and_who_may_raise_it() -> None:
    make_user(super_admin=True, full_name="Maria Georgiou")
    domain = make_domain(max_vcpus=1)
    with pytest.raises(DomainQuotaExceeded) as caught:
        quota.reserve(make_account(domain), Amount(vcpus=2))
    assert (caught.value.params["domain"], caught.value.params["who"]) == (domain.name, "Maria Georgiou")


def test_a_refusal_names_the_nearest_admin_before_those_of_everything() -> None:
    make_user(super_admin=True, full_name="A Super")
    domain = make_domain()
    admin = make_user(full_name="Z Near")
    role = ready(DOMAIN_ADMIN)
    Grant.objects.create(user=admin, role=role, scope=Grant.Scope.DOMAIN, domain=domain)
    account = make_account(domain, max_vcpus=1)
    with pytest.raises(QuotaExceeded) as caught:
        quota.reserve(account, Amount(vcpus=2))
    assert caught.value.params["who"].startswith("Z Near, ")
    domains_own = quota.who_may_raise(Quota.objects.get(domain=domain))
    assert "Z Near" not in domains_own
    assert "A Super" in domains_own
