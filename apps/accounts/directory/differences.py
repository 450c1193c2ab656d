"""What a planned change of a membership sets, from what to what, for readers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from apps.accounts import audit
from apps.accounts.directory.mapping import role_name
from apps.accounts.models import Quota, Role, SyncChange

Differences = dict[str, list[Any]]
_GIVEN = frozenset({"membership.add", "membership.change"})


def differences(
    changes: Iterable[SyncChange], called: Callable[[Role], str] = role_name
) -> list[Differences]:
    """Of each change its fields with what was and what will be; one query for the roles of all. A rule that
    says nothing about limits leaves those there are."""
    data = [change.data if change.kind in _GIVEN else {} for change in changes]
    keys = {side.get("role") for each in data for side in (each, each.get("before", {}))}
    roles = {row.pk: called(row) for row in Role.objects.filter(pk__in=keys - {None})} if keys else {}
    return [_of(each, roles) for each in data]


def _of(data: Mapping[str, Any], roles: Mapping[int, str]) -> Differences:
    if "role" not in data:
        return {}
    before = data.get("before", {})
    found = audit.compared(_side(before, roles), _side(data, roles))
    limits, was = data.get("limits") or {}, before.get("limits") or {}
    if limits:
        pairs = {name: (was.get(name), limits.get(name)) for name in Quota.RESOURCES}
        found |= {f"max_{name}": list(pair) for name, pair in pairs.items() if pair[0] != pair[1]}
    return found


def _side(side: Mapping[str, Any], roles: Mapping[int, str]) -> dict[str, Any]:
    return {"role": roles.get(side.get("role", 0)), "ends_at": side.get("ends_at")}
