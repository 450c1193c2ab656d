"""Forms say what they take of a quota before they are sent."""

from __future__ import annotations

from typing import Any

import pytest

from apps.accounts.models import Account, Quota, User
from apps.compute.models import VirtualMachine
from apps.compute.states import State
from tests.factories import make_account, make_domain, make_offering, make_user, make_vm, make_zone
from tests.portal.browsing import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> Account:
    return make_account(make_domain(), max_vcpus=8, max_templates=3)


@pytest.fixture
def user(account: Account) -> User:
    return make_user(account)


@pytest.fixture
def vm(account: Account) -> VirtualMachine:
    vm = make_vm(make_zone(), account=account, state=State.STOPPED, offering=make_offering(1, 1024))
    Quota.objects.filter(account=account).update(used_vcpus=1)
    return vm


def text(client: Any, url: str) -> str:
    return str(client.get(url).content.decode())


def test_another_size_says_what_it_adds(vm: VirtualMachine, user: User) -> None:
    page = f"/virtual-machines/{vm.uuid}/settings/"
    assert "Your quota afterwards" not in text(client_of(user), page)
    larger, huge = make_offering(3, 1024), make_offering(64, 1024)
    assert "1 now, 3 afterwards, of 8" in text(client_of(user), f"{page}?offering={larger.uuid}")
    beyond = text(client_of(user), f"{page}?offering={huge.uuid}")
    assert "1 now, 64 afterwards, of 8 (9 in the days of grace): too many" in beyond
    VirtualMachine.objects.filter(pk=vm.pk).update(offering=larger)
    Quota.objects.filter(account=vm.account).update(used_vcpus=3)
    assert "3 now, 1 afterwards, of 8" in text(client_of(user), f"{page}?offering={vm.offering.uuid}")
    assert client_of(user).get(f"{page}?offering=none").status_code == 200


def test_a_start_says_what_it_takes_where_only_running_machines_count(vm: VirtualMachine, user: User) -> None:
    page = f"/virtual-machines/{vm.uuid}/"
    assert "What a start takes" not in text(client_of(user), page)
    Quota.objects.filter(account=vm.account).update(counting="running", used_vcpus=0)
    shown = text(client_of(user), page)
    assert "What a start takes of your quota" in shown
    assert "0 now, 1 afterwards, of 8" in shown


def test_an_image_says_what_it_takes_of_the_chosen_account(account: Account) -> None:
    other = make_account(max_templates=0)
    client = client_of(make_user(account, super_admin=True))
    assert "0 now, 1 afterwards, of 3" in text(client, "/templates/new/")
    assert "0 now, 1 afterwards, of 3" in text(client, f"/templates/new/?account={account.uuid}")
    assert "0 now, 1 afterwards, of 0: 1 too many" in text(client, f"/templates/new/?account={other.uuid}")
    assert "Your quota afterwards" not in text(client, "/templates/new/?account=none")


def test_a_transfer_says_what_the_other_account_gives(vm: VirtualMachine) -> None:
    other = make_account(max_vcpus=4)
    operator = client_of(make_user(super_admin=True))
    page = f"/virtual-machines/{vm.uuid}/transfer/"
    shown = operator.post(page, {"account": str(other.uuid), "act": "plan"}).content.decode()
    assert "The quota of the other account afterwards" in shown
    assert "0 now, 1 afterwards, of 4" in shown
