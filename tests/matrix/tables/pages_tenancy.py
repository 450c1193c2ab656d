"""Pages of domains, accounts, projects, invitations, sizes and quotas."""

from __future__ import annotations

from typing import Any

from apps.accounts.roles.ready import ready
from tests.matrix.groups import (
    ACCOUNT_ADMIN,
    ACCOUNT_GOVERN,
    EVERYBODY,
    SUPER_ONLY,
    TENANT_READ,
    TENANT_WRITE,
    everybody,
)
from tests.matrix.line import At, Line, dialog, get, post, sending
from tests.matrix.tables.pages import ASKED_ANYWHERE
from tests.matrix.tables.pages_machines import HEIR_UNSEEN, heir
from tests.matrix.tables.tenancy import (
    INVITATION_READ,
    INVITATION_WRITE,
    INVITED,
    PROJECT_LEAVE,
    PROJECT_READ,
    PROJECT_RUN,
)
from tests.matrix.world import CLOUD, DOMAINS

DOMAIN, ACCOUNT, PROJECT = "/domains/{domain}/", "/accounts/{account}/", "/projects/{project}/"
OFFERING, QUOTA = "/offerings/{offering}/", "/quotas/{account}/"
MEMBER = f"{ACCOUNT}members/{{person}}/"

DOMAIN_READ = everybody(DOMAINS, ".").but(domain_admin="++...", auditor="+++++", domain_auditor="++...")
DOMAIN_WRITE = DOMAIN_READ.but(auditor="-----", domain_auditor="--...")
# Whether a domain stands, and where, is decided above it.
DOMAIN_STAND = DOMAIN_WRITE.but(domain_admin="-+...")
# Who looks after nobody has no list of accounts, and no account to see.
ACCOUNT_LIST = TENANT_READ
MEMBER_WRITE = ACCOUNT_ADMIN.but(user=".......", other=".......", auditor=".......", domain_auditor=".......")
PROJECT_IN = everybody(DOMAINS, ".").but(domain_admin="++...")
SUPER_PAGE = everybody(CLOUD, ".")
NAMED: dict[str, Any] = {"name": "new"}
ACTED: dict[str, Any] = {"done": (302,)}


def _stands(path: str, group: Any, target: Any) -> list[Line]:
    """What is done to domains and accounts alike. What is forms' to refuse is told beside the field."""
    either: dict[str, Any] = {"done": (302, 422)}
    return [
        *dialog(f"{path}move/", group, target, **either),
        post(f"{path}switch/", group, lambda at: {"act": "enable"}, **ACTED),
        post(f"{path}switch/", group, lambda at: {"act": "reopen"}, **ACTED),
        *dialog(f"{path}disable/", group, **either),
        *dialog(f"{path}close/", group, **either),
    ]


def into_faculty(at: At) -> dict[str, str]:
    return {"parent": str(at.world.domains["faculty"].uuid)}


def into_sub(at: At) -> dict[str, str]:
    return {"domain": str(at.world.domains["sub"].uuid)}


def guest(at: At) -> dict[str, str]:
    return {"username": "guest", "role": str(ready("user").uuid)}


LINES = [
    get("/domains/", DOMAIN_READ, lambda at: {"q": "domain-of"}, shown="domain"),
    get("/domains/", everybody(CLOUD, ".").but(domain_admin="+", auditor="+", domain_auditor="+")),
    get(DOMAIN, DOMAIN_READ),
    *dialog(f"{DOMAIN}new/", DOMAIN_WRITE, lambda at: NAMED),
    *dialog(f"{DOMAIN}new-account/", DOMAIN_WRITE, lambda at: NAMED),
    *dialog(f"{DOMAIN}rename/", DOMAIN_WRITE, lambda at: NAMED),
    *_stands(DOMAIN, DOMAIN_STAND, into_faculty),
    post(f"{DOMAIN}start/", DOMAIN_READ, **ACTED),
    get("/accounts/", ACCOUNT_LIST, lambda at: {"q": "account-of"}, shown="account"),
    get(ACCOUNT, TENANT_READ),
    get(f"{ACCOUNT}add-member/", ACCOUNT_ADMIN),
    post(
        f"{ACCOUNT}add-member/",
        ACCOUNT_ADMIN,
        lambda at: {"username": at["person"].username},
        done=(302, 422),
    ),
    *dialog(MEMBER, MEMBER_WRITE, lambda at: {"role": str(ready("project-admin").uuid)}, done=(302, 422)),
    post(MEMBER, MEMBER_WRITE, lambda at: {"act": "remove"}),
    *dialog(f"{ACCOUNT}rename/", ACCOUNT_ADMIN, lambda at: NAMED),
    *_stands(ACCOUNT, ACCOUNT_GOVERN, into_sub),
    post(f"{ACCOUNT}start/", TENANT_READ, **ACTED),
    get(f"{ACCOUNT}hand-over/", TENANT_WRITE),
    post(f"{ACCOUNT}hand-over/", HEIR_UNSEEN, heir),
    *dialog(
        f"{DOMAIN}project-rules/",
        DOMAIN_WRITE,
        lambda at: {"self_service": "on", "per_person": 1},
        done=(302, 422),
    ),
    get("/projects/", PROJECT_READ, shown="project"),
    get("/projects/", PROJECT_READ, lambda at: {"format": "csv"}, shown="project", named=True),
    get("/projects/new/", EVERYBODY),
    post("/projects/new/", PROJECT_IN, lambda at: NAMED | {"domain": at.id("domain")}),
    get(PROJECT, PROJECT_READ),
    *dialog(f"{PROJECT}change/", PROJECT_RUN, lambda at: NAMED),
    *dialog(f"{PROJECT}end/", PROJECT_RUN, lambda at: {"ends_on": "2999-01-01"}, done=(302, 422)),
    *dialog(f"{PROJECT}suspend/", PROJECT_RUN),
    *dialog(f"{PROJECT}resume/", PROJECT_RUN, done=(302, 422)),
    *dialog(f"{PROJECT}hand-over/", PROJECT_RUN, lambda at: {"to": at.id("person")}),
    get(f"{PROJECT}leave/", PROJECT_READ),
    post(f"{PROJECT}leave/", PROJECT_LEAVE, done=(302, 422)),
    get(f"{PROJECT}invite/", PROJECT_RUN),
    post(f"{PROJECT}invite/", PROJECT_RUN, guest),
    get("/invitations/link/", EVERYBODY),
    post("/invitations/link/", EVERYBODY, lambda at: {"token": "wrong"}, done=(422,)),
    get("/invitations/{invitation}/", INVITATION_READ),
    *(post("/invitations/{invitation}/", INVITED, sending(act=act)) for act in ("accept", "decline")),
    get("/invitations/{invitation}/change/", INVITATION_WRITE),
    *(
        post("/invitations/{invitation}/change/", INVITATION_WRITE, sending(act=act))
        for act in ("withdraw", "resend", "link")
    ),
    get("/offerings/", SUPER_PAGE, shown="offering"),
    *dialog(
        "/offerings/new/",
        SUPER_PAGE,
        lambda at: NAMED | {"vcpus": 1, "memory_mib": 64, "root_disk_gib": 0},
    ),
    get(OFFERING, SUPER_PAGE),
    *dialog(f"{OFFERING}change/", SUPER_PAGE, lambda at: NAMED),
    post(f"{OFFERING}switch/", SUPER_PAGE, lambda at: {"act": "disable"}),
    *dialog("/offerings/{unused}/remove/", SUPER_PAGE),
    get("/quotas/", TENANT_READ, lambda at: {"format": "csv"}, shown="account", named=True),
    get("/quotas/", ASKED_ANYWHERE, lambda at: {"account": at.id("account")}),
    *dialog("/quotas/recount/", SUPER_ONLY, lambda at: {"act": "fix"}, done=(200,)),
    get(QUOTA, TENANT_READ),
    *dialog(f"{QUOTA}change/", ACCOUNT_GOVERN, lambda at: {"machines": 5}),
    *dialog("/quotas/{domain}/change/", DOMAIN_STAND, lambda at: {"machines": 5}),
    *dialog(f"{QUOTA}members/{{person}}/", ACCOUNT_ADMIN, lambda at: {"machines": 5}),
    get(f"{QUOTA}members/", ACCOUNT_ADMIN),
    post(
        f"{QUOTA}members/",
        ACCOUNT_ADMIN,
        lambda at: {"username": at["person"].username, "machines": 5},
    ),
    *dialog("/quotas/{domain}/counting/", DOMAIN_STAND, lambda at: {"counting": "running"}),
    *dialog(f"{QUOTA}recount/", ACCOUNT_GOVERN, lambda at: {"act": "count"}, done=(200,)),
    get(f"{QUOTA}usage/", TENANT_READ),
]
