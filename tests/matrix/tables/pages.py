"""Pages of the frame: in and out, what readers keep of their own, search, and what everybody sees."""

from __future__ import annotations

from dataclasses import replace

from tests.matrix.groups import ANYBODY, EVERYBODY, MACHINE_READ, TENANT_READ, everybody
from tests.matrix.line import dialog, get, post
from tests.matrix.world import CLOUD, TENANT

# Nobody else's, whatever they may.
OWN = everybody(TENANT, ".").but(super=".......", super_role=".......", user="+......")
NOBODYS = everybody(TENANT, ".").but(super=".......", super_role=".......")
# Only in accounts of one's own, and only who has several.
WORKS_IN = NOBODYS.but(other=".....++")
ASKED_ANYWHERE = everybody(TENANT, "+")

ROBOTS = TENANT_READ.but(user=".......", other=".......")
ROBOT_WRITE = ROBOTS.but(auditor="-------", domain_auditor="----...")
MAKES_ROBOTS = everybody(CLOUD, "-").but(domain_admin="+", project_admin="+")
MAKES_ROBOTS_IN = everybody(TENANT, "-").but(domain_admin="++++...", project_admin="..+....")
PICKED = ("domain", "account", "project-domain")
BACK = {"next": "/"}


_LINES = [
    get("/", EVERYBODY),
    get("/i18n/setlang/", ANYBODY, done=(302,)),
    post("/i18n/setlang/", ANYBODY, lambda at: {"language": "el"}, done=(302,)),
    get("/login/", ANYBODY),
    post("/login/", ANYBODY, lambda at: {"username": "nobody", "password": "wrong"}, done=(422, 429)),
    get("/login/link/", ANYBODY),
    post("/login/link/", ANYBODY, lambda at: {"token": "wrong"}, done=(403,)),
    get("/login/forgotten/", ANYBODY),
    post("/login/forgotten/", ANYBODY, lambda at: {"email": "nobody@example.org"}, done=(200,)),
    get("/login/password/", ANYBODY),
    post("/login/password/", ANYBODY, lambda at: {"token": "wrong"}, done=(422,)),
    post("/logout/", ANYBODY, done=(302,)),
    post("/preferences/look/", ANYBODY, lambda at: BACK | {"theme": "dark"}, done=(302,)),
    post("/preferences/keys/", ANYBODY, lambda at: BACK | {"keys": "off"}, done=(302,)),
    *(get(f"/pick/{kind}/", EVERYBODY, lambda at: {"q": "-of-"}) for kind in PICKED),
    get("/working-account/", EVERYBODY),
    get("/working-account/", EVERYBODY, lambda at: {"q": "account-of"}),
    post("/working-account/", WORKS_IN, lambda at: {"account": at.id("account")}, done=(302,)),
    get("/docs/", ANYBODY, done=(302,)),
    get("/docs/en/", ANYBODY, done=(200, 404)),
    get("/style/", EVERYBODY),
    get("/shortcuts/", EVERYBODY),
    get("/search/", MACHINE_READ, lambda at: {"q": "vm-of"}, shown="vm"),
    get("/search/", EVERYBODY, lambda at: {"q": "-of-"}),
    get("/search/", ASKED_ANYWHERE, lambda at: {"q": at.id("vm")}),
    get(
        "/search/palette/",
        ASKED_ANYWHERE,
        lambda at: {"q": at["vm"].name[:4], "on": f"/virtual-machines/{at.id('vm')}/"},
    ),
    get("/account/", EVERYBODY),
    get("/account/password/", EVERYBODY),
    post("/account/password/", EVERYBODY, lambda at: {"present_password": "x"}, done=(422,)),
    get("/account/sessions/", EVERYBODY),
    get("/account/sessions/others/", EVERYBODY),
    post("/account/sessions/others/", EVERYBODY, done=(302,)),
    *dialog("/account/sessions/{session}/", OWN),
    get("/account/tokens/", EVERYBODY),
    get("/account/tokens/new/", EVERYBODY),
    post("/account/tokens/new/", EVERYBODY, lambda at: {"name": "new", "days": 7, "verbs": "*.read"}),
    *dialog("/account/tokens/{token}/", OWN),
    get("/service-accounts/", ROBOTS, shown="robot"),
    get("/service-accounts/new/", MAKES_ROBOTS),
    post(
        "/service-accounts/new/",
        MAKES_ROBOTS_IN,
        lambda at: {"username": "another", "account": at.id("account")},
    ),
    get("/service-accounts/{robot}/", ROBOTS),
    post("/service-accounts/{robot}/", NOBODYS, lambda at: {"token": at.id("token")}),
    *dialog(
        "/service-accounts/{robot}/token/",
        ROBOT_WRITE,
        lambda at: {"name": "new", "days": 7, "verbs": "*.read"},
    ),
    *dialog("/service-accounts/{robot}/remove/", ROBOT_WRITE),
    *dialog("/views/machines/new/", EVERYBODY, lambda at: {"name": "new", "query": "state=Running"}),
    *dialog("/views/{view}/", OWN, lambda at: {"name": "new"}),
]

LINES = [replace(line, whole=True) for line in _LINES]
