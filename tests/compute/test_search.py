"""A machine is found by any part of its name, among few and among many, in every order."""

from __future__ import annotations

import pytest
from django.db.models import Q

from apps.accounts.actor import Actor
from apps.accounts.models import Account
from apps.compute import search
from apps.compute.models import VirtualMachine, VmNamePart
from apps.compute.search import ByName
from apps.compute.services.edit import rename_vm
from apps.core import keyset
from apps.core.names import fold, name_parts
from apps.zones.models import Zone
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

NAMES = ("web-1", "web-2", "Εργαστήριο Φυσικής", "db web", "a%b_c", "zeus-web-node-17", "x", "ΆΛΦΑ web")


@pytest.fixture
def zone() -> Zone:
    zone = factories.make_zone()
    vm = factories.make_vm(zone)
    accounts = (vm.account, factories.make_account())
    for number, name in enumerate(NAMES[1:]):
        other = VirtualMachine(
            account=accounts[number % 2], zone=zone, offering=vm.offering, template=vm.template, hostname="vm"
        )
        other.set_name(name)
        VirtualMachine.objects.bulk_create([other])
    rename_vm(Actor.system("a test"), vm, name=NAMES[0])
    return zone


MERGED = ("nothing", "zones", "accounts", "one account")


def parts_of(merged: str) -> list[Q]:
    """What a list is merged from."""
    accounts = [Q(account_id=account.pk) for account in Account.objects.order_by("pk")]
    zones = [Q(zone=zone) for zone in Zone.objects.order_by("pk")]
    return {"nothing": [], "zones": zones, "accounts": accounts, "one account": accounts[:1]}[merged]


def found(text: str, column: str, merged: str, *, descending: bool = False) -> list[str]:
    lead = ByName().lead("q", text)
    order = keyset.Order.by(column, descending=descending)
    parts = parts_of(merged)
    rows = VirtualMachine.objects.filter(parts[0]) if len(parts) == 1 else VirtualMachine.objects.all()
    keys = keyset.found(rows, lead=lead, parts=parts)
    assert sorted(keys) == sorted(rows.filter(name__in=expected(text)).values_list("pk", flat=True))
    page = keyset.page_of(
        rows,
        order,
        limit=50,
        mark="",
        lead=lead,
        parts=parts,
    )
    return [vm.name for vm in keyset.load(rows, page.pks)]


def expected(text: str) -> set[str]:
    if len(text) < 3:
        return {name for name in NAMES if fold(text) in name_parts(fold(name))}
    return {name for name in NAMES if fold(text) in fold(name)}


@pytest.mark.parametrize("few", [0, 1000])
@pytest.mark.parametrize("merged", MERGED)
@pytest.mark.parametrize("column", ["name_sort", "id", "state"])
@pytest.mark.parametrize(
    "text", ["web", "WEB-1", "ΑΛΦΑ", "φυσικησ", "a%b", "b_c", "node-1", "we", "w", "17", "nowhere", "eb-n"]
)
def test_a_text_finds_the_names_that_hold_it(
    zone: Zone, text: str, column: str, merged: str, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "FEW", few)
    names = found(text, column, merged)
    whole = Q() if merged != "one account" else parts_of(merged)[0]
    assert set(names) == set(
        VirtualMachine.objects.filter(whole, name__in=expected(text)).values_list("name", flat=True)
    )
    rows = VirtualMachine.objects.filter(name__in=names).order_by(column, "id")
    assert names == list(rows.values_list("name", flat=True))
    back = found(text, column, merged, descending=True)
    assert back == names[::-1]


def test_a_renamed_machine_is_found_by_its_new_name_only(zone: Zone) -> None:
    vm = VirtualMachine.objects.get(name="web-1")
    rename_vm(Actor.system("a test"), vm, name="mail")
    parts = set(VmNamePart.objects.filter(vm=vm).values_list("part", flat=True))
    assert parts == {"mai", "ail", "m", "ma"}
    assert set(VmNamePart.objects.filter(vm=vm).values_list("name_sort", flat=True)) == {"mail"}


def test_a_machine_that_changes_hands_is_found_by_its_new_account(zone: Zone) -> None:
    vm = VirtualMachine.objects.get(name="x")
    vm.account = factories.make_account()
    vm.save(update_fields=["account"])
    assert set(VmNamePart.objects.filter(vm=vm).values_list("account", flat=True)) == {vm.account.pk}


def test_a_removed_machine_leaves_no_part(zone: Zone) -> None:
    vm = VirtualMachine.objects.get(name="x")
    vm.delete()
    assert not VmNamePart.objects.filter(part="x").exists()


def test_one_or_two_letters_begin_a_word() -> None:
    parts = name_parts(fold("db-web12 Άλφα"))
    assert {part for part in parts if len(part) < 3} == {"d", "db", "w", "we", "1", "12", "α", "αλ"}
