"""People, how they log in, and the programs that act for an account."""

from __future__ import annotations

from tests.matrix.groups import (
    ACCOUNT_ADMIN,
    CREDENTIAL_END,
    CREDENTIAL_READ,
    DOMAIN_READ,
    EVERYBODY,
    PEOPLE_GOVERN,
    PEOPLE_READ,
    SUPER_ONLY,
    TENANT_READ,
)
from tests.matrix.line import At, Line

# To oneself one is known, and what a colleague is called one does not learn by these.
LINKS = PEOPLE_GOVERN.but(
    simple=".......",
    user="-......",
    other=".......",
    expired=".......",
    limited="-......",
)


def named(at: At) -> dict[str, object]:
    return {"user": at.id("person")}


def heir(at: At) -> dict[str, object]:
    return {"user": str(at.world.people["own"].uuid)}


ROBOT = TENANT_READ.but(user=".......", other=".......", limited=".......")
ROBOT_END = ROBOT.but(auditor="-------", domain_auditor="----...")

LEFT_READ = DOMAIN_READ.but(project_admin=".....")
LEFT_SETTLE = LEFT_READ.but(auditor="-----", domain_auditor="--...")


LINES = [
    Line("GET", "me/", EVERYBODY),
    Line("GET", "users/?limit=200", PEOPLE_READ, shown="person"),
    Line("GET", "users/{person}/", PEOPLE_READ),
    Line("GET", "users/{person}/touched/", PEOPLE_READ),
    Line("PATCH", "users/{person}/", PEOPLE_GOVERN, lambda at: {"is_active": False}),
    Line("POST", "users/{person}/close/", PEOPLE_GOVERN),
    Line("POST", "users/{person}/reopen/", PEOPLE_GOVERN, done=(200, 409)),
    Line("DELETE", "users/{person}/", PEOPLE_GOVERN, done=(204, 409)),
    Line("POST", "users/", PEOPLE_GOVERN, lambda at: {"username": "new", "account": at.id("account")}),
    Line("GET", "sessions/", EVERYBODY),
    Line(
        "GET",
        "sessions/?user={person}",
        LINKS.but(auditor="+++++++", domain_auditor="++++...", user="+......", limited="+......"),
    ),
    Line("GET", "sessions/{session}/", CREDENTIAL_READ),
    Line("DELETE", "sessions/{session}/", CREDENTIAL_END),
    Line("POST", "sessions/revoke/", LINKS.but(user="+......"), named),
    Line("GET", "tokens/", EVERYBODY),
    Line(
        "GET",
        "tokens/?user={person}",
        LINKS.but(auditor="+++++++", domain_auditor="++++...", user="+......", limited="+......"),
    ),
    Line("GET", "tokens/{token}/", CREDENTIAL_READ),
    Line("DELETE", "tokens/{token}/", CREDENTIAL_END),
    Line(
        "POST",
        "tokens/",
        TENANT_READ.but(limited="--....."),
        lambda at: {"name": "new", "verbs": ["vm.read"], "accounts": [at.id("account")]},
    ),
    Line("POST", "tokens/", ROBOT_END, lambda at: {"name": "new", "user": at.id("robot")}),
    Line("GET", "service-accounts/?limit=200", ROBOT, shown="robot"),
    Line("GET", "service-accounts/{robot}/", ROBOT),
    Line("DELETE", "service-accounts/{robot}/", ROBOT_END),
    Line(
        "POST",
        "service-accounts/",
        ACCOUNT_ADMIN,
        lambda at: {"username": "another", "account": at.id("account")},
    ),
    Line(
        "POST",
        "password/",
        SUPER_ONLY.but(super="-", super_role="-"),
        lambda at: {"new_password": "seven blue bicycles"},
    ),
    Line("POST", "password/link/", LINKS, named),
    Line("POST", "login/unlock/", LINKS, named),
    Line("GET", "left-behind/?limit=200", LEFT_READ, shown="left"),
    Line("GET", "left-behind/{left}/", LEFT_READ),
    Line("POST", "left-behind/{left}/keep/", LEFT_SETTLE),
    Line("POST", "left-behind/{left}/hand-over/", LEFT_SETTLE, heir, done=(204, 409)),
]
