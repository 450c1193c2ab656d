"""People go for good. What somebody owns alone goes to somebody else, or is closed, first; then the row goes
with all that was personal, and the record keeps what they did without their names."""

from __future__ import annotations

import logging

from django.db import transaction
from django.db.models import Count, QuerySet
from django.utils import timezone

from apps.accounts import audit, closing, policy
from apps.accounts.actor import Actor
from apps.accounts.giving import fresh_actor
from apps.accounts.locks import lock_tree
from apps.accounts.models import Account, Invitation, InvitationState, User
from apps.accounts.recheck import leave
from apps.core.errors import CloudError, InvalidInput, StateConflict

log = logging.getLogger(__name__)
GRACE = Actor.system("the time of grace is over")
A_ROUND = 100
NAMED = 5


def owned_alone(user: User) -> QuerySet[Account]:
    """Accounts that nobody else belongs to."""
    counted = Account.objects.annotate(people=Count("memberships")).filter(people=1)
    return counted.filter(memberships__user=user).order_by("name_sort", "pk")


@transaction.atomic
def remove_user(actor: Actor, user: User) -> None:
    """Remove a person at once. StateConflict names what nobody else owns: it is handed over, gets another
    member, or is closed first."""
    policy.require(actor, "user.remove", user)
    if actor.user is not None and actor.user.pk == user.pk:
        raise InvalidInput("yourself", place="user")
    lock_tree()
    user = User.objects.select_for_update(of=("self",)).get(pk=user.pk)
    policy.require(fresh_actor(actor), "user.remove", user)
    alone = list(owned_alone(user)[: NAMED + 1])
    if alone:
        names = ", ".join(account.name for account in alone[:NAMED]) + (" …" if len(alone) > NAMED else "")
        raise StateConflict(reason="owns_alone", names=names)
    leave(actor, user)
    settled = {"state": InvitationState.WITHDRAWN, "settled_at": timezone.now(), "mail_due": False}
    open_ones = Invitation.objects.filter(invited_by=user, state=InvitationState.PENDING)
    open_ones.update(**settled, copied=None, mailed=None)
    audit.record(actor, "user.remove", user)
    audit.erase_names(user)
    user.delete()


def remove_due() -> int:
    """Remove those whose time of grace is over; how many went. What they own alone is closed first, which
    can be taken back for a time: they go once it is gone, or somebody else's."""
    gone = 0
    for user in User.objects.filter(closes_at__lte=timezone.now()).order_by("closes_at")[:A_ROUND]:
        try:
            for account in owned_alone(user).filter(closes_at=None):
                closing.close(GRACE, account)
            if not owned_alone(user).exists():
                remove_user(GRACE, user)
                gone += 1
        except CloudError as error:  # what others use needs an heir, whom people name
            log.warning("user %s is not removed yet: %s", user.uuid, error)
    return gone
