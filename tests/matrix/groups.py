"""The expected answers, written by hand, by groups of endpoints that answer alike. A row for each role, a
letter for each place, in the order of the places:

    +  done      -  seen or known of, and refused (403)      .  unknown (404)      !  not logged in (401)

In a list a letter says whether the place's row is shown (+) or not (.); all of them "-" if it answers 403.
Nothing here comes from the policy's code.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from tests.matrix.world import CLOUD, DOMAINS, TENANT, ZONES

ROLES = (
    *("super", "super_role", "simple", "domain_admin", "project_admin", "user", "auditor"),
    *("domain_auditor", "other", "expired", "limited", "inactive", "anonymous"),
)


@dataclass(frozen=True)
class Group:
    places: tuple[str, ...]
    answers: Mapping[str, str]

    def but(self, **changed: str) -> Group:
        """The same with other rows; `rest` is for all roles between super and inactive that are not named."""
        found = dict(self.answers)
        for role, letters in changed.items():
            assert role in ROLES, role
            assert len(letters) == len(self.places), role
            found[role] = letters
        return Group(self.places, found)


def table(places: tuple[str, ...], text: str) -> Group:
    """Who is not logged in needs no row, nor does who may everything."""
    many = len(places)
    found = {"super": "+" * many, "super_role": "+" * many, "inactive": "!" * many, "anonymous": "!" * many}
    for line in text.strip().splitlines():
        role, letters = line.split()
        assert len(letters) == many, line
        found[role] = letters
    assert set(found) == set(ROLES), set(ROLES) ^ set(found)
    return Group(places, found)


def everybody(places: tuple[str, ...], letter: str) -> Group:
    """The same for all who are logged in and may not everything."""
    return table(places, "\n".join(f"{role} {letter * len(places)}" for role in ROLES[2:11]))


# Of what lies in these places somebody of that role is never told, whatever they ask for.
_SECRETS = ("user-data", "console")
_NOT_TOLD: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "simple": (
        ("own", "same", "project", "sub", "sibling", "other", "away"),
        (*_SECRETS, "key", "template", "token", "session", "robot", "person", "invited"),
    ),
    "domain_admin": (("sibling", "other", "near", "away"), ()),
    "project_admin": (("own", "same", "sub", "sibling", "other", "near", "away"), ()),
    "user": (("project", "sub", "sibling", "other", "near", "away"), ()),
    "auditor": ((), _SECRETS),
    "domain_auditor": (("sibling", "other", "near", "away"), _SECRETS),
    "other": (("own", "same", "project", "sub", "sibling", "away"), ()),
    "limited": (("project", "sub", "sibling", "other", "near", "away"), ()),
    "expired": (("same", "project", "sub", "sibling", "other", "near", "away"), _SECRETS),
    **dict.fromkeys(
        ("inactive", "anonymous"),
        (("own", "same", "project", "sub", "sibling", "other", "near", "away"), ()),
    ),
}


def never_told(role: str) -> re.Pattern[str]:
    """Names in the world that no answer to this role may hold: by their place, or by what they name."""
    places, nouns = _NOT_TOLD.get(role, ((), ()))
    ways = [rf"[\w-]+-(?:of|to)-(?:{'|'.join(places)})\b"] if places else []
    ways += [rf"\b(?:{'|'.join(nouns)})-(?:of|to)-\w+"] if nouns else []
    return re.compile("|".join(ways) or "(?!)")


# In places of tenants: own same project sub sibling other near

TENANT_READ = table(
    TENANT,
    """
    simple         .......
    domain_admin   ++++...
    project_admin  ..+....
    user           ++.....
    auditor        +++++++
    domain_auditor ++++...
    other          .....++
    expired        .......
    limited        ++.....
    """,
)
MACHINE_READ = TENANT_READ.but(simple="......+")

TENANT_WRITE = table(
    TENANT,
    """
    simple         .......
    domain_admin   ++++...
    project_admin  ..+....
    user           ++.....
    auditor        -------
    domain_auditor ----...
    other          .....++
    expired        .......
    limited        --.....
    """,
)
MACHINE_WRITE = TENANT_WRITE.but(simple="......-")

# What runs an account is for its admins, what governs it for those of its domain.
ACCOUNT_ADMIN = TENANT_WRITE.but(user="--.....", other=".....--")
ACCOUNT_GOVERN = ACCOUNT_ADMIN.but(project_admin="..-....")
ACCOUNT_SUPER = ACCOUNT_GOVERN.but(domain_admin="----...")

# Machines and jobs on a host are an operator's to look into.
PLACEMENT_READ = table(
    TENANT,
    """
    simple         ......+
    domain_admin   ----...
    project_admin  ..-....
    user           --.....
    auditor        -------
    domain_auditor ----...
    other          .....--
    expired        .......
    limited        --.....
    """,
)
JOB_MEND = PLACEMENT_READ

PEOPLE_READ = table(
    TENANT,
    """
    simple         -------
    domain_admin   ++++...
    project_admin  ..+....
    user           -------
    auditor        +++++++
    domain_auditor ++++...
    other          -------
    expired        -------
    limited        -------
    """,
)
PEOPLE_GOVERN = PEOPLE_READ.but(project_admin="..-....", auditor="-------", domain_auditor="----...")

# Their own, or of those whom one looks after.
CREDENTIAL_READ = table(
    TENANT,
    """
    simple         .......
    domain_admin   ++++...
    project_admin  .......
    user           +......
    auditor        +++++++
    domain_auditor ++++...
    other          .......
    expired        .......
    limited        +......
    """,
)
CREDENTIAL_END = CREDENTIAL_READ.but(auditor="-------", domain_auditor="----...", limited="-......")

# In domains: faculty sub sibling other root

DOMAIN_READ = table(
    DOMAINS,
    """
    simple         -----
    domain_admin   ++...
    project_admin  -----
    user           -----
    auditor        +++++
    domain_auditor ++...
    other          -----
    expired        -----
    limited        -----
    """,
)
DOMAIN_WRITE = DOMAIN_READ.but(auditor="-----", domain_auditor="--...")
DOMAIN_NAMED = table(  # where a domain is named in a body
    DOMAINS,
    """
    simple         .....
    domain_admin   ++...
    project_admin  .....
    user           .....
    auditor        -----
    domain_auditor --...
    other          .....
    expired        .....
    limited        .....
    """,
)

# In parts of the infrastructure: near away

PUBLIC_PARTS = everybody(ZONES, "+")
INFRA_READ = table(
    ZONES,
    """
    simple         +.
    domain_admin   --
    project_admin  --
    user           --
    auditor        ++
    domain_auditor --
    other          --
    expired        --
    limited        --
    """,
)
INFRA_WRITE = INFRA_READ.but(auditor="--")
PUBLIC_PART_WRITE = everybody(ZONES, "-").but(simple="+-")
INFRA_SUPER = everybody(ZONES, "-")

# In the whole cloud

EVERYBODY = everybody(CLOUD, "+")
ANYBODY = EVERYBODY.but(inactive="+", anonymous="+")
SUPER_ONLY = everybody(CLOUD, "-")
SUPER_AND_AUDITOR = SUPER_ONLY.but(auditor="+")
