"""What an actor sees in a list and what it may know of one by one are the same rows, for every model."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models import Model, Q

from apps.accounts import policy, reach, scopes
from apps.accounts.actor import Actor
from apps.accounts.models import Quota, User
from apps.jobs.models import Event, Job
from tests import factories
from tests.api.conftest import Cast, make_cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def crowd(tmp_path: Any) -> Cast:
    """Rows of both tenants and of nobody, of every model with a scope."""
    cast = make_cast(str(tmp_path))
    other_vm = factories.make_vm(cast.zone, account=cast.other_account)
    factories.make_template(cast.zone, cast.other_account, is_public=False)
    for vm in (cast.vm, other_vm):
        about = {"target_type": "virtual-machine", "target_uuid": vm.uuid, "actor_label": "x"}
        Job.objects.create(kind="x", account=vm.account, **about)
        Event.objects.create(kind="x", phase="done", account=vm.account, **about)
    Job.objects.create(kind="x", target_type="host", target_uuid=cast.zone.uuid, actor_label="x")
    assert Quota.objects.filter(account=None).exists()
    return cast


def actors(cast: Cast) -> dict[str, Actor]:
    users = {role: User.objects.get(pk=user.pk) for role, user in cast.users.items()}
    many = factories.make_user(cast.account, cast.other_account)
    nobody = factories.make_user()
    return {
        **{role: Actor(user) for role, user in users.items()},
        "of both": Actor(many),
        "of none": Actor(nobody),
        "system": Actor.system("a test"),
    }


def differences(model: type[Model], actor: Actor) -> list[object]:
    """Rows on which the filter and the check for one object disagree."""
    visible = set(policy.visible(actor, model._default_manager.all()).values_list("pk", flat=True))
    return [row.pk for row in model._default_manager.all() if policy.sees(actor, row) != (row.pk in visible)]


def test_the_list_and_the_single_object_agree(crowd: Cast) -> None:
    compared = 0
    for model in scopes._scopes:
        for role, actor in actors(crowd).items():
            assert differences(model, actor) == [], (model.__name__, role)
            compared += model._default_manager.count()
    assert compared > 300


def test_a_member_sees_its_own_and_nothing_of_others(crowd: Cast) -> None:
    who = actors(crowd)
    for model in (type(crowd.vm), Job, Event):
        rows = model._default_manager
        mine = policy.visible(who["member"], rows.all())
        assert set(mine.values_list("account_id", flat=True)) == {crowd.account.pk}
        assert not policy.visible(who["inactive"], rows.all()).exists()
        assert not policy.visible(who["of none"], rows.all()).exists()
        assert policy.visible(who["operator"], rows.all()).count() == rows.count()


def test_a_row_comes_once_however_many_memberships_there_are(crowd: Cast) -> None:
    rows = policy.visible(actors(crowd)["of both"], type(crowd.vm)._default_manager.all())
    assert len(rows) == len(set(rows)) == 2


def test_the_harness_sees_a_missing_filter(crowd: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted fault: a scope whose list shows everything is reported."""
    monkeypatch.setattr(scopes.Rows, "where", lambda self, reach: Q())
    assert differences(Job, actors(crowd)["member"])


def test_who_belongs_to_very_many_accounts_sees_the_same(
    crowd: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reach, "FEW_ACCOUNTS", 0)
    for model in scopes._scopes:
        for role, actor in actors(crowd).items():
            assert differences(model, actor) == [], (model.__name__, role)


def test_the_parts_of_what_is_visible_make_all_of_it_once(crowd: Cast) -> None:
    for model in (type(crowd.vm), Job, Event):
        for role in ("member", "of both"):
            actor = actors(crowd)[role]
            parts = policy.visible_parts(actor, model)
            found = [
                pk
                for part in parts
                for pk in model._default_manager.filter(part).values_list("pk", flat=True)
            ]
            assert parts
            assert sorted(found) == sorted(
                policy.visible(actor, model._default_manager.all()).values_list("pk", flat=True)
            )
        assert policy.visible_parts(actors(crowd)["operator"], model) == []
