"""What is asked before a lock is asked again once it is held: whose right was taken away meanwhile does
nothing with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from apps.accounts import closing, removal, services, tenancy
from apps.accounts.actor import Actor
from apps.accounts.grants import revoke_grant
from apps.accounts.models import Grant
from apps.core.errors import CloudError
from tests import factories
from tests.accounts.rights import Campus, acting, make_campus

pytestmark = pytest.mark.django_db
Act = Callable[[Actor, Campus], Any]

ACTS: list[tuple[Any, Act]] = [
    (services, lambda head, campus: services.set_active(head, campus.pupil, active=False)),
    (services, lambda head, campus: services.create_domain(head, name="new", parent=campus.school)),
    (closing, lambda head, campus: closing.close_user(head, campus.pupil)),
    (removal, lambda head, campus: removal.remove_user(head, campus.pupil)),
    (tenancy, lambda head, campus: tenancy.move_account(head, campus.in_school, domain=campus.lab)),
    (tenancy, lambda head, campus: tenancy.move_domain(head, campus.lab, parent=other_below(campus))),
]


def other_below(campus: Campus) -> Any:
    return factories.make_domain(campus.school)


@pytest.mark.parametrize(
    ("module", "act"),
    ACTS,
    ids=["set-active", "create-domain", "close-user", "remove-user", "move-account", "move-domain"],
)
def test_a_right_that_goes_while_a_lock_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, module: Any, act: Act
) -> None:
    campus = make_campus()
    factories.make_user(campus.in_school)  # the account is not the pupil's alone
    head, chief = acting(campus.head), acting(campus.chief)
    lock = module.lock_tree

    def wait() -> None:
        monkeypatch.setattr(module, "lock_tree", lock)
        revoke_grant(chief, Grant.objects.get(user=campus.head))

    monkeypatch.setattr(module, "lock_tree", wait)
    with pytest.raises(CloudError):
        act(head, campus)
    monkeypatch.setattr(module, "lock_tree", lock)
