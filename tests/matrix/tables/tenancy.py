"""Domains, accounts, who belongs to them, and what they may use."""

from __future__ import annotations

from tests.matrix.groups import (
    ACCOUNT_ADMIN,
    ACCOUNT_GOVERN,
    DOMAIN_NAMED,
    DOMAIN_READ,
    DOMAIN_WRITE,
    EVERYBODY,
    SUPER_ONLY,
    TENANT_READ,
    everybody,
    table,
)
from tests.matrix.line import Line
from tests.matrix.world import PROJECTS, TENANT

NAMED = {"name": "new"}


# project sub sibling other
PROJECT_READ = table(
    PROJECTS,
    """
    simple         ....
    domain_admin   ++..
    project_admin  +...
    user           ....
    auditor        ++++
    domain_auditor ++..
    other          ....
    expired        ....
    limited        ....
    """,
)
PROJECT_RUN = PROJECT_READ.but(auditor="----", domain_auditor="--..")
# Only who belongs to it leaves it, whatever else they may.
PROJECT_LEAVE = PROJECT_RUN.but(super="----", super_role="----", domain_admin="--..")

USAGE = TENANT_READ
ACCOUNT = "accounts/{account}/"
DOMAIN = "domains/{domain}/"
PROJECT = "projects/{project}/"
MEMBER = f"{ACCOUNT}members/{{person}}/"

# People are named in these: of colleagues a member knows by the account's list alone.
MEMBERS = ACCOUNT_ADMIN.but(user="-......", other=".......", limited="-......")

# Whether a domain stands, and where, is decided above it.
DOMAIN_STAND = DOMAIN_WRITE.but(domain_admin="-+...")

# What a domain may use is said above it.
DOMAIN_LIMIT = DOMAIN_NAMED.but(domain_admin="-+...")

# Who is invited knows of it, and who asks people in.
INVITATION_READ = TENANT_READ.but(user=".......", other=".......", limited=".......")
INVITATION_WRITE = INVITATION_READ.but(auditor="-------", domain_auditor="----...")
INVITED = everybody(TENANT, ".").but(super=".......", super_role=".......")

BY_LINK = EVERYBODY.but(limited="-")

LINES = [
    Line("GET", "accounts/?limit=200", TENANT_READ, shown="account"),
    Line("GET", ACCOUNT, TENANT_READ),
    Line("POST", "accounts/", DOMAIN_NAMED, lambda at: {"name": "new", "domain": at.id("domain")}),
    Line("PATCH", ACCOUNT, ACCOUNT_ADMIN, lambda at: NAMED),
    Line("POST", f"{ACCOUNT}disable/", ACCOUNT_GOVERN),
    Line("POST", f"{ACCOUNT}enable/", ACCOUNT_GOVERN, done=(200, 409)),
    Line("POST", f"{ACCOUNT}close/", ACCOUNT_GOVERN),
    Line("POST", f"{ACCOUNT}reopen/", ACCOUNT_GOVERN, done=(200, 409)),
    Line("GET", f"{ACCOUNT}touched/", ACCOUNT_GOVERN),
    Line(
        "POST",
        f"{ACCOUNT}move/",
        ACCOUNT_GOVERN.but(
            **dict.fromkeys(("project_admin", "user", "other", "limited"), "......."),
        ),
        lambda at: {"domain": str(at.world.domains["sub"].uuid)},
    ),
    Line("GET", f"{ACCOUNT}members/", TENANT_READ),
    Line("POST", f"{ACCOUNT}members/", MEMBERS, lambda at: {"user": at.id("person")}, done=(200, 409)),
    Line("PATCH", MEMBER, MEMBERS, lambda at: {"ends_at": None}),
    Line("DELETE", MEMBER, MEMBERS),
    Line("GET", "domains/?limit=200", DOMAIN_READ, shown="domain"),
    Line("GET", DOMAIN, DOMAIN_READ),
    Line("POST", "domains/", DOMAIN_WRITE, lambda at: {"name": "new", "parent": at.id("domain")}),
    Line("PATCH", DOMAIN, DOMAIN_WRITE, lambda at: NAMED),
    Line("POST", f"{DOMAIN}disable/", DOMAIN_STAND, done=(200, 409, 422)),
    Line("POST", f"{DOMAIN}enable/", DOMAIN_STAND, done=(200, 409, 422)),
    Line("POST", f"{DOMAIN}close/", DOMAIN_STAND, done=(200, 409, 422)),
    Line("POST", f"{DOMAIN}reopen/", DOMAIN_STAND, done=(200, 409, 422)),
    Line("GET", f"{DOMAIN}touched/", DOMAIN_WRITE),
    Line(
        "POST",
        f"{DOMAIN}move/",
        DOMAIN_STAND,
        lambda at: {"parent": str(at.world.domains["faculty"].uuid)},
        done=(200, 409, 422),
    ),
    Line("GET", "quotas/?limit=200", TENANT_READ, shown="account"),
    Line("GET", "quotas/{account}/", TENANT_READ),
    Line("PATCH", "quotas/{account}/", ACCOUNT_GOVERN, lambda at: {"machines": 5}),
    Line("PATCH", "quotas/{account}/members/{person}/", ACCOUNT_ADMIN, lambda at: {"machines": 5}),
    Line("GET", "quotas/{account}/usage/", USAGE),
    Line("PATCH", "quotas/{domain}/", DOMAIN_LIMIT, lambda at: {"machines": 500}),
    Line("POST", "quotas/{domain}/counting/", DOMAIN_LIMIT, lambda at: {"counting": "running"}),
    Line("POST", "quotas/recount/", SUPER_ONLY, lambda at: {}),
    Line("POST", "quotas/recount/", ACCOUNT_GOVERN, lambda at: {"account": at.id("account")}),
    Line("GET", "projects/?limit=200", PROJECT_READ, shown="project"),
    Line("GET", PROJECT, PROJECT_READ),
    Line("POST", "projects/", DOMAIN_NAMED, lambda at: {"name": "new", "domain": at.id("domain")}),
    Line("PATCH", PROJECT, PROJECT_RUN, lambda at: {"description": "new"}),
    Line("POST", f"{PROJECT}suspend/", PROJECT_RUN),
    Line("POST", f"{PROJECT}resume/", PROJECT_RUN, done=(200, 409)),
    Line("POST", f"{PROJECT}hand-over/", PROJECT_RUN, lambda at: {"to": at.id("person")}),
    Line("POST", f"{PROJECT}leave/", PROJECT_LEAVE, done=(204, 409)),
    Line("GET", "project-rules/{domain}/", DOMAIN_READ),
    Line("PUT", "project-rules/{domain}/", DOMAIN_WRITE, lambda at: {"self_service": True}),
    Line("GET", "invitations/?limit=200", INVITATION_READ, shown="invitation"),
    Line("GET", "invitations/{invitation}/", INVITATION_READ),
    Line("POST", "invitations/", ACCOUNT_ADMIN, lambda at: {"account": at.id("account"), "username": "x"}),
    *(
        Line("POST", f"invitations/{{invitation}}/{verb}/", INVITATION_WRITE)
        for verb in ("withdraw", "resend", "link")
    ),
    *(Line("POST", f"invitations/{{invitation}}/{verb}/", INVITED) for verb in ("accept", "decline")),
    Line(
        "POST",
        "invitations/accept-by-link/",
        EVERYBODY.but(limited="-"),
        lambda at: {"token": "wrong"},
        done=(422,),
    ),
]
