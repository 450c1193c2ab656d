"""A right that is taken away while it is passed on: nothing stays that nobody supports, whoever was first."""

from __future__ import annotations

from pathlib import Path

import pytest

from apps.accounts import recheck
from apps.accounts.actor import Actor
from apps.accounts.grants import grant_role, revoke_grant
from apps.accounts.models import Domain, Grant, User
from apps.accounts.roles.ready import ready
from apps.core.errors import CloudError
from tests.accounts.rights import Campus, acting, make_campus
from tests.race import race, shared_database

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.databases]


def act(what: tuple[str, int, int, int]) -> str:
    """("give", giver, holder, domain) or ("revoke", remover, grant, 0)."""
    verb, who, target, place = what
    actor = Actor(User.objects.get(pk=who))
    assert actor.held is not None  # what it held before the race is remembered
    try:
        if verb == "give":
            user, domain = User.objects.get(pk=target), Domain.objects.get(pk=place)
            grant_role(actor, role=ready("domain-admin"), place=domain, user=user)
        else:
            revoke_grant(actor, Grant.objects.get(pk=target))
    except CloudError as error:
        return error.code
    return verb


def setting() -> tuple[Campus, Grant]:
    campus = make_campus()
    ready("domain-admin")
    return campus, Grant.objects.get(user=campus.head)


def test_what_is_given_while_the_giver_loses_it_does_not_stay(tmp_path: Path) -> None:
    campus, mine = setting()
    give = ("give", campus.head.pk, campus.worker.pk, campus.lab.pk)
    revoke = ("revoke", campus.chief.pk, mine.pk, 0)
    with shared_database(tmp_path):
        answers = race(act, [[give], [revoke]])
        assert "revoke" in answers
        assert not Grant.objects.in_force().filter(user__in=[campus.head.pk, campus.worker.pk]).exists()
        assert recheck.recheck_all() == []


def test_the_same_given_twice_at_once_is_one_grant(tmp_path: Path) -> None:
    campus, _mine = setting()
    give = ("give", campus.head.pk, campus.worker.pk, campus.lab.pk)
    with shared_database(tmp_path):
        answers = race(act, [[give], [give], [give]])
        assert sorted(answers) == ["give", "state_conflict", "state_conflict"]
        assert Grant.objects.filter(user=campus.worker.pk).count() == 1


def test_a_grant_is_taken_away_once(tmp_path: Path) -> None:
    campus, mine = setting()
    revoke = ("revoke", campus.chief.pk, mine.pk, 0)
    with shared_database(tmp_path):
        answers = race(act, [[revoke], [revoke]])
        assert sorted(answers) == ["revoke", "state_conflict"]
    assert acting(campus.chief).is_operator
