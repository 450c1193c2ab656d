"""Rules of a mapping: written, changed, put in order. What a rule says is in force only once it was
previewed and applied (`runs`).

A directory is a matter of the whole cloud, and so are its rules. A rule gives nothing that who writes it
does not hold: not the role, and not in that place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Max, Model

from apps.accounts import audit, policy
from apps.accounts.actor import Actor
from apps.accounts.counters import counted
from apps.accounts.directory import checks
from apps.accounts.directory.answering import place_of, require_answers
from apps.accounts.directory.rules import PLACEHOLDER, UID, placeholders
from apps.accounts.giving import Place, fresh_actor, require_gives
from apps.accounts.grants import checked_end
from apps.accounts.locks import lock_tree
from apps.accounts.models import Account, Directory, Domain, MappingRule, Role
from apps.accounts.quota_services import clean_limits
from apps.core.checks import clean_choice, clean_whole
from apps.core.constraints import delete, insert, update
from apps.core.errors import InvalidInput
from apps.core.names import clean_name

MAX_RULES = 200
FIELDS = (
    *("name", "match", "match_name", "match_value", "gives", "account", "domain", "template", "role"),
    *("place", "limits", "ends_at", "days_after_leaving", "enabled"),
)
"""What is set of a rule; `place` is the row of a grant's scope, or None for the whole cloud."""


@transaction.atomic
def add_rule(actor: Actor, directory: Directory, **given: Any) -> MappingRule:
    """A rule below those there are. It gives nothing before it is previewed and applied."""
    policy.require(actor, "mapping.change", directory)
    for needed in ("name", "match", "match_value", "gives", "role"):
        if not given.get(needed):
            raise InvalidInput("required", place=needed)
    rows = MappingRule.objects.filter(directory=directory)
    if rows.count() >= MAX_RULES:
        raise InvalidInput("too_many", place="name", limit=MAX_RULES)
    last = rows.aggregate(last=Max("position"))["last"] or 0
    row = MappingRule(directory=directory, position=last + 1)
    _set(actor, row, given)
    insert(row)
    audit.record(actor, "mapping.add_rule", row, **_told(row))
    return row


@transaction.atomic
def change_rule(actor: Actor, rule: MappingRule, **given: Any) -> MappingRule:
    """Whoever changes a rule holds what it gave as well as what it is to give, and answers for it now."""
    policy.require(actor, "mapping.change", rule)
    lock_tree()
    related = ("directory", "account__domain", "domain", "role__domain")
    rule = MappingRule.objects.select_related(*related).get(pk=rule.pk)
    require_answers(fresh_actor(actor), rule)
    before = _told(rule)
    _set(actor, rule, given)
    update(rule)
    changes = audit.compared(before, _told(rule))
    if changes:
        audit.record(actor, "mapping.change_rule", rule, changes=changes)
    return rule


@transaction.atomic
def remove_rule(actor: Actor, rule: MappingRule) -> None:
    """What it gave goes when the rules are applied without it: nobody takes away what they could not give."""
    policy.require(actor, "mapping.change", rule)
    require_answers(actor, rule)
    audit.record(actor, "mapping.remove_rule", rule, **_told(rule))
    delete(rule)


@transaction.atomic
def order_rules(actor: Actor, directory: Directory, *, rules: Sequence[UUID]) -> list[MappingRule]:
    """All rules of the directory, in the order in which they decide. What comes before another decides for
    people for whom that one did: it gives nothing that the actor does not hold."""
    policy.require(actor, "mapping.change", directory)
    lock_tree()
    actor = fresh_actor(actor)
    policy.require(actor, "mapping.change", directory)
    rows = MappingRule.objects.filter(directory=directory).order_by("position", "pk")
    found = {row.uuid: row for row in rows.select_related("role__domain", "account__domain", "domain")}
    if set(rules) != set(found) or len(rules) != len(found):
        raise InvalidInput("not_all_rules", place="rules")
    for uuid in _risen(list(found), list(rules)):
        require_answers(actor, found[uuid])
    for position, uuid in enumerate(rules, 1):
        found[uuid].position = position
    MappingRule.objects.bulk_update(found.values(), ["position"])
    audit.record(actor, "mapping.order", directory, rules=[found[uuid].name for uuid in rules])
    return [found[uuid] for uuid in rules]


def _risen(before: list[UUID], after: list[UUID]) -> list[UUID]:
    """Those that stand before any that they stood behind."""
    was = {uuid: place for place, uuid in enumerate(before)}
    return [
        uuid for place, uuid in enumerate(after) if any(was[other] < was[uuid] for other in after[place:])
    ]


def _set(actor: Actor, row: MappingRule, given: dict[str, Any]) -> None:
    for field in given:
        if field not in FIELDS:
            raise InvalidInput("unknown_field", place=field[:100], known=", ".join(FIELDS))
    for field, clean in _CLEAN.items():
        if field in given:
            setattr(row, field, clean(given[field]))
    _check_match(row)
    _set_gift(row, given)
    lock_tree()
    actor = fresh_actor(actor)
    require_gives(actor, row.role, place_of(row))
    require_answers(actor, row)
    row.changed_by, row.unanswered_at = actor.user, None


def _text(value: object, place: str, limit: int) -> str:
    if not isinstance(value, str):
        raise InvalidInput("not_text", place=place)
    if len(value) > limit:
        raise InvalidInput("too_long", place=place, limit=limit)
    return value.strip()


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise InvalidInput("not_a_choice", place="enabled", known="true, false")
    return value


def _limits(value: object) -> dict[str, int]:
    """By resource; null is none. A rule without any says nothing about limits."""
    if not isinstance(value, Mapping):
        raise InvalidInput("unknown_field", place="limits", known=", ".join(counted()))
    clean_limits(value)
    return {name: limit for name, limit in value.items() if limit is not None}


_CLEAN: dict[str, Callable[[Any], Any]] = {
    "name": clean_name,
    "match": lambda value: clean_choice(value, MappingRule.Match, place="match"),
    "match_name": lambda value: _text(value, "match_name", 200),
    "match_value": lambda value: _text(value, "match_value", 1000),
    "gives": lambda value: clean_choice(value, MappingRule.Gives, place="gives"),
    "template": lambda value: _text(value, "template", 100),
    "limits": _limits,
    "ends_at": lambda value: checked_end(_moment(value)),
    "days_after_leaving": lambda value: clean_whole(value, place="days_after_leaving", low=0, high=3650),
    "enabled": _truth,
}


def _moment(value: object) -> datetime | None:
    if value is not None and (not isinstance(value, datetime) or value.tzinfo is None):
        raise InvalidInput("not_a_moment", place="ends_at")
    return value


def _check_match(row: MappingRule) -> None:
    if not row.match_value:
        raise InvalidInput("required", place="match_value")
    if row.match == MappingRule.Match.OU:
        row.match_value, row.match_name = checks.clean_dn(row.match_value, place="match_value"), ""
    elif row.match == MappingRule.Match.ATTRIBUTE:
        row.match_name = _read_attribute(row.directory, row.match_name, "match_name")
    elif not row.match_name:
        row.match_name = row.match_value[:200]


def _read_attribute(directory: Directory, name: str, place: str) -> str:
    """As the directory's settings write it: what is not read of people matches nobody."""
    known = {each.lower(): each for each in directory.attributes}
    if name.lower() not in known:
        raise InvalidInput("attribute_not_read", place=place, known=", ".join(directory.attributes))
    return str(known[name.lower()])


def _set_gift(row: MappingRule, given: dict[str, Any]) -> None:
    for field in ("account", "domain", "role"):
        if field in given:
            setattr(row, field, given[field])
    if row.gives == MappingRule.Gives.ACCOUNT:
        row.domain, row.template, row.scope, row.place = None, "", "", None
        if row.account is None:
            raise InvalidInput("required", place="account")
    elif row.gives == MappingRule.Gives.TEMPLATE:
        row.account, row.scope, row.place = None, "", None
        if row.domain is None:
            raise InvalidInput("required", place="domain")
        row.template = _clean_template(row)
    else:
        row.account, row.domain, row.template, row.limits = None, None, "", {}
        if row.match != MappingRule.Match.GROUP:
            raise InvalidInput("roles_go_to_groups", place="match")
        if "place" in given or not row.scope:
            place: Model | None = given.get("place")
            row.scope, row.place = Place.of(place).scope, place.pk if place else None


def _clean_template(row: MappingRule) -> str:
    """A pattern names a person or a value: an account for everybody is there already, and is named."""
    names = placeholders(row.template)
    if not names:
        raise InvalidInput("no_placeholder", place="template")
    for name in names:
        if name != UID:
            _read_attribute(row.directory, name, "template")
    clean_name(PLACEHOLDER.sub("x", row.template), place="template")
    if set(PLACEHOLDER.sub("", row.template)) & set("{}"):
        raise InvalidInput("not_a_pattern_of_names", place="template")
    return str(row.template)


def _told(row: MappingRule) -> dict[str, Any]:
    """For events: what the rule says, without its keys."""
    where: Account | Domain | None = row.account or row.domain
    return {
        "match": row.match,
        "value": row.match_name if row.match == MappingRule.Match.GROUP else row.match_value,
        "gives": row.gives,
        "where": where.name if where else row.scope,
        "pattern": row.template,
        "role": role_name(row.role),
        "limits": dict(row.limits),
        "ends_at": row.ends_at,
        "days_after_leaving": row.days_after_leaving,
        "enabled": row.enabled,
    }


def role_name(role: Role) -> str:
    return str(role.key or role.name)
