"""Pages of people, of roles and who holds them, of directories and of who left."""

from __future__ import annotations

from typing import Any

from apps.accounts.roles.ready import ready
from tests.matrix.groups import (
    CREDENTIAL_READ,
    EVERYBODY,
    PEOPLE_READ,
    everybody,
)
from tests.matrix.line import At, dialog, get, post, sending
from tests.matrix.tables.rights import GRANT_END, GRANT_READ, GRANT_WRITE, ROLE_READ, ROLE_WRITE
from tests.matrix.world import CLOUD, DOMAINS, TENANT

PERSON, DIRECTORY = "/people/{person}/", "/directories/{directory}/"
MAPPING, ROLE, GRANT = f"{DIRECTORY}mapping/", "/roles/{role}/", "/grants/{grant}/"

LETS_IN = everybody(CLOUD, ".").but(domain_admin="+")
LETS_IN_THERE = everybody(TENANT, ".").but(domain_admin="++++...")
# A page of one's own is shown to oneself.
PERSON_READ = CREDENTIAL_READ.but(project_admin="..+....")
PERSON_GOVERN = PERSON_READ.but(
    project_admin="..-....", user="-......", auditor="-------", domain_auditor="----..."
)
PERSON_ERASE = PERSON_GOVERN.but(domain_admin="----...")
# How others get in is for who looks after them; of oneself it stands at another address.
ACCESS_READ = CREDENTIAL_READ.but(user=".......")
ACCESS_WRITE = ACCESS_READ.but(auditor="-------", domain_auditor="----...")
SEES_RIGHTS = everybody(CLOUD, "-").but(domain_admin="+", project_admin="+", auditor="+", domain_auditor="+")
SEES_RIGHTS_OF = everybody(TENANT, "-").but(
    domain_admin="++++...", project_admin="..+....", auditor="+++++++", domain_auditor="++++..."
)
# A list of roles is opened to who may read roles somewhere.
ROLE_LIST = ROLE_READ.but(simple="-----", user="-----", other="-----", expired="-----")
ROLE_MAKER = everybody(CLOUD, "-").but(domain_admin="+")
ROLE_MAKER_IN = everybody(DOMAINS, "-").but(domain_admin="++...")
GIVER = everybody(CLOUD, "-").but(domain_admin="+")
GIVER_TO = everybody(TENANT, "-").but(domain_admin="++++...")
WEIGHED = everybody(TENANT, "-").but(domain_admin="+++++++")
DIRECTORY_READ = everybody(CLOUD, ".").but(auditor="+")
DIRECTORY_WRITE = everybody(CLOUD, ".").but(auditor="-")
LEFT_READ = everybody(DOMAINS, ".").but(domain_admin="++...", auditor="+++++", domain_auditor="++...")
LEFT_SETTLE = LEFT_READ.but(auditor="-----", domain_auditor="--...")


def named(at: At) -> dict[str, str]:
    return {"username": at["person"].username}


def rights(at: At) -> dict[str, str]:
    return named(at) | {"permission": "vm.start", "kind": "virtual-machine", "uuid": at.id("vm")}


def giving(at: At) -> dict[str, str]:
    return named(at) | {"role": str(ready("auditor").uuid), "place": f"account:{at.id('account')}"}


def new_rule(at: At) -> dict[str, Any]:
    return {
        "name": "new",
        "match": "ou",
        "base": "ou=a,dc=a",
        "gives": "account",
        "account": at.id("account"),
        "role": str(ready("user").uuid),
        "days_after_leaving": 0,
    }


CAMPUS: dict[str, Any] = {
    "deadline_seconds": 5,
    "page_size": 500,
    "name": "new",
    "kind": "openldap",
    "servers": "ldaps://a",
    "people_bases": "dc=a",
}
SYNC = {"period_minutes": 60, "brake_percent": 20, "brake_least": 5, "leaver_grace_days": 7}
RULES = {"name": "new", "effect": "allow", "pattern": "vm.read"}

LINES = [
    get("/people/", PEOPLE_READ, lambda at: {"q": "person-of"}, shown="person"),
    get("/people/", SEES_RIGHTS, lambda at: {"order": "-username"}),
    get("/people/invite/", LETS_IN),
    post(
        "/people/invite/",
        LETS_IN_THERE,
        lambda at: {"username": "new", "account": at.id("account")},
        done=(200,),
    ),
    get("/people/link/", LETS_IN),
    post("/people/link/", LETS_IN_THERE, named, done=(200,)),
    get("/people/rights/", SEES_RIGHTS),
    get("/people/rights/", SEES_RIGHTS_OF, rights),
    get(PERSON, PERSON_READ),
    post(f"{PERSON}switch/", PERSON_GOVERN, lambda at: {"act": "disable"}),
    *dialog(f"{PERSON}keep-out/", PERSON_GOVERN),
    *dialog(f"{PERSON}close/", PERSON_GOVERN),
    *dialog(f"{PERSON}erase/", PERSON_ERASE, named, done=(302,)),
    *dialog(f"{PERSON}view-as/", PERSON_GOVERN),
    post("/people/view-as/end/", EVERYBODY, done=(302,)),
    get(f"{PERSON}access/", ACCESS_READ),
    *dialog(f"{PERSON}access/end/", ACCESS_WRITE),
    *dialog(f"{PERSON}access/password/", ACCESS_WRITE),
    *dialog(f"{PERSON}access/unlock/", ACCESS_WRITE, done=(302,)),
    *dialog(f"{PERSON}access/tokens/{{token}}/", ACCESS_WRITE),
    get("/roles/", ROLE_LIST, shown="role"),
    get("/roles/", ROLE_LIST, lambda at: {"q": "role-of"}, shown="role"),
    get("/roles/new/", ROLE_MAKER),
    post("/roles/new/", ROLE_MAKER_IN, lambda at: RULES | {"domain": at.id("domain")}),
    post("/roles/check/", ROLE_MAKER, lambda at: RULES, done=(200,)),
    get(ROLE, ROLE_READ),
    *dialog(f"{ROLE}change/", ROLE_WRITE, lambda at: RULES),
    *dialog(f"{ROLE}remove/", ROLE_WRITE),
    get("/grants/", GRANT_READ, shown="grant"),
    get("/grants/", GRANT_READ, lambda at: {"scope": "account"}, shown="grant"),
    get("/grants/new/", GIVER),
    post("/grants/new/", GIVER_TO, giving),
    post("/grants/check/", WEIGHED, giving, done=(200,)),
    get(GRANT, GRANT_READ),
    *dialog(f"{GRANT}extend/", GRANT_WRITE, lambda at: {"ends_on": "2999-01-01"}),
    *dialog(f"{GRANT}revoke/", GRANT_END),
    get("/directories/", DIRECTORY_READ, shown="directory"),
    get("/directories/new/", DIRECTORY_WRITE),
    post("/directories/new/", DIRECTORY_WRITE, lambda at: CAMPUS),
    get(DIRECTORY, DIRECTORY_READ),
    *dialog(f"{DIRECTORY}change/", DIRECTORY_WRITE, lambda at: CAMPUS, done=(302, 422)),
    post(f"{DIRECTORY}test/", DIRECTORY_WRITE),
    post(f"{DIRECTORY}switch/", DIRECTORY_WRITE, lambda at: {"act": "disable"}),
    get(f"{DIRECTORY}remove/", DIRECTORY_WRITE),
    post(f"{DIRECTORY}remove/", DIRECTORY_WRITE, done=(302,)),
    get(MAPPING, DIRECTORY_READ),
    *dialog(f"{MAPPING}new/", DIRECTORY_WRITE, new_rule),
    *dialog(f"{MAPPING}settings/", DIRECTORY_WRITE, lambda at: SYNC),
    *dialog(f"{MAPPING}{{rule}}/", DIRECTORY_WRITE, new_rule),
    *dialog(f"{MAPPING}{{rule}}/remove/", DIRECTORY_WRITE),
    post(f"{MAPPING}{{rule}}/answer/", DIRECTORY_WRITE, done=(302,)),
    post(f"{MAPPING}{{rule}}/move/", DIRECTORY_WRITE, lambda at: {"to": "down"}, done=(302,)),
    get(f"{DIRECTORY}preview/", DIRECTORY_READ),
    post(f"{DIRECTORY}preview/", DIRECTORY_WRITE, lambda at: {"act": "preview"}),
    get(f"{DIRECTORY}runs/", DIRECTORY_READ),
    get(f"{DIRECTORY}runs/{{run}}/", DIRECTORY_READ),
    *(
        post(
            f"{DIRECTORY}runs/{{run}}/",
            DIRECTORY_WRITE,
            sending(act=act, digest="x"),
            done=(302,),
        )
        for act in ("apply", "release", "reject")
    ),
    get("/leavers/", LEFT_READ, shown="left"),
    get("/leavers/{left}/", LEFT_READ),
    post("/leavers/{left}/", LEFT_SETTLE, lambda at: {"act": "keep"}),
    post(
        "/leavers/{left}/",
        LEFT_SETTLE,
        lambda at: {"act": "hand_over", "username": at.world.people["own"].username},
        done=(302, 422),
    ),
]
