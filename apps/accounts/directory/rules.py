"""Mapping rules as data: what a plan is made from, and what is kept of the rules that are in force."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from apps.accounts.models import MappingRule

PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
UID = "uid"
"""The placeholder of the user name: an account of one person."""


@dataclass(frozen=True, slots=True)
class RuleSpec:
    """A rule as the plan knows it; the fields are those of the model. Rows are named by their keys,
    `rule` by its public id."""

    rule: str
    name: str
    match: str
    match_name: str
    match_value: str
    gives: str
    role: int
    account: int | None = None
    domain: int | None = None
    template: str = ""
    scope: str = ""
    place: int | None = None
    limits: dict[str, int] = field(default_factory=dict)
    ends_at: str | None = None  # ISO 8601
    days_after_leaving: int = 0


def spec_of(row: MappingRule) -> RuleSpec:
    return RuleSpec(
        rule=str(row.uuid),
        name=row.name,
        match=row.match,
        match_name=row.match_name,
        match_value=row.match_value,
        gives=row.gives,
        role=row.role_id,
        account=row.account_id,
        domain=row.domain_id,
        template=row.template,
        scope=row.scope,
        place=row.place,
        limits=dict(row.limits),
        ends_at=row.ends_at.isoformat() if row.ends_at else None,
        days_after_leaving=row.days_after_leaving,
    )


def as_data(specs: Iterable[RuleSpec]) -> list[dict[str, Any]]:
    return [asdict(spec) for spec in specs]


def from_data(stored: Sequence[dict[str, Any]]) -> tuple[RuleSpec, ...]:
    return tuple(RuleSpec(**each) for each in stored)


def digest(value: object) -> str:
    """Of any JSON value: equal values have one digest."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def placeholders(template: str) -> list[str]:
    return PLACEHOLDER.findall(template)


def fill(template: str, values: dict[str, str]) -> str:
    """The pattern with its placeholders filled; a value is never read as a pattern again."""
    return PLACEHOLDER.sub(lambda found: values.get(found[1], ""), template)
