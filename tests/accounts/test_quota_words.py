"""What a refusal by quota tells, and whom."""

from __future__ import annotations

import pytest

from apps.accounts import quota
from apps.accounts.amounts import Amount
from apps.accounts.models import Quota
from apps.core.errors import DomainQuotaExceeded, QuotaExceeded
from apps.core.messages import explain
from tests.factories import make_account, make_domain, make_user

pytestmark = pytest.mark.django_db


def test_an_account_is_told_the_numbers_of_its_own_quota() -> None:
    account = make_account(max_vcpus=2)
    with pytest.raises(QuotaExceeded) as caught:
        quota.reserve(account, Amount(vcpus=3))
    assert caught.value.params["limit"] == 2
    assert account.name in explain(caught.value.code, caught.value.params).detail


def test_what_others_use_above_the_account_is_not_told() -> None:
    make_user(super_admin=True, full_name="Maria Georgiou")
    domain = make_domain(max_machines=7)
    quota.reserve(make_account(domain), Amount(machines=6))
    account = make_account(domain)
    with pytest.raises(DomainQuotaExceeded) as caught:
        quota.reserve(account, Amount(machines=3))
    params = {"resource": "machines", "wanted": 3, "domain": domain.name, "who": "Maria Georgiou"}
    assert caught.value.params == params
    said = explain(caught.value.code, caught.value.params)
    assert domain.name in said.detail
    without_name = said.detail.replace(domain.name, "")
    assert "6" not in without_name
    assert "7" not in without_name
    assert "Maria Georgiou" in said.remedy
    assert Quota.objects.get(account=account).used_machines == 0
