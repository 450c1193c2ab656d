"""Plans and findings in words, for pages, programs and shells alike."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.core.messages import explain
from apps.launch.findings import Finding
from apps.launch.plan import Action, Item, Plan

KINDS = {
    "region": gettext_lazy("Region"),
    "zone": gettext_lazy("Zone"),
    "pod": gettext_lazy("Pod"),
    "cluster": gettext_lazy("Cluster"),
    "host": gettext_lazy("Host"),
    "primary_storage": gettext_lazy("Primary storage"),
    "secondary_storage": gettext_lazy("Secondary storage"),
}


def told_finding(finding: Finding) -> dict[str, Any]:
    words = explain(finding.code, finding.params)
    return {
        "level": str(finding.level),
        "place": finding.place,
        "line": finding.line,
        "code": finding.code,
        "reason": str(finding.params.get("reason", "")),
        "detail": words.detail,
        "remedy": words.remedy,
    }


def told_item(item: Item) -> dict[str, Any]:
    return {
        "action": str(item.action),
        "kind": item.kind,
        "name": item.name,
        "within": item.within,
        "place": item.where.place,
        "line": item.where.line,
        "differences": [
            {"name": one.name, "before": one.before, "after": one.after} for one in item.differences
        ],
    }


def told_plan(plan: Plan) -> dict[str, Any]:
    return {
        "applicable": not plan.refused,
        "digest": "" if plan.refused else plan.digest,
        "changes": [told_item(item) for item in plan.changes],
        "kept": plan.kept,
        "findings": [told_finding(one) for one in plan.findings],
    }


def counted_changes(plan: Plan) -> str:
    """One sentence: how much of what."""
    created = sum(item.action is Action.CREATE for item in plan.changes)
    changed = len(plan.changes) - created
    if not plan.changes:
        return _("There is nothing to do: the cloud is as the document says.")
    told = (
        ngettext("%(n)s part is created.", "%(n)s parts are created.", created) % {"n": created},
        ngettext("%(n)s part is changed.", "%(n)s parts are changed.", changed) % {"n": changed},
        ngettext("%(n)s part stays as it is.", "%(n)s parts stay as they are.", plan.kept) % {"n": plan.kept},
    )
    return " ".join(said for said, n in zip(told, (created, changed, plan.kept), strict=True) if n)
