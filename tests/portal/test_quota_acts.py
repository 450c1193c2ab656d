"""What is done from a quota's page, and by whom: members limited, counting said, counts mended."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.accounts import quota
from apps.accounts.amounts import Amount
from apps.accounts.models import Account, Quota, User
from apps.jobs.models import Job
from tests.factories import make_account, make_domain, make_user
from tests.portal.browsing import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> Account:
    return make_account(make_domain(), max_vcpus=10)


@pytest.fixture
def person(account: Account) -> User:
    return make_user(account)


@pytest.fixture
def operator() -> Client:
    return client_of(make_user(super_admin=True))


def test_a_member_is_limited_by_name_and_freed_again(
    account: Account, person: User, operator: Client
) -> None:
    answer = operator.post(f"/quotas/{account.uuid}/members/", {"username": person.username, "vcpus": 3})
    assert answer.status_code == 302
    assert Quota.objects.get(within=account, user=person).max_vcpus == 3
    shown = operator.get(f"/quotas/{account.uuid}/").content.decode()
    own = f"/quotas/{account.uuid}/members/{person.uuid}/"
    assert own in shown
    assert 'value="3"' in operator.get(own).content.decode()
    assert operator.post(own, {}).status_code == 302
    assert not Quota.objects.filter(within=account).exists()


def test_only_a_member_is_limited(account: Account, operator: Client) -> None:
    stranger = make_user(make_account())
    answer = operator.post(f"/quotas/{account.uuid}/members/", {"username": stranger.username, "vcpus": 3})
    assert answer.status_code == 422
    assert operator.get(f"/quotas/{account.uuid}/members/{stranger.uuid}/").status_code == 404
    assert operator.get(f"/quotas/{account.domain.uuid}/members/").status_code == 404
    assert not Quota.objects.filter(within=account).exists()


@pytest.mark.parametrize("end", ["members/", "members/{user}/", "recount/"])
def test_who_may_not_is_refused_and_who_sees_nothing_finds_nothing(
    account: Account, person: User, end: str
) -> None:
    page = f"/quotas/{account.uuid}/{end.format(user=person.uuid)}"
    member, stranger = client_of(person), client_of(make_user(make_account()))
    for asked in (member.get, member.post):
        assert asked(page).status_code == 403
    for asked in (stranger.get, stranger.post):
        assert asked(page).status_code == 404
    shown = member.get(f"/quotas/{account.uuid}/").content.decode()
    assert "Limit a member" not in shown
    assert "Count anew" not in shown
    assert not Quota.objects.filter(within=account).exists()


def test_a_domain_says_when_its_machines_count(account: Account, operator: Client) -> None:
    page = f"/quotas/{account.domain.uuid}/counting/"
    assert operator.get(page).status_code == 200
    assert operator.post(page, {"counting": "sometimes"}).status_code == 422
    answer = operator.post(page, {"counting": "running"})
    job = Job.objects.get(kind="quota.recount")
    assert answer.headers["Location"] == f"/jobs/{job.uuid}/"
    assert Quota.objects.get(domain=account.domain).counting == "running"
    shown = operator.get(f"/quotas/{account.domain.uuid}/").content.decode()
    assert "count only while a machine is on" in shown
    assert operator.get(f"/quotas/{account.uuid}/counting/").status_code == 404


def test_members_do_not_say_when_machines_count(account: Account, person: User) -> None:
    page = f"/quotas/{account.domain.uuid}/counting/"
    assert client_of(person).get(page).status_code == 404
    assert client_of(person).post(page, {"counting": "running"}).status_code == 404
    assert Quota.objects.get(domain=account.domain).counting == ""
    assert not Job.objects.exists()


@pytest.mark.parametrize("whole", [False, True])
def test_drift_is_shown_before_it_is_mended(account: Account, operator: Client, whole: bool) -> None:
    quota.reserve(account, Amount(vcpus=4))
    page = "/quotas/recount/" if whole else f"/quotas/{account.uuid}/recount/"
    assert "Set the counts right" not in operator.get(page).content.decode()
    shown = operator.post(page, {"act": "count"}).content.decode()
    assert account.name in shown
    assert "Set the counts right" in shown
    assert Quota.objects.get(account=account).used_vcpus == 4
    operator.post(page, {"act": "fix"})
    assert Quota.objects.get(account=account).used_vcpus == 0
    assert "Nothing drifted" in operator.post(page, {"act": "count"}).content.decode()


def test_all_quotas_are_counted_by_who_may_everywhere(person: User) -> None:
    assert client_of(person).get("/quotas/recount/").status_code == 403
    assert client_of(person).post("/quotas/recount/", {"act": "fix"}).status_code == 403


def test_the_list_goes_on_by_key_and_stands_in_the_menu(operator: Client, person: User) -> None:
    for _number in range(60):
        make_account(max_vcpus=1)
    seen, url = set(), "/quotas/"
    rows = Quota.objects.count()
    for _page in range(10):
        answer = operator.get(url)
        found = answer.context["list"]
        seen |= {row.pk for row in found.rows}
        if not found.next_href:
            break
        url = f"/quotas/{found.next_href}"
    assert len(seen) == rows > 60
    assert 'href="/quotas/"' in operator.get("/jobs/").content.decode()
    assert 'href="/quotas/"' not in client_of(person).get("/jobs/").content.decode()
