"""Domains move with all that is below them, accounts with what they use: paths and counts stay right."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from apps.accounts import quota
from apps.accounts.actor import Actor
from apps.accounts.amounts import Amount
from apps.accounts.models import Account, Domain, Quota
from apps.accounts.services import create_domain
from apps.accounts.tenancy import move_account, move_domain, rename_account, rename_domain
from apps.core.errors import (
    AccountDisabled,
    CloudError,
    DomainQuotaExceeded,
    InvalidInput,
    NameTaken,
    NotFound,
    PermissionDenied,
)
from apps.core.trees import MAX_PATH
from apps.jobs.models import Event
from apps.jobs.people import told
from tests import factories
from tests.accounts.tree import check_tree

pytestmark = [pytest.mark.django_db, pytest.mark.databases]
OPERATOR = Actor.system("a test")


def using(domain: Domain, vcpus: int) -> Account:
    """An account that uses so many vCPUs."""
    account = factories.make_account(domain)
    quota.reserve(account, Amount(machines=1, vcpus=vcpus))
    return account


def numbers(domain: Domain) -> tuple[int, int]:
    row = Quota.objects.get(domain=domain)
    return row.used_machines, row.used_vcpus


def test_a_domain_moves_with_all_below_it() -> None:
    old, new = factories.make_domain(), factories.make_domain()
    moved = factories.make_domain(old)
    inner = factories.make_domain(factories.make_domain(moved))
    beside = factories.make_domain(old)
    account = using(inner, 3)
    move_domain(OPERATOR, moved, parent=new)
    check_tree()
    inner.refresh_from_db()
    assert inner.ancestor_ids()[:3] == [factories.root_domain().pk, new.pk, moved.pk]
    assert Domain.objects.get(pk=beside.pk).path == beside.path
    assert (numbers(old), numbers(new), numbers(factories.root_domain())) == ((0, 0), (1, 3), (1, 3))
    quota.release(Account.objects.get(pk=account.pk), Amount(machines=1, vcpus=3))
    assert numbers(new) == (0, 0)
    event = Event.objects.get(kind="domain.move")
    assert event.target_uuid == moved.uuid
    assert told(event)[1] == {"parent": [old.name, new.name]}


def test_what_moves_has_to_fit_where_it_comes_to() -> None:
    old, new = factories.make_domain(), factories.make_domain(max_vcpus=4)
    moved = factories.make_domain(old)
    using(moved, 3)
    using(new, 2)
    with pytest.raises(DomainQuotaExceeded):
        move_domain(OPERATOR, moved, parent=new)
    check_tree()
    assert Domain.objects.get(pk=moved.pk).parent == old
    assert (numbers(old), numbers(new)) == ((1, 3), (1, 2))


def test_a_full_domain_above_both_places_does_not_forbid_a_move() -> None:
    top = factories.make_domain(max_vcpus=3)
    old, new = factories.make_domain(top), factories.make_domain(top)
    moved = factories.make_domain(old)
    using(moved, 3)
    move_domain(OPERATOR, moved, parent=new)
    check_tree()
    assert (numbers(top), numbers(new)) == ((1, 3), (1, 3))


def test_no_domain_comes_to_lie_inside_itself() -> None:
    top = factories.make_domain()
    inner = factories.make_domain(top)
    for parent in (top, inner):
        with pytest.raises(InvalidInput) as caught:
            move_domain(OPERATOR, top, parent=parent)
        assert (caught.value.params["reason"], caught.value.place) == ("inside_itself", "parent")
    with pytest.raises(InvalidInput) as caught:
        move_domain(OPERATOR, factories.root_domain(), parent=top)
    assert caught.value.params["reason"] == "root_stays"
    check_tree()
    assert not Event.objects.exists()


def test_a_name_that_is_taken_there_stops_a_move() -> None:
    new = factories.make_domain()
    there = factories.make_domain(new)
    moved = factories.make_domain()
    rename_domain(OPERATOR, moved, name=there.name.upper())
    with pytest.raises(NameTaken), transaction.atomic():
        move_domain(OPERATOR, moved, parent=new)
    check_tree()
    assert Domain.objects.get(pk=moved.pk).parent == factories.root_domain()


def test_moving_to_where_it_is_changes_nothing() -> None:
    domain, account = factories.make_domain(), factories.make_account()
    move_domain(OPERATOR, domain, parent=factories.root_domain())
    move_account(OPERATOR, account, domain=factories.root_domain())
    assert not Event.objects.exists()


def test_a_tree_has_a_greatest_depth() -> None:
    deep = factories.root_domain()
    while len(deep.path or "") <= MAX_PATH - 12:
        deep = factories.make_domain(deep)
    tail = factories.make_domain()
    factories.make_domain(factories.make_domain(factories.make_domain(tail)))
    with pytest.raises(InvalidInput) as caught:
        move_domain(OPERATOR, tail, parent=deep)
    assert (caught.value.params["reason"], caught.value.place) == ("too_deep_a_tree", "parent")
    last = deep
    while (deeper := create_or_none(last)) is not None:
        last = deeper
    assert MAX_PATH - 12 < len(last.path or "") <= MAX_PATH
    check_tree()


def create_or_none(parent: Domain) -> Domain | None:
    try:
        with transaction.atomic():
            return create_domain(OPERATOR, name="deeper", parent=parent)
    except InvalidInput as error:
        assert error.params["reason"] == "too_deep_a_tree"  # noqa: PT017
        return None


def test_an_account_moves_with_what_it_uses() -> None:
    old, new = factories.make_domain(), factories.make_domain(max_vcpus=2)
    account, large = using(old, 2), using(old, 3)
    move_account(OPERATOR, account, domain=new)
    check_tree()
    assert (numbers(old), numbers(new)) == ((1, 3), (1, 2))
    with pytest.raises(DomainQuotaExceeded):
        move_account(OPERATOR, large, domain=new)
    check_tree()
    event = Event.objects.get(kind="account.move")
    assert told(event)[1] == {"domain": [old.name, new.name]}
    assert event.account_id == account.pk


def test_nothing_moves_into_a_domain_that_is_disabled() -> None:
    new = factories.make_domain(factories.make_domain())
    Domain.objects.filter(children=new).update(disabled_at="2026-01-01T00:00Z")
    with pytest.raises(AccountDisabled):
        move_domain(OPERATOR, factories.make_domain(), parent=new)
    with pytest.raises(AccountDisabled):
        move_account(OPERATOR, factories.make_account(), domain=new)


def test_who_was_given_nothing_moves_and_renames_nothing() -> None:
    account, domain = factories.make_account(), factories.make_domain()
    member = Actor(factories.make_user(account))
    acts: list[tuple[Any, Any, dict[str, Any]]] = [
        (move_domain, domain, {"parent": factories.root_domain()}),
        (rename_domain, domain, {"name": "x"}),
        (move_account, account, {"domain": domain}),
        (rename_account, account, {"name": "x"}),
    ]
    for act, row, given_ in acts:
        with pytest.raises((PermissionDenied, NotFound)):
            act(member, row, **given_)
    assert not Event.objects.exists()


def test_what_was_read_before_a_move_counts_where_the_account_is_now() -> None:
    old, new = factories.make_domain(), factories.make_domain()
    moved = factories.make_domain(old)
    account = Account.objects.select_related("domain").get(pk=factories.make_account(moved).pk)
    move_domain(OPERATOR, moved, parent=new)
    quota.reserve(account, Amount(vcpus=2))
    check_tree()
    assert (numbers(old), numbers(new)) == ((0, 0), (0, 2))


@pytest.mark.parametrize("kind", ["domain", "account"])
def test_a_rename_keeps_the_place_and_tells_both_names(kind: str) -> None:
    row: Any = factories.make_domain() if kind == "domain" else factories.make_account()
    act: Any = rename_domain if kind == "domain" else rename_account
    before = row.name
    act(OPERATOR, row, name="  Σχολή  ")
    row.refresh_from_db()
    assert (row.name, row.name_key) == ("Σχολή", "σχολη")
    event = Event.objects.get(kind=f"{kind}.rename")
    assert told(event)[1] == {"name": [before, "Σχολή"]}
    act(OPERATOR, row, name="Σχολή")
    assert Event.objects.count() == 1
    with pytest.raises(InvalidInput):
        act(OPERATOR, row, name="")


steps = st.lists(st.tuples(st.booleans(), st.integers(0, 99), st.integers(0, 99)), max_size=12)


@hypothesis_settings(max_examples=40, deadline=None, derandomize=True)
@given(parents=st.lists(st.integers(0, 99), min_size=2, max_size=9), moves=steps)
def test_after_any_moves_paths_and_counts_are_right(
    parents: list[int], moves: list[tuple[bool, int, int]]
) -> None:
    with transaction.atomic():
        domains = [factories.root_domain()]
        for number, above in enumerate(parents):
            limits = {"max_vcpus": 6} if number % 4 == 3 else {}
            domains.append(factories.make_domain(domains[above % len(domains)], **limits))
        for domain in domains:
            domain.refresh_from_db()
        accounts: list[Account] = []
        for number, domain in enumerate(domains[1:], 1):
            try:
                with transaction.atomic():
                    accounts.append(using(domain, number % 4))
            except CloudError:
                continue
        for of_domain, what, where in moves:
            parent = domains[where % len(domains)]
            try:
                with transaction.atomic():
                    if of_domain:
                        move_domain(OPERATOR, domains[what % len(domains)], parent=parent)
                    elif accounts:
                        move_account(OPERATOR, accounts[what % len(accounts)], domain=parent)
            except CloudError as error:
                assert error.code in {"invalid_input", "domain_quota_exceeded"}  # noqa: PT017
        check_tree()
        transaction.set_rollback(True)
