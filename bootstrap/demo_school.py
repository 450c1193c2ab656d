"""What the demo campus' people are given, through the portal's own API: two schools with limits, an account
for everybody in them, a course of each school, and the rights of those who look after them. What people are
given by rules is previewed, then applied, as an administrator would do it."""

from __future__ import annotations

import time
from collections.abc import Mapping as Readable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bootstrap import campus
from bootstrap.api import Api
from bootstrap.failures import CheckFailed
from bootstrap.terminal import Heartbeat

RUN_SECONDS = 120.0
TERM = timedelta(days=180)
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class School:
    """`unit` is the directory's name of it. The limits are of all that its people make."""

    name: str
    unit: str
    limits: Readable[str, int]


@dataclass(frozen=True, slots=True)
class Course:
    """A project that a teacher runs, and whose students make machines in it until the term ends."""

    name: str
    description: str
    school: str
    teacher: str
    students: str
    limits: Readable[str, int]


@dataclass(frozen=True, slots=True)
class Rule:
    """What a mapping rule says, its rows by their names. `group` or `unit` says who matches."""

    name: str
    role: str
    group: str = ""
    unit: str = ""
    course: str = ""
    own_account_in: str = ""
    domain: str = ""


SCHOOLS = (
    School("Physics", "physics", {"machines": 12, "vcpus": 16, "memory_mib": 16384, "storage_gib": 200}),
    School("Law", "law", {"machines": 6, "vcpus": 8, "memory_mib": 8192, "storage_gib": 100}),
)
COURSES = (
    Course(
        *("Computational physics", "Machines for the exercises of the course.", "Physics"),
        *("maria", "physics-students", {"machines": 6, "vcpus": 6}),
    ),
    Course(
        *("Law of data", "Machines for the seminar.", "Law"),
        *("kostas", "law-students", {"machines": 3, "vcpus": 3}),
    ),
)
FIRST_RULES = (
    *(
        Rule(f"{school.name}: an account for everybody", "user", unit=school.unit, own_account_in=school.name)
        for school in SCHOOLS
    ),
    Rule("Admins of physics", "domain-admin", group="physics-domain-admins", domain="Physics"),
    Rule("Super admins", "super-admin", group="cloud-super-admins"),
)
COURSE_RULES = tuple(
    Rule(f"{course.name}: students", "user", group=course.students, course=course.name) for course in COURSES
)
HOST_ADMINS = "cloud-host-admins"


class Schools:
    """The two domains, and what their people may use."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def missing(self) -> list[str]:
        return [school.name for school in SCHOOLS if not self._is_limited(self._row(school))]

    def _row(self, school: School) -> Row | None:
        return self._api.find("domains/", name=school.name)

    def _is_limited(self, row: Row | None) -> bool:
        if row is None:
            return False
        limits = self._api.get(f"quotas/{row['id']}/")["limits"]
        return any(limit is not None for limit in limits.values())

    def make(self) -> None:
        root = self._api.find("domains/", parent=None)
        assert root is not None  # noqa: S101 - no portal is without it
        for school in SCHOOLS:
            row = self._row(school)
            row = row or self._api.post("domains/", {"name": school.name, "parent": root["id"]})
            if not self._is_limited(row):
                self._api.patch(f"quotas/{row['id']}/", school.limits)


class Mapping:
    """The rules of a directory, brought in force. Courses come after the first of them: who runs one has to
    be a user."""

    def __init__(self, api: Api, directory: str) -> None:
        self._api = api
        self._directory = directory  # its id

    def missing(self) -> list[str]:
        """Names of rules and courses that are not there, or what else is to be done."""
        wanted = [rule.name for rule in (*FIRST_RULES, *COURSE_RULES)]
        found = sorted(set(wanted) - self._rules())
        found += [course.name for course in COURSES if not self._project(course)]
        return found or (["rules that wait to be applied"] if self.waits() else [])

    def waits(self) -> bool:
        """Whether rules were changed since they were last applied."""
        return bool(self._api.get(f"directories/{self._directory}/sync/")["rules_wait"])

    def make(self) -> None:
        self.await_quiet()
        if not set(self._groups()) >= {rule.group for rule in (*FIRST_RULES, *COURSE_RULES) if rule.group}:
            self.done(self.run("sync"))
        self._add(FIRST_RULES)
        self.apply()
        for course in COURSES:
            if not self._project(course):
                self._begin(course)
        self._add(COURSE_RULES)
        self.apply()

    def _rules(self) -> set[str]:
        return {row["name"] for row in self._api.rows(f"mapping-rules/?directory={self._directory}")}

    def _groups(self) -> dict[str, Row]:
        """By their names in the directory, once a sync has seen them."""
        return {row["name"]: row for row in self._api.rows(f"groups/?directory={self._directory}")}

    def _project(self, course: Course) -> Row | None:
        return self._api.find("projects/", name=course.name)

    def _begin(self, course: Course) -> None:
        wish = {"name": course.name, "description": course.description, "limits": course.limits}
        teacher = self._id("users/", username=course.teacher)
        self._api.post(
            "projects/", {**wish, "domain": self._id("domains/", name=course.school), "owner": teacher}
        )

    def _add(self, rules: tuple[Rule, ...]) -> None:
        known, groups = self._rules(), self._groups()
        for rule in rules:
            if rule.name not in known:
                self._api.post("mapping-rules/", {**self._matches(rule, groups), **self._gives(rule)})

    def _matches(self, rule: Rule, groups: dict[str, Row]) -> Row:
        if not rule.group:
            return {"match": "ou", "match_value": f"ou={rule.unit},{campus.PEOPLE}"}
        if rule.group not in groups:
            raise CheckFailed(f"the directory shows no group {rule.group}", repair="make up")
        return {
            "match": "group",
            "match_name": rule.group,
            "match_value": groups[rule.group]["directory_key"],
        }

    def _gives(self, rule: Rule) -> Row:
        given: Row = {"directory": self._directory, "name": rule.name}
        given["role"] = self._id("roles/", key=rule.role)
        if rule.own_account_in:
            domain = self._id("domains/", name=rule.own_account_in)
            return {**given, "gives": "template", "template": "{uid}", "domain": domain}
        if rule.course:
            ends = (datetime.now(UTC) + TERM).replace(microsecond=0).isoformat()
            account = self._id("projects/", name=rule.course)
            return {**given, "gives": "account", "account": account, "ends_at": ends}
        place = {"domain": self._id("domains/", name=rule.domain)} if rule.domain else {}
        return {**given, "gives": "grant", **place}

    def _id(self, collection: str, **match: object) -> str:
        row = self._api.find(collection, **match)
        if row is None:
            what = ", ".join(str(value) for value in match.values())
            raise CheckFailed(f"{what} is missing in the portal's {collection}", repair="make up")
        return str(row["id"])

    def apply(self) -> None:
        """Bring the rules as they are in force: what a preview has shown is done, and nothing else."""
        if not self.waits():
            return
        shown = self.run("preview")
        if shown["outcome"] != "previewed":
            raise _not_done(shown)
        self.done(self._ended(self._api.post(f"sync-runs/{shown['id']}/apply/", {"digest": shown["digest"]})))

    def run(self, kind: str) -> Row:
        return self._ended(self._api.post("sync-runs/", {"directory": self._directory, "kind": kind}))

    def done(self, run: Row) -> None:
        if run["outcome"] != "done":
            raise _not_done(run)

    def _ended(self, run: Row) -> Row:
        limit = time.monotonic() + RUN_SECONDS
        with Heartbeat("reading the directory"):
            while run["outcome"] == "running" and time.monotonic() < limit:
                time.sleep(0.1)
                run = self._api.get(f"sync-runs/{run['id']}/")
        self.await_quiet()
        return run

    def await_quiet(self) -> None:
        """Until no job is at the directory: one at a time is."""
        limit = time.monotonic() + RUN_SECONDS
        with Heartbeat("waiting for the directory"):
            while self._api.get(f"directories/{self._directory}/")["job"]:
                if time.monotonic() > limit:
                    raise CheckFailed("a job is at the directory all the time", repair="make logs")
                time.sleep(0.1)


def _not_done(run: Row) -> CheckFailed:
    said = ", ".join(reason["code"] for reason in run["held"]) or str(run["error"] or "")
    repair = "make login, then Directories: the mapping's last run"
    return CheckFailed(f"the mapping's {run['kind']} ended {run['outcome']}", repair=repair, details=said)


class HostAdmins:
    """The role of those who look after the hosts of a zone: for a group of the directory, given by hand."""

    def __init__(self, api: Api, zone: str) -> None:
        self._api = api
        self._zone = zone  # its name

    def is_given(self) -> bool:
        role, group = self._role(), self._group()
        if role is None or group is None:
            return False
        rows = self._api.rows(f"grants/?group={group['id']}&role={role['id']}")
        return any(row["scope"] == "zone" for row in rows)

    def _role(self) -> Row | None:
        return self._api.find("roles/", key="simple-admin")

    def _group(self) -> Row | None:
        return self._api.find("groups/", name=HOST_ADMINS)

    def give(self) -> None:
        role, group, zone = self._role(), self._group(), self._api.find("zones/", name=self._zone)
        if role is None or group is None or zone is None:
            raise CheckFailed(f"role, group {HOST_ADMINS} or zone {self._zone} is missing", repair="make up")
        who = {"role": role["id"], "group": group["id"]}
        self._api.post("grants/", {**who, "scope": "zone", "place": zone["id"]})
