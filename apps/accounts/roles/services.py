"""Custom roles: made, copied, changed, removed. Who makes or changes one holds all that it allows, in all of
its domain, so that no role is a way to more."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q

from apps.accounts import audit, policy
from apps.accounts.actor import Actor
from apps.accounts.giving import Given, Place, actor_lacks, fresh_actor, held_lacks, short
from apps.accounts.held import held_by_each
from apps.accounts.locks import lock_tree
from apps.accounts.models import Domain, Grant, Membership, Role, User
from apps.accounts.recheck import ENDED, givers_among_holders, recheck
from apps.accounts.roles.rules import Rules, checked, known
from apps.core.constraints import delete, insert, update
from apps.core.errors import InvalidInput, ObjectInUse, PermissionDenied, StateConflict
from apps.core.names import clean_name

ABOUT = 500
TOLD = 5


@transaction.atomic
def create_role(
    actor: Actor, *, name: str, rules: object, about: str = "", domain: Domain | None = None
) -> Role:
    """A role of a domain, or of the whole cloud. It gives nothing until it is granted."""
    policy.require(actor, "role.create", domain)
    lock_tree()
    actor = fresh_actor(actor)
    policy.require(actor, "role.create", domain)
    row = Role(name=clean_name(name), about=_about(about), domain=domain, rules=checked(rules))
    _require_holds(actor, row)
    role = insert(row)
    audit.record(actor, "role.create", role, rules=role.rules, domain=domain.name if domain else None)
    return role


def copy_role(actor: Actor, role: Role, *, name: str, domain: Domain | None = None) -> Role:
    """A custom role with the rules of another, also of one that is ready."""
    if not policy.sees(actor, role):
        policy.require(actor, "role.read", role)
    about = str(role.shown_about)[:ABOUT]
    return create_role(actor, name=name, about=about, rules=known(role.pairs), domain=domain)


@transaction.atomic
def change_role(
    actor: Actor,
    role: Role,
    *,
    name: str | None = None,
    about: str | None = None,
    rules: object = None,
) -> Role:
    """Whoever holds the role holds it as it is now. Where the one who gave it does not hold the new rules,
    who changes them answers for it from now on; what somebody gave by the old ones is judged anew."""
    if role.key is not None:
        raise StateConflict(reason="role_is_ready_made")
    policy.require(actor, "role.change", role)
    lock_tree()
    actor = fresh_actor(actor)
    row = Role.objects.select_related("domain").get(pk=role.pk)
    policy.require(actor, "role.change", row)
    new = {
        "name": row.name if name is None else clean_name(name),
        "about": row.about if about is None else _about(about),
        "rules": row.rules if rules is None else checked(rules),
    }
    changes = audit.changed(row, **new)
    if not changes:
        return row
    for field, value in new.items():
        setattr(row, field, value)
    _require_holds(actor, row)
    update(row, "name", "name_key", "name_sort", "about", "rules")
    audit.record(actor, "role.change", row, changes=changes)
    if "rules" in changes:
        _settle(actor, row)
    return row


def _require_holds(actor: Actor, role: Role) -> None:
    if missing := actor_lacks(actor, Rules.of(role.rules), Place.of(role.domain)):
        raise PermissionDenied(place="rules", reason="more_than_you_hold", permissions=short(missing))


def _settle(actor: Actor, role: Role) -> None:
    given = _given(role)
    givers = {row.granted_by_id for row in given if row.granted_by_id}
    held = held_by_each(User.objects.filter(pk__in=givers))
    for row in given:
        place = Place.of_given(row)
        if row.granted_by_id is None or place is None or (actor.user and row.user_id == actor.user.pk):
            continue
        if held_lacks(held.get(row.granted_by_id, ()), role.allowed, place):
            by = actor.user.pk if actor.user else None
            type(row)._default_manager.filter(pk=row.pk).update(granted_by=by)
    holders = {holder for row in given for holder in givers_among_holders(row)}
    recheck(givers | holders | ({actor.user.pk} if actor.user else set()))


def _given(role: Role) -> list[Given]:
    grants = Grant.objects.in_force().filter(role=role).select_related("role", "domain")
    members = Membership.objects.filter(role=role).select_related("role", "account__domain", "user")
    return [*grants, *members]


@transaction.atomic
def remove_role(actor: Actor, role: Role) -> None:
    """A role that nobody holds. ObjectInUse says where it is held, as far as the actor may know."""
    if role.key is not None:
        raise StateConflict(reason="role_is_ready_made")
    policy.require(actor, "role.remove", role)
    lock_tree()
    policy.require(fresh_actor(actor), "role.remove", role)
    given = _given(role)
    if given:
        raise ObjectInUse(reason="role_is_held", held=len(given), where=_where(actor, role) or "…")
    Grant.objects.filter(Q(once__startswith=ENDED) | ~Q(ends_at=None), role=role).delete()
    audit.record(actor, "role.remove", role)
    delete(role)


def _where(actor: Actor, role: Role) -> str:
    seen = policy.visible(actor, Grant.objects.in_force()).filter(role=role)
    places = [Place.of_given(row) for row in seen.order_by("pk")[:TOLD]]
    members = Membership.objects.filter(role=role).select_related("account").order_by("pk")[:TOLD]
    rows = [place.row for place in places if place] + [
        row.account for row in members if policy.sees(actor, row.account)
    ]
    return ", ".join(dict.fromkeys(str(row) if row else "*" for row in rows))


def _about(text: str) -> str:
    if not isinstance(text, str):
        raise InvalidInput("not_text", place="about")
    return clean_name(text, place="about", limit=ABOUT) if text.strip() else ""
