"""Steps that give the demo campus' people their part of the portal."""

from __future__ import annotations

from bootstrap.api import Api
from bootstrap.context import Context
from bootstrap.demo_campus import DIRECTORY
from bootstrap.demo_school import COURSES, SCHOOLS, HostAdmins, Mapping, Schools
from bootstrap.demo_zone import ZONE
from bootstrap.failures import CheckFailed
from bootstrap.steps import Step


class DemoSchools(Step):
    key = "schools"
    title = "Schools of the demo campus"

    def __init__(self, context: Context) -> None:
        self._context = context

    def needed(self) -> str | None:
        first = "make a domain with limits for each"
        if not self._context.token:
            return self._context.unseen(first)
        return first if Schools(self._context.api).missing() else None

    def do(self) -> None:
        Schools(self._context.api).make()

    def prove(self) -> str:
        if missing := Schools(self._context.api).missing():
            raise CheckFailed(f"schools are missing: {', '.join(missing)}", repair="make logs")
        return ", ".join(f"{school.name} (up to {school.limits['machines']} machines)" for school in SCHOOLS)


class DemoMapping(Step):
    """Accounts, courses and roles of the campus' people, by rules: previewed, then applied."""

    key = "mapping"
    title = "What the campus' people are given"

    def __init__(self, context: Context) -> None:
        self._context = context

    def needed(self) -> str | None:
        first = "write rules, preview and apply them"
        if not self._context.token:
            return self._context.unseen(first)
        mapping = self._mapping()
        if mapping is None:
            return first
        missing = mapping.missing()
        return f"see to {', '.join(missing)}" if missing else None

    def _mapping(self) -> Mapping | None:
        api: Api = self._context.api
        row = api.find("directories/", name=DIRECTORY)
        return Mapping(api, row["id"]) if row else None

    def do(self) -> None:
        mapping = self._mapping()
        if mapping is None:
            raise CheckFailed(f"the directory {DIRECTORY} is missing", repair="make up")
        mapping.make()

    def prove(self) -> str:
        mapping = self._mapping()
        if mapping is None or (missing := mapping.missing()):
            what = ", ".join(missing) if mapping else DIRECTORY
            raise CheckFailed(f"of the mapping is missing: {what}", repair="make logs")
        people = sum(1 for row in self._context.api.rows("users/") if row["username"] != "admin")
        return f"{people} people, courses: {', '.join(course.name for course in COURSES)}"


class DemoHostAdmins(Step):
    """A role over infrastructure goes to a group of the directory by a grant."""

    key = "host-admins"
    title = "Who looks after the demo zone"

    def __init__(self, context: Context) -> None:
        self._context = context

    def needed(self) -> str | None:
        first = "grant the role to the directory's group"
        if not self._context.token:
            return self._context.unseen(first)
        return None if HostAdmins(self._context.api, ZONE).is_given() else first

    def do(self) -> None:
        HostAdmins(self._context.api, ZONE).give()

    def prove(self) -> str:
        if not HostAdmins(self._context.api, ZONE).is_given():
            raise CheckFailed("nobody looks after the demo zone", repair="make logs")
        return f"simple admins of zone {ZONE}"
