"""The demo campus: two schools with students and teachers, the staff, and groups of groups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bootstrap.slapd import Entry, password_hash

SUFFIX = "dc=campus,dc=example"
PEOPLE = f"ou=people,{SUFFIX}"
GROUPS = f"ou=groups,{SUFFIX}"
READER = f"cn=cloudportal,{SUFFIX}"


@dataclass(frozen=True, slots=True)
class Person:
    uid: str
    given_name: str
    surname: str
    unit: str
    kind: str
    what: str

    @property
    def dn(self) -> str:
        return f"uid={self.uid},ou={self.unit},{PEOPLE}"

    @property
    def full_name(self) -> str:
        return f"{self.given_name} {self.surname}"


CAMPUS = (
    Person("anna", "Άννα", "Αλεξίου", "physics", "student", "a student of physics"),
    Person("nikos", "Νίκος", "Βλάχος", "physics", "student", "a student of physics"),
    Person("eleni", "Ελένη", "Γεωργίου", "law", "student", "a student of law"),
    Person("petros", "Πέτρος", "Δήμου", "law", "student", "a student of law"),
    Person("maria", "Μαρία", "Ευθυμίου", "physics", "teacher", "a teacher of physics, who runs a course"),
    Person("kostas", "Κώστας", "Ζώης", "law", "teacher", "a teacher of law, who runs a course"),
    Person("sofia", "Σοφία", "Ηλιάδη", "it", "staff", "simple admin of the demo zone"),
    Person("dimitra", "Δήμητρα", "Θάνου", "physics", "staff", "domain admin of physics"),
    Person("giorgos", "Γιώργος", "Ιωάννου", "it", "staff", "super admin"),
)
NESTED: Mapping[str, tuple[str, ...]] = {
    "students": ("physics-students", "law-students"),
    "teachers": ("physics-teachers", "law-teachers"),
    "physics": ("physics-students", "physics-teachers", "physics-staff"),
    "law": ("law-students", "law-teachers"),
    "staff": ("physics-staff", "it-staff"),
    "everybody": ("students", "teachers", "staff"),
}
"""Groups of groups. The others are a unit's people of one kind, and the three of `ADMINS`."""
ADMINS: Mapping[str, tuple[str, ...]] = {
    "cloud-super-admins": ("giorgos",),
    "cloud-host-admins": ("sofia",),
    "physics-domain-admins": ("dimitra",),
}


def group_dn(name: str) -> str:
    return f"cn={name},{GROUPS}"


def entries(passwords: Mapping[str, str], reader_password: str) -> Iterator[Entry]:
    """The whole campus; `passwords` by user name."""
    yield SUFFIX, {"objectClass": ["dcObject", "organization"], "dc": ["campus"], "o": ["Demo campus"]}
    for dn, name in ((PEOPLE, "people"), (GROUPS, "groups")):
        yield dn, {"objectClass": ["organizationalUnit"], "ou": [name]}
    for unit in sorted({person.unit for person in CAMPUS}):
        yield f"ou={unit},{PEOPLE}", {"objectClass": ["organizationalUnit"], "ou": [unit]}
    yield (
        READER,
        {
            "objectClass": ["organizationalRole", "simpleSecurityObject"],
            "cn": ["cloudportal"],
            "userPassword": [password_hash(reader_password)],
        },
    )
    for person in CAMPUS:
        yield person.dn, person_entry(person, passwords[person.uid])
    for name, members in group_members().items():
        yield group_dn(name), {"objectClass": ["groupOfNames"], "cn": [name], "member": members}


def person_entry(person: Person, password: str) -> dict[str, list[str]]:
    return {
        "objectClass": ["inetOrgPerson"],
        "uid": [person.uid],
        "cn": [person.full_name],
        "givenName": [person.given_name],
        "sn": [person.surname],
        "mail": [f"{person.uid}@campus.example"],
        "ou": [person.unit],
        "employeeType": [person.kind],
        "userPassword": [password_hash(password)],
    }


def group_members() -> dict[str, list[str]]:
    """DNs of the members of every group."""
    found: dict[str, list[str]] = {}
    dns = {person.uid: person.dn for person in CAMPUS}
    for person in CAMPUS:
        plural = person.kind if person.kind == "staff" else f"{person.kind}s"
        found.setdefault(f"{person.unit}-{plural}", []).append(person.dn)
    found |= {name: [dns[uid] for uid in uids] for name, uids in ADMINS.items()}
    return found | {name: [group_dn(part) for part in parts] for name, parts in NESTED.items()}


def groups_of(uid: str) -> list[str]:
    """Names of the groups that the person is in, through other groups too."""
    members = group_members()
    dn = next(person.dn for person in CAMPUS if person.uid == uid)
    found: set[str] = set()
    waiting = [dn]
    while waiting:
        member = waiting.pop()
        fresh = {name for name, dns in members.items() if member in dns} - found
        found |= fresh
        waiting += [group_dn(name) for name in fresh]
    return sorted(found)
