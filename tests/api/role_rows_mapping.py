"""Who may what of mappings, runs and what leavers left behind."""

from __future__ import annotations

from typing import Any

from apps.accounts.models import Directory, LeftBehind, MappingRule, SyncRun
from apps.accounts.roles.ready import USER, ready
from tests.api.conftest import Cast
from tests.api.role_rows import Row
from tests.browser.mapped import show_a_mapping

__all__ = ["MAPPING", "mapping_rows", "show_a_mapping"]


def _rule(cast: Cast) -> dict[str, Any]:
    places = {"directory": Directory.objects.get().uuid, "account": cast.account.uuid}
    given = {"match": "ou", "match_value": "ou=a,dc=a", "gives": "account", "name": "New"}
    return given | {"role": str(ready(USER).uuid)} | {name: str(uuid) for name, uuid in places.items()}


def _preview(_cast: Cast) -> dict[str, str]:
    return {"directory": str(Directory.objects.get().uuid), "kind": "preview"}


def _heir(cast: Cast) -> dict[str, str]:
    return {"user": str(cast.users["other"].uuid)}


MAPPING = (
    Row("GET", "directories/{directories}/sync/", 200, 403, 403),
    Row("PATCH", "directories/{directories}/sync/", 200, 403, 403, lambda cast: {"brake_percent": 20}),
    Row("GET", "mapping-rules/", 200, 403, 403),
    Row("GET", "mapping-rules/{rule}/", 200, 403, 403),
    Row("POST", "mapping-rules/", 201, 403, 403, _rule),
    Row("PATCH", "mapping-rules/{rule}/", 200, 403, 403, lambda cast: {"name": "changed"}),
    Row("DELETE", "mapping-rules/{rule}/", 204, 403, 403),
    Row("GET", "sync-runs/", 200, 403, 403),
    Row("GET", "sync-runs/{run}/", 200, 403, 403),
    Row("GET", "sync-runs/{run}/changes/", 200, 403, 403),
    Row("POST", "sync-runs/", 201, 403, 403, _preview),
    Row("POST", "sync-runs/{run}/apply/", 409, 403, 403, lambda cast: {"digest": "x"}),
    Row("POST", "sync-runs/{run}/release/", 409, 403, 403),
    Row("POST", "sync-runs/{run}/reject/", 409, 403, 403),
    Row("GET", "left-behind/", 200, 403, 200),
    Row("GET", "left-behind/{left}/", 200, 403, 404),
    Row("POST", "left-behind/{left}/keep/", 200, 403, 404),
    Row("POST", "left-behind/{left}/hand-over/", 204, 403, 404, _heir),
)


def mapping_rows() -> dict[str, Any]:
    return {
        "directories": Directory.objects.first(),
        "rule": MappingRule.objects.first(),
        "run": SyncRun.objects.first(),
        "left": LeftBehind.objects.first(),
    }
