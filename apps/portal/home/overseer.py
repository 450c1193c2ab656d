"""What the home shows besides to who looks after a domain, or after a part of the infrastructure: how it is
there, and where the lists of it are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.accounts.models import Account, Domain, Quota, Role, User
from apps.compute.capacity import capacity_of
from apps.compute.models import VirtualMachine
from apps.compute.states import State
from apps.core import keyset
from apps.portal.home.operator import hosts_in_trouble, jobs_in_trouble
from apps.portal.infrastructure.gauges import place_gauges
from apps.portal.resources import uses
from apps.zones.models import Host
from apps.zones.trouble import count_troubles

DOMAINS = 5
_STATES = (State.RUNNING, State.STOPPED, State.ERROR)
_BETWEEN = (State.STARTING, State.STOPPING, State.MIGRATING)


@dataclass(frozen=True, slots=True)
class Number:
    label: str | Promise
    text: str
    href: str


def overseer_context(actor: Actor) -> dict[str, Any]:
    """Nothing for who looks after neither."""
    reach = actor.reach("domain.read")
    governs = reach.everything or bool(reach.paths)
    runs = policy.somewhere(actor, "capacity.read")
    if not governs and not runs:
        return {}
    context: dict[str, Any] = {"oversees": True, "jobs_in_trouble": jobs_in_trouble(actor)}
    context |= {"machine_numbers": _machines(actor), "roles_held": _roles_held(actor)}
    if governs:
        domains = _topmost(actor)
        context |= {"tenants": _tenants(actor), "domains": [(row, _limits(row)) for row in domains]}
    if runs:
        whole = capacity_of(actor)
        hosts = policy.visible(actor, Host.objects.all())
        context |= {"whole": whole, "gauges": place_gauges(whole)}
        context |= hosts_in_trouble(whole, count_troubles(hosts=hosts))
    return context


def _number(label: str | Promise, rows: QuerySet[Any], href: str) -> Number:
    count = len(keyset.found(rows))
    most = keyset.TOTAL_CAP
    return Number(label, _("more than %(n)s") % {"n": most} if count > most else str(count), href)


def _machines(actor: Actor) -> list[Number]:
    rows = policy.visible(actor, VirtualMachine.objects.all())
    rows = rows.filter(policy.visible_joined(actor, VirtualMachine))
    there = reverse("portal:machines")
    found = [
        _number(state.label, rows.filter(state=state), f"{there}?state={state.value}") for state in _STATES
    ]
    between = f"{there}?state={','.join(state.value for state in _BETWEEN)}"
    return [*found, _number(_("On the way"), rows.filter(state__in=_BETWEEN), between)]


def _tenants(actor: Actor) -> list[Number]:
    people = User.objects.filter(kind=User.Kind.PERSON)
    return [
        _number(_("Domains"), policy.visible(actor, Domain.objects.all()), reverse("portal:domains")),
        _number(_("Accounts"), policy.visible(actor, Account.objects.all()), reverse("portal:accounts")),
        _number(_("People"), policy.visible(actor, people), reverse("portal:people")),
    ]


def _topmost(actor: Actor) -> list[Domain]:
    """With the row of each one's limits, if there is one."""
    rows = policy.reached(actor, "domain.read", Domain.objects.all())
    rows = rows.exclude(parent__in=policy.reached(actor, "domain.read", Domain.objects.all()))
    found = list(rows.order_by("path")[:DOMAINS])
    quotas = {row.domain_id: row for row in Quota.objects.filter(domain__in=found).select_related("domain")}
    for row in found:
        row.own_quota = quotas.get(row.pk)  # type: ignore[attr-defined]
    return found


def _limits(row: Domain) -> list[Any]:
    own: Quota | None = row.own_quota  # type: ignore[attr-defined]
    return [use for use in uses(own) if use.total is not None] if own else []


def _roles_held(actor: Actor) -> list[tuple[str, str]]:
    """Each role that reaches further than an account, and where; the whole cloud has no name."""
    held = [each for each in actor.held if each.scope != "account"]
    roles = Role.objects.in_bulk({each.role for each in held if each.role})
    names = {scope: _names(scope, held) for scope in {each.scope for each in held}}
    return [
        (str(roles[each.role].shown_name), names[each.scope].get(each.key or 0, ""))
        for each in held
        if each.role in roles
    ]


def _names(scope: str, held: Iterable[Any]) -> dict[int, str]:
    model = policy.place_models().get(scope)
    if model is None:
        return {}
    rows = model._default_manager.filter(pk__in=[each.key for each in held if each.scope == scope])
    return dict(rows.values_list("pk", "name"))
