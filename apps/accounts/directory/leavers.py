"""What leavers left behind: let be, or given to somebody else."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from apps.accounts import audit, members, policy
from apps.accounts.actor import Actor
from apps.accounts.directory.leaving import open_ones
from apps.accounts.models import LeftBehind, Role, User
from apps.core.errors import StateConflict


@transaction.atomic
def keep(actor: Actor, left: LeftBehind) -> LeftBehind:
    """Let it be: its machines are not stopped, and it stays in the list."""
    policy.require(actor, "leaver.keep", left)
    if not open_ones().filter(pk=left.pk, kept_at=None).update(kept_at=timezone.now()):
        _refuse_if_over(left)
    else:
        audit.record(actor, "leaver.keep", left.account)
    left.refresh_from_db()
    return left


@transaction.atomic
def hand_over(actor: Actor, left: LeftBehind, *, user: User, role: Role | None = None) -> None:
    """Let somebody else act for the account, who then has all that it owns. The leaver stays a member, and
    has it again with them when they come back."""
    policy.require(actor, "leaver.hand_over", left)
    _refuse_if_over(left)
    members.add_member(actor, left.account, user=user, role=role)
    audit.record(actor, "leaver.hand_over", left.account, to=user)
    LeftBehind.objects.filter(pk=left.pk).delete()


def _refuse_if_over(left: LeftBehind) -> None:
    if not open_ones().filter(pk=left.pk).exists():
        raise StateConflict(reason="not_left_behind")
