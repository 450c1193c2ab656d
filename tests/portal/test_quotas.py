"""Quotas on pages: who sees which, what is used and near its limit, and who sets limits."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.accounts import quota
from apps.accounts.amounts import Amount
from apps.accounts.models import Account, Quota
from tests.factories import make_account, make_domain, make_user
from tests.portal.browsing import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> Account:
    account = make_account(make_domain(), max_vcpus=10)
    quota.reserve(account, Amount(vcpus=9))
    return account


@pytest.fixture
def member(account: Account) -> Client:
    return client_of(make_user(account))


@pytest.fixture
def operator() -> Client:
    return client_of(make_user(super_admin=True))


def test_a_member_sees_the_quota_of_the_account_and_no_other(account: Account, member: Client) -> None:
    other = make_account()
    listed = member.get("/quotas/").content.decode()
    assert account.name in listed
    assert other.name not in listed
    assert account.domain.name not in listed
    shown = member.get(f"/quotas/{account.uuid}/").content.decode()
    assert "9 of 10" in shown
    assert "Nearly used up." in shown
    assert "A limit may be passed by 20 % for 7 days." in shown
    for hidden in (other, account.domain):
        assert member.get(f"/quotas/{hidden.uuid}/").status_code == 404


def test_the_home_page_warns(account: Account, member: Client) -> None:
    assert "Nearly used up." in member.get("/").content.decode()
    quota.reserve(account, Amount(vcpus=2))
    assert "Above the limit. It may stay so until" in member.get("/").content.decode()
    quota.reserve(account, Amount(vcpus=1))  # 12 of 10: a fifth more than the limit, and that is all
    assert "Above the limit: nothing more is given until less is used." in member.get("/").content.decode()


def test_limits_are_set_by_who_may(account: Account, member: Client, operator: Client) -> None:
    page = f"/quotas/{account.uuid}/change/"
    assert member.get(page).status_code == 403
    assert member.post(page, {"vcpus": 99}).status_code == 403
    answer = operator.post(page, {"vcpus": 4, "machines": 3, "grace_days": 0})
    assert answer.status_code == 302
    row = Quota.objects.get(account=account)
    assert (row.max_vcpus, row.max_machines, row.max_templates, row.grace_days) == (4, 3, None, 0)
    wrong = operator.post(page, {"vcpus": -1})
    assert wrong.status_code == 422
    assert Quota.objects.get(account=account).max_vcpus == 4


def test_the_line_of_a_quota_that_was_set_says_from_what_to_what(account: Account, operator: Client) -> None:
    for limits in ({"vcpus": 4}, {"vcpus": 6, "memory_mib": 2048}):
        operator.post(f"/quotas/{account.uuid}/change/", limits)
    page = operator.get("/events/", {"kind": "quota.set"}).content.decode()
    assert "vCPUs: 4 → 6 · Memory: no limit → 2 GiB" in page.replace("\xa0", " ")


def test_use_is_told_as_csv(account: Account, member: Client) -> None:
    answer = member.get(f"/quotas/{account.uuid}/usage/")
    text = b"".join(answer).decode()
    assert text.splitlines()[0].lstrip("\ufeff").startswith("Hour,Virtual machines,vCPUs,Memory in MiB")
    stranger = client_of(make_user(make_account()))
    assert stranger.get(f"/quotas/{account.uuid}/usage/").status_code == 404
