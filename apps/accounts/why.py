"""Why somebody may not, or may: what decided it, by which role and rule and where, and who could change it.

An explanation is data; its words come with it. It tells of the asker's own roles alone, and names others only
where they are admins of the very place."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from django.db.models import Model, Q
from django.utils.translation import gettext as _

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.accounts.held import Held, held_by_each
from apps.accounts.models import Account, Domain, Grant, Membership, Role, User
from apps.accounts.reach import Reach
from apps.accounts.roles.rules import Rules
from apps.accounts.scopes import Rows, place_models, scope_of, value_of
from apps.core.trees import keys_of
from apps.core.words.permissions import PERMISSIONS

NAMED = 5
ASKED = 300
SCOPE_WORDS = {each.value: each.label for each in Grant.Scope}


@dataclass(frozen=True)
class Path:
    """One role that says something: the number of its rule from 1, 0 where none matches."""

    role: str
    scope: str
    place: str
    rule: int
    effect: str
    pattern: str
    via: str
    reaches: bool


@dataclass(frozen=True)
class Why:
    """`decided_by` is "role", "denied", "elsewhere", "nothing", "token", "above", "ended" or
    "inactive"."""

    permission: str
    words: str
    allowed: bool
    decided_by: str
    text: str
    paths: tuple[Path, ...] = ()
    who_may: tuple[str, ...] = ()
    ended_at: str | None = field(default=None)

    def data(self) -> dict[str, Any]:
        return asdict(self)


def why(actor: Actor, permission: str, obj: Model | None = None, *, names: bool = True) -> Why:
    """Of the actor's own rights; what the system may needs no reason. Without `names` nobody is looked for
    who could grant it."""
    words = str(PERMISSIONS.get(permission, permission))
    allowed = policy.may(actor, permission, obj)
    paths = tuple(_paths(actor, permission, obj))
    decided, text, ended = _decided(actor, permission, obj, paths, allowed=allowed)
    looked_for = names and not allowed
    who = tuple(user.username for user in who_may(permission, obj)) if looked_for else ()
    return Why(permission, words, allowed, decided, text, paths, who, ended)


def _paths(actor: Actor, permission: str, obj: Model | None) -> list[Path]:
    """What each role of the actor's says of it, those that reach the object first."""
    found = []
    roles = {
        row.pk: row for row in Role.objects.filter(pk__in={each.role for each in actor.held if each.role})
    }
    for held in actor.held:
        rule = held.rules.decided_by(permission)
        role: Role | None = roles.get(held.role or 0)
        found.append(
            Path(
                role=role.shown_name if role else _("Super admin"),
                scope=str(SCOPE_WORDS[held.scope]),
                place=_name_of(held),
                rule=held.rules.rules.index(rule) + 1 if rule else 0,
                effect=rule.effect if rule else "",
                pattern=rule.pattern if rule else "",
                via=held.via.partition(":")[0],
                reaches=holds(held, obj),
            )
        )
    return sorted(found, key=lambda path: (not path.reaches, path.effect != "allow", path.effect != "deny"))


def _name_of(held: Held) -> str:
    model = place_models().get(held.scope)
    row = model._default_manager.filter(pk=held.key).first() if model else None
    return str(row) if row else ""


def holds(held: Held, obj: Model | None) -> bool:
    """Whether the object lies in the scope of a role."""
    reach = Reach.of([held], {})
    if reach.everything or obj is None:
        return reach.everything
    return scope_of(type(obj)).governs(reach, obj)


def _decided(
    actor: Actor, permission: str, obj: Model | None, paths: tuple[Path, ...], *, allowed: bool
) -> tuple[str, str, str | None]:
    first = next((path for path in paths if path.effect == "allow" and path.reaches), None)
    denied = next((path for path in paths if path.effect == "deny" and path.reaches), None)
    elsewhere = next((path for path in paths if path.effect == "allow" and not path.reaches), None)
    if not policy.is_there(actor):
        return "inactive", _("This user is not let in."), None
    if allowed:
        return "role", _said(first, _("The role “%(role)s” allows it (rule %(rule)s).")), None
    if first is not None and actor.limits is not None:
        return "token", _("Your role allows it, but the token that you use does not."), None
    if policy.above(actor, permission, obj):
        return "above", _("It is about rights that are more than you hold."), None
    if (ended := _ended(actor, permission, obj)) is not None and ended.ends_at is not None:
        day = f"{ended.ends_at:%Y-%m-%d}"
        said = _("Your role “%(role)s” allowed it until %(day)s.")
        return "ended", said % {"role": ended.role.shown_name, "day": day}, ended.ends_at.isoformat()
    return *_refused_by(denied, elsewhere), None


def _refused_by(denied: Path | None, elsewhere: Path | None) -> tuple[str, str]:
    if denied is not None:
        return "denied", _said(denied, _("Rule %(rule)s of your role “%(role)s” denies it."))
    if elsewhere is not None:
        said = _("Your role “%(role)s” allows it, but only there: %(scope)s %(place)s.")
        return "elsewhere", _said(elsewhere, said).replace(" .", ".")
    return "nothing", _("No role of yours allows it here.")


def _said(path: Path | None, text: str) -> str:
    given = asdict(path) if path else {"role": "", "rule": "", "scope": "", "place": ""}
    return text % given


def _ended(actor: Actor, permission: str, obj: Model | None) -> Grant | None:
    """The latest of the actor's grants that allowed it there and is over."""
    if actor.user is None:
        return None
    live = Grant.objects.in_force().values("pk")
    mine = Grant.objects.filter(Q(user=actor.user) | Q(group__members=actor.user)).exclude(pk__in=live)
    for grant in mine.select_related("role", "domain").order_by("-ends_at")[:50]:
        path = (grant.domain.path or "") if grant.domain else ""
        held = Held(grant.role.allowed, grant.role_id, grant.scope, grant.place_id, path, "grant")
        if held.rules.allows(permission) and holds(held, obj):
            return grant
    return None


def who_may(permission: str, obj: Model | None = None) -> list[User]:
    """At most five who hold it at the object and may grant roles there, those of the nearest scope first."""
    line = _line(obj)
    near = {place: number for number, place in enumerate(line)}
    candidates = User.objects.filter(pk__in=_candidates(line), is_active=True).order_by("pk")[:ASKED]
    found: list[tuple[int, str, User]] = []
    users = {user.pk: user for user in candidates}
    for key, held in held_by_each(users.values()).items():
        distance = [
            near[scope]
            for each in held
            if each.rules.allows(permission) and (scope := (each.scope, each.key)) in near
        ]
        grants = any(each.rules.allows("grant.create") and (each.scope, each.key) in near for each in held)
        if distance and grants and _may_both(users[key], permission, obj):
            found.append((min(distance), users[key].username, users[key]))
    return [user for _near, _name, user in sorted(found, key=lambda one: one[:2])[:NAMED]]


def _may_both(user: User, permission: str, obj: Model | None) -> bool:
    actor = Actor(user)
    return policy.may(actor, permission, obj) and policy.may(actor, "grant.create", obj)


def _line(obj: Model | None) -> list[tuple[str, int | None]]:
    """The scopes that the object lies in, from its own account or host outwards."""
    found: list[tuple[str, int | None]] = []
    domain: Domain | None = None
    scope = scope_of(type(obj)) if obj is not None else None
    if isinstance(obj, User):
        account = obj.accounts.select_related("domain").first()
        if account is not None:
            found, domain = [("account", account.pk)], account.domain
    elif isinstance(obj, Grant | Role):
        domain = obj.domain
    elif isinstance(scope, Rows):
        key = value_of(obj, scope.account) if scope.account else None
        account = Account.objects.select_related("domain").filter(pk=key).first() if key else None
        if account is not None:
            found, domain = [("account", account.pk)], account.domain
        elif scope.domain:
            path = value_of(obj, scope.domain)
            domain = Domain.objects.filter(path=path).first() if path else None
        for place in ("host", "cluster", "zone", "region"):
            if place in scope.places and (at := value_of(obj, scope.places[place])):
                found.append((place, at))
    found += [("domain", key) for key in reversed(keys_of(domain.path))] if domain else []
    return [*found, ("global", None)]


def _candidates(line: list[tuple[str, int | None]]) -> set[int]:
    condition = Q(pk__in=[])
    for scope, key in line:
        column = {"global": None, "account": "account", "domain": "domain"}.get(scope, "place")
        condition |= Q(scope=scope, **({column: key} if column else {}))
    rows = Grant.objects.in_force().filter(condition).select_related("role").order_by("pk")
    able = [row for row in rows[:ASKED] if row.role.allowed.allows("grant.create")]
    found = {row.user_id for row in able if row.user_id}
    for row in able:
        if row.group_id:
            found |= set(User.objects.filter(member_of=row.group_id).values_list("pk", flat=True)[:ASKED])
    account = next((key for scope, key in line if scope == "account"), None)
    members = Membership.objects.filter(account=account).select_related("role") if account else []
    found |= {row.user_id for row in members if row.role.allowed.allows("grant.create")}
    return found | set(User.objects.filter(is_super_admin=True).values_list("pk", flat=True)[:ASKED])


def verdicts(rules: Rules) -> dict[str, int]:
    """For every permission the number of the rule that decides, negative where it denies, 0 for none."""
    found = {}
    for permission in PERMISSIONS:
        rule = rules.decided_by(permission)
        number = rules.rules.index(rule) + 1 if rule else 0
        found[permission] = number if rule is None or rule.effect == "allow" else -number
    return found
