"""Rules and runs in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as say

from apps.accounts.directory.answering import place_row
from apps.accounts.directory.changes import ORDER, TAKING
from apps.accounts.directory.differences import differences
from apps.accounts.models import MappingRule, SyncChange, SyncRun
from apps.core.errors import InvalidInput
from apps.core.words.directories import CHANGES, HELD, NOTES
from apps.portal.events.shown import differences_of


@dataclass(frozen=True)
class Count:
    kind: str
    label: str | Promise
    count: int
    takes: bool


def matches_of(rule: MappingRule) -> str:
    label = str(rule.get_match_display())
    if rule.match == MappingRule.Match.GROUP:
        return f"{label}: {rule.match_name}"
    if rule.match == MappingRule.Match.OU:
        return f"{label}: {rule.match_value}"
    return f"{label}: {rule.match_name} = {rule.match_value}"


def gives_of(rule: MappingRule) -> str:
    role = rule.role.shown_name
    if rule.account is not None:
        return say("%(role)s of the account %(account)s") % {"role": role, "account": rule.account.name}
    if rule.domain is not None:
        given = {"role": role, "pattern": rule.template, "domain": rule.domain.name}
        return say("%(role)s of an account “%(pattern)s” in %(domain)s") % given
    try:
        place = place_row(rule)
    except InvalidInput:
        return say("%(role)s for the group, in a place that is gone") % {"role": role}
    if place is None:
        return say("%(role)s in the whole cloud, for the group") % {"role": role}
    return say("%(role)s in %(place)s, for the group") % {"role": role, "place": place}


def counts_of(run: SyncRun) -> list[Count]:
    return [
        Count(kind, CHANGES[kind], run.counts[kind], kind in TAKING) for kind in ORDER if run.counts.get(kind)
    ]


def by_rule(run: SyncRun) -> list[tuple[str, int]]:
    """How many of the kept changes are each rule's."""
    names = {spec["rule"]: spec["name"] for spec in run.rules}
    counts = Counter(run.changes.exclude(rule="").values_list("rule", flat=True))
    return [(names[rule], count) for rule, count in counts.most_common() if rule in names]


def held_of(run: SyncRun) -> list[str]:
    return [str(HELD[reason["code"]]) % reason for reason in run.held if reason["code"] in HELD]


def notes_of(run: SyncRun) -> list[tuple[str, str, str]]:
    """Whom it is about, why, and the rule's name."""
    names = {spec["rule"]: spec["name"] for spec in run.rules}
    return [
        (name, str(NOTES[reason]) % {"about": about}, names.get(rule, ""))
        for reason, name, rule, about in run.notes
        if reason in NOTES
    ]


def rows_of(changes: Sequence[SyncChange]) -> list[dict[str, Any]]:
    """Changes for a table: people of a group by name, a membership's role and limits from what to what."""
    told = differences(changes, lambda role: str(role.shown_name))
    return [
        {
            "name": change.name,
            "people": change.data.get("names", []),
            "kind": CHANGES.get(change.kind, change.kind),
            "told": differences_of(found),
        }
        for change, found in zip(changes, told, strict=True)
    ]
