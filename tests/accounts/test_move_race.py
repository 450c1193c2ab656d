"""Moves at the same time, beside reservations and new domains: no loop, no wrong path, no lost count."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import transaction

from apps.accounts import quota
from apps.accounts.actor import Actor
from apps.accounts.amounts import Amount
from apps.accounts.models import Account, Domain, Quota
from apps.accounts.services import create_domain
from apps.accounts.tenancy import move_account, move_domain
from apps.core.errors import CloudError
from tests import factories
from tests.accounts.tree import check_tree
from tests.race import race, shared_database

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.databases]
OPERATOR = Actor.system("a race")


def move(pair: tuple[str, str]) -> str:
    what, where = pair
    try:
        move_domain(OPERATOR, Domain.objects.get(name=what), parent=Domain.objects.get(name=where))
    except CloudError as error:
        return str(error.params.get("reason", error.code))
    return "moved"


def test_two_domains_do_not_come_to_lie_inside_each_other(tmp_path: Path) -> None:
    for name in ("left", "right"):
        Domain.objects.filter(pk=factories.make_domain().pk).update(name=name, name_key=name)
    factories.make_domain(Domain.objects.get(name="left"))
    with shared_database(tmp_path):
        answers = race(move, [[("left", "right")], [("right", "left")]])
        assert sorted(answers) == ["inside_itself", "moved"]
        check_tree()


def act(number: int) -> str:
    """One of everything that needs the tree to stand still, by turns, on the same few rows."""
    tops = list(Domain.objects.filter(name__startswith="top").order_by("pk"))
    moved = Domain.objects.get(name="moved")
    account = Account.objects.select_related("domain").order_by("pk")[number % 2]
    try:
        with transaction.atomic():
            if number % 4 == 0:
                move_domain(OPERATOR, moved, parent=tops[number % len(tops)])
            elif number % 4 == 1:
                quota.reserve(account, Amount(machines=1, vcpus=1))
            elif number % 4 == 2:
                create_domain(OPERATOR, name=f"new {number}", parent=moved)
            else:
                move_account(OPERATOR, account, domain=tops[number % len(tops)])
    except CloudError as error:
        return error.code
    return "done"


def test_counts_and_paths_survive_everything_at_once(tmp_path: Path) -> None:
    for number in range(3):
        Domain.objects.filter(pk=factories.make_domain().pk).update(
            name=f"top {number}", name_key=f"top {number}"
        )
    moved = factories.make_domain(Domain.objects.get(name="top 0"))
    Domain.objects.filter(pk=moved.pk).update(name="moved", name_key="moved")
    for _ in range(2):
        quota.reserve(factories.make_account(factories.make_domain(moved)), Amount(vcpus=2))
    hands = [list(range(first, 48, 6)) for first in range(6)]
    with shared_database(tmp_path):
        answers = race(act, hands)
        assert answers.count("done") == len(answers)
        check_tree()
        root = Quota.objects.get(domain=factories.root_domain())
        assert (root.used_machines, root.used_vcpus) == (12, 4 + 12)
