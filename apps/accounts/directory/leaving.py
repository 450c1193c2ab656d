"""People who leave a directory, and come back to it.

Who is gone or disabled there is kept out at once and keeps what they have; accounts in which nobody is left
are offered to who administers them, and their machines are stopped after a while.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from apps.accounts import audit
from apps.accounts.actor import Actor
from apps.accounts.models import (
    Account,
    Directory,
    DirectoryPerson,
    DirectorySync,
    LeftBehind,
    Membership,
    User,
)
from apps.accounts.sessions import cut_off_each

ACTOR = Actor.system("directory")


def leave(directory: Directory, links: Sequence[DirectoryPerson]) -> None:
    """Keep these people out: their sessions and tokens end. Call it in a transaction."""
    now = timezone.now()
    users = User.objects.filter(pk__in=[link.user_id for link in links], is_active=True)
    active = set(users.values_list("pk", flat=True))
    leaving = [link for link in links if link.user_id in active]
    if not leaving:
        return
    users.filter(pk__in=active).update(is_active=False)
    cut_off_each(active)
    told: list[audit.Told] = []
    for link in leaving:
        link.left_at = now
        reason = "disabled" if link.disabled else "gone"
        told.append((link.user, {"directory": directory.name, "reason": reason}))
    audit.record_each(ACTOR, "directory.keep_out_user", told)
    DirectoryPerson.objects.bulk_update(leaving, ["left_at", "disabled"])
    days = (
        DirectorySync.objects.filter(directory=directory).values_list("leaver_grace_days", flat=True).first()
    )
    _leave_behind(directory, leaving, now + timedelta(days=days if days is not None else 14))


def _leave_behind(directory: Directory, links: Sequence[DirectoryPerson], stops_at: datetime) -> None:
    leaver_of: dict[int, int] = {}
    mine = Membership.objects.filter(user__in=[link.user_id for link in links]).order_by("pk")
    leaver_of = dict(mine.values_list("account", "user"))
    empty = without_people(Account.objects.filter(pk__in=leaver_of)).values_list("pk", flat=True)
    rows = [
        LeftBehind(account_id=pk, user_id=leaver_of[pk], directory=directory, stops_at=stops_at)
        for pk in sorted(empty)
    ]
    LeftBehind.objects.bulk_create(rows, ignore_conflicts=True)


def without_people(accounts: QuerySet[Account]) -> QuerySet[Account]:
    """Those of the accounts that nobody who may log in belongs to."""
    return accounts.filter(~Exists(_active_members(OuterRef("pk"))))


def _active_members(account: OuterRef) -> QuerySet[Membership]:
    in_force = Q(ends_at=None) | Q(ends_at__gt=timezone.now())
    return Membership.objects.filter(in_force, account=account, user__is_active=True)


def open_ones() -> QuerySet[LeftBehind]:
    """Accounts that are still without anybody, and are not about to be deleted."""
    rows = LeftBehind.objects.filter(~Exists(_active_members(OuterRef("account"))))
    return rows.filter(account__closes_at=None).select_related("account__domain", "user", "directory")


def due() -> QuerySet[LeftBehind]:
    """Those whose machines are to be stopped now."""
    rows = open_ones().filter(stopped_at=None, kept_at=None, stops_at__lte=timezone.now())
    return rows.order_by("stops_at", "pk")


def note_rest(account: Account) -> None:
    """Its machines are stopped: that is done once, whoever starts them again."""
    due().filter(account=account).update(stopped_at=timezone.now())


def return_to(links: Sequence[DirectoryPerson]) -> None:
    """Let people in again whom the directory kept out, with all that they had. Call it in a transaction."""
    coming = [link for link in links if link.left_at is not None]
    if not coming:
        return
    users = [link.user_id for link in coming]
    User.objects.filter(pk__in=users, closes_at=None).update(is_active=True)
    for link in coming:
        link.left_at, link.disabled = None, False
    audit.record_each(ACTOR, "directory.let_in_user", [(link.user, {}) for link in coming])
    DirectoryPerson.objects.bulk_update(coming, ["left_at", "disabled"])
    LeftBehind.objects.filter(account__memberships__user__in=users).delete()
