"""What the whole cloud is set to: directories, and what they give by mappings."""

from __future__ import annotations

from typing import Any

from apps.accounts.roles.ready import ready
from tests.matrix.groups import SUPER_AND_AUDITOR, SUPER_ONLY
from tests.matrix.line import At, Line

# A directory lies in no domain: a role in one opens none.
DIRECTORY_READ, DIRECTORY_WRITE = SUPER_AND_AUDITOR, SUPER_ONLY
CAMPUS: Any = {"name": "new", "kind": "openldap", "servers": ["ldaps://a"], "people_bases": ["dc=a"]}
DIRECTORY = "directories/{directory}/"

RUN, RULE = "sync-runs/{run}/", "mapping-rules/{rule}/"


def new_rule(at: At) -> dict[str, object]:
    return {
        "name": "new",
        "directory": at.id("directory"),
        "match": "ou",
        "match_value": "ou=a,dc=a",
        "gives": "account",
        "account": at.id("account"),
        "role": str(ready("user").uuid),
    }


LINES = [
    Line("GET", "directories/?limit=200", DIRECTORY_READ, shown="directory"),
    Line("GET", DIRECTORY, DIRECTORY_READ),
    Line("POST", "directories/", SUPER_ONLY, lambda at: CAMPUS),
    Line("PATCH", DIRECTORY, DIRECTORY_WRITE, lambda at: {"name": "changed"}),
    Line("DELETE", DIRECTORY, DIRECTORY_WRITE, done=(204, 409)),
    *(Line("POST", f"{DIRECTORY}{verb}/", DIRECTORY_WRITE) for verb in ("enable", "disable")),
    Line("POST", f"{DIRECTORY}test/", DIRECTORY_WRITE),
    Line("GET", f"{DIRECTORY}sync/", DIRECTORY_READ),
    Line("PATCH", f"{DIRECTORY}sync/", DIRECTORY_WRITE, lambda at: {"brake_percent": 20}),
    Line("GET", "mapping-rules/?limit=200", DIRECTORY_READ, shown="rule"),
    Line("GET", RULE, DIRECTORY_READ),
    Line("POST", "mapping-rules/", DIRECTORY_WRITE, new_rule),
    Line("PATCH", RULE, DIRECTORY_WRITE, lambda at: {"name": "changed"}),
    Line("DELETE", RULE, DIRECTORY_WRITE),
    Line("POST", f"{RULE}answer-for/", DIRECTORY_WRITE),
    Line(
        "POST",
        "mapping-rules/order/",
        DIRECTORY_WRITE,
        lambda at: {"directory": at.id("directory"), "rules": [at.id("rule")]},
    ),
    Line("GET", "sync-runs/?limit=200", DIRECTORY_READ, shown="run"),
    Line("GET", RUN, DIRECTORY_READ),
    Line("GET", f"{RUN}changes/", DIRECTORY_READ),
    Line(
        "POST",
        "sync-runs/",
        DIRECTORY_WRITE,
        lambda at: {"directory": at.id("directory"), "kind": "preview"},
    ),
    Line("POST", f"{RUN}apply/", DIRECTORY_WRITE, lambda at: {"digest": "x"}, done=(409,)),
    *(Line("POST", f"{RUN}{verb}/", DIRECTORY_WRITE, done=(409,)) for verb in ("release", "reject")),
]
