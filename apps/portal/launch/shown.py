"""A plan as pages show it: every change in plain words."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from apps.launch.plan import Action, Item, Plan
from apps.launch.told import KINDS

SHOWN = 300


def shown_items(plan: Plan) -> list[dict[str, Any]]:
    """The changes, at most SHOWN of them: a page of ten thousand rows helps nobody."""
    return [_shown(item) for item in plan.changes[:SHOWN]]


def _shown(item: Item) -> dict[str, Any]:
    return {
        "is_new": item.action is Action.CREATE,
        "kind": KINDS[item.kind],
        "name": item.part.region if item.kind == "region" else item.name,
        "within": item.within,
        "details": _details(item),
        "differences": [
            {"name": one.name, "before": _value(one.before), "after": _value(one.after)}
            for one in item.differences
        ],
    }


def _details(item: Item) -> str:
    """Of what is new: the one line that tells it from others."""
    part = item.part
    match item.kind:
        case "pod":
            return _("%(subnet)s, machines from %(start)s to %(end)s") % {
                "subnet": part.cidr,
                "start": part.guest[0],
                "end": part.guest[1],
            }
        case "cluster":
            return _("%(hypervisor)s, CPU %(cpu)s %%, memory %(memory)s %%") % {
                "hypervisor": part.hypervisor,
                "cpu": part.cpu_overcommit_percent,
                "memory": part.memory_overcommit_percent,
            }
        case "host":
            return f"{part.username}@{part.address}:{part.port}" if part.address else ""
        case "primary_storage" | "secondary_storage":
            return f"{part.server}:{part.path}" if part.server else str(part.path)
    return ""


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        return ", ".join(f"{name} = {one}" for name, one in value.items())
    return str(value)
