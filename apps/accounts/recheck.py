"""What somebody gave ends when they no longer hold it: what is given has to lead back, step by step, to what
the system gave or to a super admin. Two who gave the same to each other support nothing.

Called in the transaction of whatever took something away, under the lock of the tree.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from apps.accounts import audit
from apps.accounts.actor import Actor
from apps.accounts.directory import answering
from apps.accounts.giving import Given, Place, held_lacks, misfit
from apps.accounts.held import Held, held_by, held_by_each
from apps.accounts.locks import lock_tree
from apps.accounts.models import Account, Grant, GroupMember, MappingRule, Membership, Role, User
from apps.accounts.roles.ready import READY, USER, ready, user_role_id

ENDED = "ended/"  # begins `once` of a grant that has ended and is kept to tell of it
KEPT_DAYS = 30
SUPPORT = Actor.system("who gave it no longer has it")
TIME = Actor.system("its end has come")


def via(given: Given) -> str:
    return f"{'membership' if isinstance(given, Membership) else 'grant'}:{given.pk}"


def is_more_than_user(role: Role) -> bool:
    """Whether it allows something that any member of an account may not."""
    return role.key != USER and not role.allowed.permissions() <= READY[USER].rules.permissions()


def recheck(users: Iterable[int]) -> list[Given]:
    """End what these users gave and no longer hold, and what others gave on the strength of that. Gives
    what ended. Of rules of mappings that they answered for it is told that nobody does."""
    seen, doubtful = _in_doubt(set(users))
    ended = _end_unsupported(seen, doubtful) if doubtful else []
    answering.review(seen)
    return ended


def _end_unsupported(seen: set[int], doubtful: dict[str, Given]) -> list[Given]:
    held = held_by_each(User.objects.filter(pk__in=seen))
    left = dict(doubtful)
    while supported := [key for key, given in left.items() if _is_supported(given, held, left)]:
        for key in supported:
            del left[key]
    for given in left.values():
        end(SUPPORT, given)
    return list(left.values())


def recheck_all() -> list[Given]:
    """Everybody who gave anything: after an update changed what ready roles allow, or a directory its
    groups."""
    with transaction.atomic():
        lock_tree()
        givers = set(_live_grants().values_list("granted_by", flat=True))
        givers |= set(_risen_memberships().values_list("granted_by", flat=True)) | _rule_writers()
        return recheck(key for key in givers if key)


def _rule_writers() -> set[int]:
    rows = MappingRule.objects.exclude(changed_by=None).values_list("changed_by", flat=True)
    return {key for key in rows if key}


def _in_doubt(users: set[int]) -> tuple[set[int], dict[str, Given]]:
    """All that was given by these users, by those whom they gave it to, and so on."""
    seen: set[int] = set()
    found: dict[str, Given] = {}
    while users:
        seen |= users
        rows: list[Given] = [
            *_live_grants().filter(granted_by__in=users),
            *_risen_memberships().filter(granted_by__in=users),
        ]
        found.update({via(row): row for row in rows})
        users = {holder for row in rows for holder in givers_among_holders(row)} - seen
    return seen, found


def _live_grants() -> QuerySet[Grant]:
    return Grant.objects.in_force().exclude(granted_by=None).select_related("role__domain", "domain")


def _risen_memberships() -> QuerySet[Membership]:
    rows = Membership.objects.exclude(granted_by=None).exclude(role__key=USER)
    return rows.select_related("role__domain", "account__domain", "user")


def givers_among_holders(given: Given) -> set[int]:
    """Of those who hold it, who gave something themselves, or wrote a rule: nobody else's loss has further
    effect."""
    if isinstance(given, Grant) and given.user_id is None:
        gave = [
            Exists(Grant.objects.filter(granted_by=OuterRef("user"))),
            Exists(Membership.objects.filter(granted_by=OuterRef("user"))),
            Exists(MappingRule.objects.filter(changed_by=OuterRef("user"))),
        ]
        condition = reduce(or_, map(Q, gave))
        return set(GroupMember.objects.filter(condition, group=given.group_id).values_list("user", flat=True))
    return {given.user_id} if given.user_id else set()


def _is_supported(given: Given, held: dict[int, tuple[Held, ...]], left: dict[str, Given]) -> bool:
    """Whether the giver holds it by what is not in doubt itself."""
    if isinstance(given, Membership) and not is_more_than_user(given.role):
        return True
    place = Place.of_given(given)
    if place is None or misfit(given.role, place):
        return False
    sure = [each for each in held.get(given.granted_by_id or 0, ()) if each.via not in left]
    return bool(sure) and not held_lacks(sure, given.role.allowed, place)


def end(actor: Actor, given: Given, kind: str = "grant.end") -> bool:
    """Take it away, once; a member keeps what every member has if the role was more than that."""
    if isinstance(given, Membership):
        return _lower(actor, given)
    now = timezone.now()
    when = min(given.ends_at, now) if given.ends_at else now
    rows = Grant.objects.filter(pk=given.pk).exclude(once__startswith=ENDED)
    if not rows.update(ends_at=when, once=f"{ENDED}{given.pk}"):
        return False
    audit.record(actor, kind, given, **told(given))
    return True


def _lower(actor: Actor, given: Membership) -> bool:
    rows = Membership.objects.filter(pk=given.pk, role=given.role_id)
    if READY[USER].rules.permissions() <= given.role.allowed.permissions():
        changes = {"role": [given.role.name, ready(USER).name]}
        if rows.update(role=user_role_id()):
            audit.record(actor, "account.change_member", given.account, changes=changes, user=given.user)
            return True
    elif rows.delete()[0]:
        audit.record(actor, "account.remove_member", given.account, user=given.user, role=given.role.name)
        return True
    return False


def told(grant: Grant) -> dict[str, Any]:
    """A grant as events tell it."""
    place = Place.of_given(grant)
    return {
        "user": grant.user,
        "group": grant.group.name if grant.group else None,
        "role": grant.role.name,
        "scope": grant.scope,
        "in": getattr(place.row, "name", None) if place else None,
        "ends_at": grant.ends_at.isoformat() if grant.ends_at else None,
    }


def settle_ended(now: datetime | None = None) -> int:
    """Grants and memberships whose end has come: told once, with all that rested on them. Gives how many."""
    now = now or timezone.now()
    with transaction.atomic():
        due = Grant.objects.filter(ends_at__lte=now).exclude(once__startswith=ENDED)
        over = Membership.objects.filter(ends_at__lte=now)
        if not due.exists() and not over.exists():
            return 0
        lock_tree()
        lost: set[int] = set()
        ended: list[Given] = [*due.select_related("role", "user", "group")]
        for grant in ended:
            lost |= givers_among_holders(grant)
            end(TIME, grant)
        for row in over.select_related("role", "account", "user"):
            if Membership.objects.filter(pk=row.pk, ends_at__lte=now).delete()[0]:
                audit.record(TIME, "account.remove_member", row.account, user=row.user)
                lost.add(row.user_id)
                ended.append(row)
        recheck(lost)
    Grant.objects.filter(once__startswith=ENDED, ends_at__lt=now - timedelta(days=KEPT_DAYS)).delete()
    return len(ended)


def after_move(path: str | None) -> None:
    """What was given at or below a domain that hangs elsewhere now, by people who stayed above."""
    if path is None:
        return
    inside = Q(domain__path__within=path) | Q(account__domain__path__within=path)
    givers = set(_live_grants().filter(inside).values_list("granted_by", flat=True))
    members = _risen_memberships().filter(account__domain__path__within=path)
    givers |= set(members.values_list("granted_by", flat=True)) | _rule_writers()
    recheck(key for key in givers if key)


def after_account_move(account: Account) -> None:
    givers = set(_live_grants().filter(account=account).values_list("granted_by", flat=True))
    givers |= set(_risen_memberships().filter(account=account).values_list("granted_by", flat=True))
    givers |= _rule_writers()
    recheck(key for key in givers if key)


def forget_place(scope: str, key: int) -> None:
    """A place is removed: what was granted in it ends. Called in that transaction, before the row goes."""
    lock_tree()
    column = scope if scope in {"domain", "account"} else "place"
    rows = Grant.objects.filter(scope=scope, **{column: key}).select_related("role", "user", "group")
    lost: set[int] = set()
    for grant in rows:
        lost |= givers_among_holders(grant)
        end(Actor.system("its place is removed"), grant)
    recheck(lost)


def leave(actor: Actor, user: User) -> None:
    """Somebody is let in no longer, or goes for good: what they gave passes to who sees to that, as far as
    they hold it themselves; the system takes all. What was given to the remover passes to who had given
    it to the one that leaves. The rest ends. Called before the user is inactive."""
    rows: list[Given] = [
        *_live_grants().filter(granted_by=user),
        *_risen_memberships().filter(granted_by=user),
    ]
    before = held_by(user)
    own = held_by(actor.user) if actor.user else ()
    for given in rows:
        place = Place.of_given(given)
        if place is None:
            continue
        if actor.user is None:
            _pass_on(given, None)
        elif _is_held_by(given, actor.user):
            _pass_up(given, place, before)
        elif not held_lacks(own, given.role.allowed, place):
            _pass_on(given, actor.user.pk)
    answering.pass_on(actor, user)
    recheck([user.pk, *([actor.user.pk] if actor.user else [])])


def _is_held_by(given: Given, user: User) -> bool:
    if isinstance(given, Grant) and given.group_id is not None:
        return GroupMember.objects.filter(group=given.group_id, user=user).exists()
    return given.user_id == user.pk


def _pass_up(given: Given, place: Place, held: Iterable[Held]) -> None:
    for each in held:
        if not held_lacks([each], given.role.allowed, place):
            _pass_on(given, _giver_of(each))
            return


def _giver_of(held: Held) -> int | None:
    kind, _colon, key = held.via.partition(":")
    if kind == "flag":
        return None
    model = Grant if kind == "grant" else Membership
    giver: int | None = model._default_manager.values_list("granted_by", flat=True).get(pk=key)
    return giver


def _pass_on(given: Given, giver: int | None) -> None:
    type(given)._default_manager.filter(pk=given.pk).update(granted_by=giver)
