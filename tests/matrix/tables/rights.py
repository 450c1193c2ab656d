"""Roles, and who holds them where."""

from __future__ import annotations

from apps.accounts.roles.ready import ready
from tests.matrix.groups import CREDENTIAL_READ, DOMAIN_NAMED, EVERYBODY, SUPER_AND_AUDITOR, table
from tests.matrix.line import At, Line
from tests.matrix.world import DOMAINS

# A role is known in its domain and below it, to who may read roles there: faculty sub sibling other root.
ROLE_READ = table(
    DOMAINS,
    """
    simple         .....
    domain_admin   ++..+
    project_admin  +...+
    user           .....
    auditor        +++++
    domain_auditor ++..+
    other          .....
    expired        .....
    limited        .....
    """,
)
ROLE_WRITE = ROLE_READ.but(
    domain_admin="++..-", project_admin="-...-", auditor="-----", domain_auditor="--..-"
)

# A grant is known where it lies, and to who holds it; they may also give it up.
GRANT_READ = CREDENTIAL_READ.but(project_admin="..+....")
GRANT_WRITE = GRANT_READ.but(
    project_admin="..-....", user="-......", auditor="-------", domain_auditor="----...", limited="-......"
)
GRANT_END = GRANT_WRITE.but(user="+......")


def to_person(at: At) -> dict[str, object]:
    role = str(ready("auditor").uuid)
    return {"user": at.id("person"), "role": role, "scope": "account", "place": at.id("account")}


GROUP_READ = SUPER_AND_AUDITOR.but(
    domain_admin="+",
    simple=".",
    project_admin=".",
    user=".",
    domain_auditor=".",
    other=".",
    expired=".",
    limited=".",
)

LINES = [
    Line("GET", "roles/?limit=200", ROLE_READ, shown="role"),
    Line("GET", "roles/{role}/", ROLE_READ),
    Line(
        "POST",
        "roles/",
        DOMAIN_NAMED,
        lambda at: {"name": "new", "domain": at.id("domain"), "rules": [["allow", "vm.read"]]},
    ),
    Line("PATCH", "roles/{role}/", ROLE_WRITE, lambda at: {"name": "new"}),
    Line("DELETE", "roles/{role}/", ROLE_WRITE),
    Line("GET", "grants/?limit=200", GRANT_READ, shown="grant"),
    Line("GET", "grants/{grant}/", GRANT_READ),
    Line("POST", "grants/", GRANT_WRITE, to_person),
    Line("PATCH", "grants/{grant}/", GRANT_WRITE, lambda at: {"ends_at": None}),
    Line("DELETE", "grants/{grant}/", GRANT_END),
    Line("GET", "groups/?limit=200", GROUP_READ, shown="group"),
    Line("GET", "groups/{group}/", GROUP_READ),
    Line("POST", "access-check/", EVERYBODY, lambda at: {"permission": "vm.read"}),
]
