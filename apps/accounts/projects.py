"""Projects: begun, described, suspended, ended, handed over, left."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from apps.accounts import audit, background, closing, policy
from apps.accounts.actor import Actor
from apps.accounts.giving import Place, fresh_actor, require_gives
from apps.accounts.limits import Limits
from apps.accounts.locks import lock_tree
from apps.accounts.members import require_above
from apps.accounts.models import (
    Account,
    Domain,
    Membership,
    Project,
    ProjectRules,
    Standing,
    User,
)
from apps.accounts.quota_services import clean_limits, open_quota
from apps.accounts.recheck import recheck
from apps.accounts.roles.ready import PROJECT_ADMIN, USER, ready
from apps.accounts.standing import require_active, verdict
from apps.core.constraints import insert, update
from apps.core.errors import InvalidInput, PermissionDenied, StateConflict
from apps.core.names import clean_name

MAX_DESCRIPTION = 1000
FARTHEST = timedelta(days=3660)
MAX_PER_PERSON = 100


# Who may begin one.


def rules_of(domain: Domain) -> ProjectRules:
    """Those of the domain or of the nearest one above that has any; without any nobody begins a project."""
    found = {row.domain_id: row for row in ProjectRules.objects.filter(domain__in=domain.ancestor_ids())}
    nearest = next((key for key in reversed(domain.ancestor_ids()) if key in found), None)
    return found[nearest] if nearest is not None else ProjectRules(domain=domain)


def own_left(actor: Actor, domain: Domain) -> int:
    """How many projects more this person may begin there by themselves."""
    rules = rules_of(domain)
    if actor.user is None or not rules.self_service or not _may_by_themselves(actor, domain):
        return 0
    begun = Project.objects.filter(begun_by=actor.user, account__domain__path__within=rules.domain.path)
    return max(0, rules.per_person - begun.count())


def _may_by_themselves(actor: Actor, domain: Domain) -> bool:
    """Somebody of this very domain, by a membership in force; a token that is narrowed to accounts or
    verbs begins nothing."""
    limits = actor.limits
    if limits is not None and (limits.account_ids is not None or not limits.allow("project.create")):
        return False
    mine = Account.objects.filter(pk__in=actor.account_ids, domain=domain, kind=Account.Kind.TENANT)
    return actor.user is not None and actor.user.is_active and mine.exists()


def domains_for(actor: Actor) -> QuerySet[Domain]:
    """Where this actor may begin a project."""
    reach = actor.reach("project.create")
    if reach.everything:
        return Domain.objects.order_by("name_sort", "pk")
    by_role = policy.scope_of(Domain).where(reach)
    mine = Domain.objects.filter(accounts__in=actor.account_ids).distinct()
    by_rules = [domain.pk for domain in mine if own_left(actor, domain)]
    return Domain.objects.filter(by_role | Q(pk__in=by_rules)).order_by("name_sort", "pk")


@transaction.atomic
def set_rules(
    actor: Actor, domain: Domain, *, self_service: bool, per_person: int, limits: Mapping[str, int | None]
) -> ProjectRules:
    """Say what people of the domain, and of those below without rules of their own, begin by themselves: no
    more than who says so could give each of them by hand."""
    policy.require(actor, "project.set_rules", domain)
    if limits:
        policy.require(actor, "quota.set", domain)
    if self_service:
        policy.require(actor, "project.create", domain)
        require_gives(actor, ready(PROJECT_ADMIN), Place.of(domain))
    if not 1 <= per_person <= MAX_PER_PERSON:
        raise InvalidInput("out_of_range", place="per_person", low=1, high=MAX_PER_PERSON)
    kept = {name: limit for name, limit in _checked(limits).items() if limit is not None}
    given = {"self_service": self_service, "per_person": per_person, "limits": kept}
    row, _new = ProjectRules.objects.update_or_create(domain=domain, defaults=given)
    audit.record(actor, "project.set_rules", domain, **given)
    return row


@transaction.atomic
def create_project(
    actor: Actor,
    *,
    name: str,
    domain: Domain,
    description: str = "",
    ends_on: date | None = None,
    owner: User | None = None,
    limits: Mapping[str, int | None] | None = None,
) -> Project:
    """A project with an account of its own, run by its `owner`: whoever begins it, if nobody is named.
    Without a role that lets them, people begin what the domain's rules allow, with the limits of these."""
    by_role = policy.may(actor, "project.create", domain)
    if not by_role:
        lock_tree()  # two at once, in whatever domains, are counted one by one
        actor = fresh_actor(actor)
        domain = Domain.objects.get(pk=domain.pk)
        if not own_left(actor, domain):
            _refuse_more(actor, domain)
        owner, given = actor.user, dict(rules_of(domain).limits)
        if limits:
            policy.require(actor, "quota.set", domain)
    else:
        given = _checked(limits or {}) or dict(rules_of(domain).limits)
        if limits:
            policy.require(actor, "quota.set", domain)
    require_active(domain)
    _check_end(ends_on)
    account = insert(Account(name=clean_name(name), domain=domain, kind=Account.Kind.PROJECT))
    row = open_quota(account)
    for column, limit in clean_limits(given).items():
        setattr(row, column, limit)
    row.save()
    project = Project.objects.create(
        account=account, description=_described(description), ends_on=ends_on, begun_by=actor.user
    )
    _appoint(actor, account, owner, by_role=by_role)
    audit.record(actor, "project.create", account, description=project.description, ends_on=_day(ends_on))
    return project


def _checked(limits: Mapping[str, int | None]) -> dict[str, int | None]:
    return {name.removeprefix("max_"): limit for name, limit in clean_limits(limits).items()}


def _refuse_more(actor: Actor, domain: Domain) -> None:
    rules = rules_of(domain)
    if rules.self_service and _may_by_themselves(actor, domain):
        raise StateConflict(reason="no_more_projects", limit=rules.per_person)
    policy.require(actor, "project.create", domain)


def _appoint(actor: Actor, account: Account, owner: User | None, *, by_role: bool) -> None:
    """Who runs it. What the domain's rules give, nobody answers for; what an administrator gives, they do."""
    owner = owner or actor.user
    if owner is None:
        raise InvalidInput("owner_needed", place="owner")
    role = ready(PROJECT_ADMIN)
    if by_role:
        require_gives(actor, role, Place.of(account))
    granted_by = actor.user if by_role else None
    Membership.objects.create(user=owner, account=account, role=role, granted_by=granted_by)


# What it is for, and until when.


@transaction.atomic
def change_project(
    actor: Actor, project: Project, *, name: str | None = None, description: str | None = None
) -> Project:
    """Rename it, or say anew what it is for."""
    account = project.account
    policy.require(actor, "project.change", account)
    before = {"name": account.name, "description": project.description}
    if name is not None and clean_name(name) != account.name:
        account.name = clean_name(name)
        update(account, "name", "name_key", "name_sort")
    if description is not None:
        project.description = _described(description)
        update(project, "description")
    after = {"name": account.name, "description": project.description}
    changed = [key for key in after if after[key] != before[key]]
    if changed:
        told = {
            "before": {key: before[key] for key in changed},
            "after": {key: after[key] for key in changed},
        }
        audit.record(actor, "project.change", account, **told)
    return project


def _described(text: str) -> str:
    """Lines may be empty, but no character is there that nobody sees."""
    if not text.strip():
        return ""
    lines = [clean_name(line, place="description", limit=MAX_DESCRIPTION) for line in text.split() if line]
    said = " ".join(lines)
    if len(said) > MAX_DESCRIPTION:
        raise InvalidInput("too_long", place="description", limit=MAX_DESCRIPTION)
    return said


@transaction.atomic
def set_end(actor: Actor, project: Project, *, ends_on: date | None) -> Project:
    """Set its last day. To end it earlier is for who runs it; later, or never, for who looks after the
    domain: a project does not prolong itself."""
    _lock(project)
    later = project.ends_on is not None and (ends_on is None or ends_on > project.ends_on)
    policy.require(actor, "project.extend" if later else "project.set_end", project.account)
    if ends_on == project.ends_on:
        return project
    _check_end(ends_on)
    before, project.ends_on = project.ends_on, ends_on
    project.warned_days = project.ended_at = None
    update(project, "ends_on", "warned_days", "ended_at")
    told = {"before": {"ends_on": _day(before)}, "after": {"ends_on": _day(ends_on)}}
    audit.record(actor, "project.set_end", project.account, **told)
    return project


def _check_end(ends_on: date | None) -> None:
    today = timezone.now().date()
    if ends_on is not None and not today <= ends_on <= today + FARTHEST:
        last = today + FARTHEST
        raise InvalidInput("out_of_range", place="ends_on", low=today.isoformat(), high=last.isoformat())


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None


# Suspended, and working again.


@transaction.atomic
def suspend(actor: Actor, project: Project) -> Project:
    """Stop its machines and let nothing be started or made. Who runs it can take that back, unless it was
    somebody who looks after the domain: then only they can."""
    account = _lock(project)
    policy.require(actor, "project.suspend", account)
    from_above = policy.may(actor, "account.enable", account)
    if account.standing == Standing.CLOSING:
        raise StateConflict(reason="project_closing")
    if account.standing == Standing.ACTIVE:
        stop_work(actor, account)
        project.paused_at = None if from_above else account.disabled_at
    elif from_above and project.is_paused:
        project.paused_at = None
    else:
        return project
    update(project, "paused_at")
    audit.record(actor, "project.suspend", account)
    return project


def stop_work(actor: Actor, account: Account) -> None:
    """Disable the account, and have its machines stopped."""
    account.disabled_at = timezone.now()
    update(account, "disabled_at")
    keys = [closing.halt_lock_of(account)]
    background.submit(actor, "account.halt", account, account=account, lock_keys=keys, on_busy="join")


@transaction.atomic
def resume(actor: Actor, project: Project) -> Project:
    """Let it work again. What was stopped stays so until somebody starts it. Once its last day has passed it
    needs a later one first."""
    account = _lock(project)
    policy.require(actor, "project.resume", account)
    if account.standing != Standing.DISABLED:
        return project
    if not project.is_paused:
        policy.require(actor, "account.enable", account)
    days = project.days_left()
    if days is not None and days < 0:
        raise StateConflict(reason="project_is_over", day=_day(project.ends_on))
    account.disabled_at = project.paused_at = None
    update(account, "disabled_at")
    update(project, "paused_at")
    audit.record(actor, "project.resume", account)
    return project


# Who runs it.


def admins(account: Account) -> QuerySet[Membership]:
    """Memberships in force of active people who run it."""
    in_force = Q(ends_at=None) | Q(ends_at__gt=timezone.now())
    rows = account.memberships.filter(in_force, role__key=PROJECT_ADMIN, user__is_active=True)
    return rows.select_related("user").order_by("user__username")


@transaction.atomic
def hand_over(actor: Actor, project: Project, *, to: User, leave: bool = False) -> Project:
    """Another member runs it from now on, as long as who hands it over would have. These stay as an ordinary
    member, or leave. No sync of a directory takes any of it back."""
    account = _lock(project)
    actor = fresh_actor(actor)
    policy.require(actor, "project.hand_over", account)
    if verdict(account).standing == Standing.CLOSING:
        raise StateConflict(reason="project_closing")
    heir = account.memberships.filter(user=to, user__is_active=True).first()
    if heir is None or (actor.user is not None and to.pk == actor.user.pk):
        raise InvalidInput("not_another_member", place="to")
    require_above(actor, heir)
    require_gives(actor, ready(PROJECT_ADMIN), Place.of(account))
    mine = admins(account).filter(user=actor.user).first() if actor.user else None
    heir.role, heir.ends_at = ready(PROJECT_ADMIN), mine.ends_at if mine else None
    heir.granted_by = mine.granted_by if mine else actor.user
    heir.directory = heir.rule = None
    heir.save(update_fields=["role", "ends_at", "granted_by", "directory", "rule"])
    if mine is not None:
        _step_down(mine, to, leave=leave)
    audit.record(actor, "project.hand_over", account, to=to, left=leave and mine is not None)
    return project


def _step_down(mine: Membership, heir: User, *, leave: bool) -> None:
    """What they gave here passes to who runs it now; what they gave elsewhere on the strength of it ends."""
    account, user = mine.account, mine.user_id
    for given in (account.memberships, account.grants):
        given.filter(granted_by=user).exclude(user=heir).update(granted_by=heir)
    if leave:
        mine.delete()
    else:
        mine.role, mine.directory, mine.rule = ready(USER), None, None
        mine.save(update_fields=["role", "directory", "rule"])
    recheck([user])


@transaction.atomic
def leave(actor: Actor, project: Project) -> None:
    """Belong to it no longer. The last one who runs it hands it over first."""
    account = _lock(project)
    mine = account.memberships.filter(user=actor.user).first() if actor.user else None
    if mine is None or not _lets_go(actor.limits, account):
        policy.require(actor, "account.read", account)
        raise PermissionDenied(permission="project.leave")
    others = admins(account).exclude(pk=mine.pk)
    if mine.role.key == PROJECT_ADMIN:
        if not others.exists():
            raise StateConflict(reason="last_admin")
        _step_down(mine, others[0].user, leave=True)
    else:
        mine.delete()
        recheck([mine.user_id])
    audit.record(actor, "project.leave", account)


def _lets_go(limits: Limits | None, account: Account) -> bool:
    """A token kept to other acts, or to other accounts, leaves nothing."""
    if limits is None:
        return True
    return limits.allow("project.leave") and (limits.account_ids is None or account.pk in limits.account_ids)


def _lock(project: Project) -> Account:
    """The account as it is now; nobody else changes who belongs to it, or how it stands, until the
    transaction ends."""
    lock_tree()
    account = Account.objects.select_for_update(of=("self",)).select_related("domain").get(pk=project.pk)
    project.refresh_from_db()
    project.account = account
    return account
