"""Steps that bring the demo campus: a directory of our own, whose people log in to the portal."""

from __future__ import annotations

import json
import secrets
import shutil
from pathlib import Path
from typing import Any

from bootstrap import campus, debian, slapd
from bootstrap.context import Context
from bootstrap.failures import CheckFailed
from bootstrap.installation import Installation, free_port, write_private
from bootstrap.steps import Step
from bootstrap.terminal import succeeds

DIRECTORY = "Demo campus"
READER = "reader"
TEST_SECONDS = 60.0
Row = dict[str, Any]


class CampusPackages(Step):
    """Apart from the other packages: Debian starts an LDAP server for the whole network with slapd, and
    ours is for loopback alone."""

    key = "directory-packages"
    title = "Packages of the directory"

    def __init__(self, context: Context) -> None:
        self._log = context.installation.log / "install.log"
        self._packages = debian.lists(context.installation.root, ["directory"])

    def needed(self) -> str | None:
        missing = debian.missing(self._packages)
        return f"install {len(missing)} of {len(self._packages)}" if missing else None

    def do(self) -> None:
        missing = debian.missing(self._packages)
        debian.install(missing, self._log, start_services=False)
        if any(package.name == "slapd" for package in missing) and shutil.which("update-rc.d"):
            succeeds(["update-rc.d", "slapd", "disable"])

    def prove(self) -> str:
        if missing := [package.name for package in debian.missing(self._packages)]:
            raise CheckFailed(
                f"packages are missing: {', '.join(missing)}",
                repair=f"apt-get install --yes --no-install-recommends {' '.join(missing)}",
            )
        return f"{len(self._packages)} installed"


class DemoCampus(Step):
    """The directory's files. Its passwords are random, and lie in a file of their own."""

    key = "campus"
    title = "Demo campus"

    def __init__(self, context: Context) -> None:
        self._installation = context.installation

    def needed(self) -> str | None:
        return None if self._is_made() else "make a directory with two schools"

    def _is_made(self) -> bool:
        installation = self._installation
        there = (installation.campus / "slapd.conf").exists() and (installation.campus / "data").is_dir()
        return there and bool(installation.memory.campus_ports) and bool(passwords(installation))

    def do(self) -> None:
        installation = self._installation
        folder = installation.campus
        folder.mkdir(exist_ok=True)
        folder.chmod(0o700)
        chosen = {person.uid: _password() for person in campus.CAMPUS} | {READER: _password()}
        write_private(passwords_file(installation), json.dumps(chosen, indent=1) + "\n")
        slapd.make_authority(folder)
        text = slapd.configuration(
            folder, suffix=campus.SUFFIX, root_password=_password(), reader=campus.READER
        )
        slapd.load(folder, text, campus.entries(chosen, chosen[READER]))
        first = free_port(10389)
        installation.memory.campus_ports = [first, free_port(first + 1)]
        installation.save()

    def prove(self) -> str:
        return f"{len(campus.CAMPUS)} people, {len(campus.group_members())} groups"


class DemoDirectory(Step):
    """The campus' directory in the portal, tested."""

    key = "directory"
    title = "Login through the demo campus"

    def __init__(self, context: Context) -> None:
        self._context = context

    def needed(self) -> str | None:
        first = "let its people log in"
        if not self._context.token:
            return self._context.unseen(first)
        row = self._row()
        if row is None:
            return first
        if self._differs(row):
            return "tell the portal where the directory is now"
        return None if (row["test"] or {}).get("ok") else "test the connection"

    def _row(self) -> Row | None:
        return self._context.api.find("directories/", name=DIRECTORY)

    def _differs(self, row: Row) -> bool:
        wanted = self._where()
        return any(row[name].strip() != wanted[name].strip() for name in ("ca_certificate", "bind_dn")) or (
            row["servers"] != wanted["servers"]
        )

    def _where(self) -> Row:
        installation = self._context.installation
        return {
            "servers": list(installation.campus_uris),
            "ca_certificate": (installation.campus / "ca.pem").read_text(),
            "bind_dn": campus.READER,
        }

    def do(self) -> None:
        api = self._context.api
        password = {"bind_password": passwords(self._context.installation)[READER]}
        row = self._row()
        if row is None:
            kind = {"name": DIRECTORY, "kind": "openldap"}
            bases = {"people_bases": [campus.PEOPLE], "group_bases": [campus.GROUPS]}
            row = api.post("directories/", {**kind, **bases, **self._where(), **password})
        elif self._differs(row):
            row = api.patch(f"directories/{row['id']}/", {**self._where(), **password})
        tested = api.post(f"directories/{row['id']}/test/", {})
        api.await_job(tested, "testing the directory", seconds=TEST_SECONDS)

    def prove(self) -> str:
        row = self._row()
        test = (row or {}).get("test") or {}
        if not test.get("ok"):
            why = [server.get("detail", "") for server in test.get("servers", [])]
            raise CheckFailed(
                "the demo campus' directory does not answer", repair="make logs", details=", ".join(why)
            )
        return f"{test['people']} people, {test['groups']} groups, over TLS"


def _password() -> str:
    return secrets.token_urlsafe(9)


def passwords_file(installation: Installation) -> Path:
    return installation.secrets / "campus.json"


def passwords(installation: Installation) -> dict[str, str]:
    """By user name; empty where there is no campus."""
    try:
        found: dict[str, str] = json.loads(passwords_file(installation).read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return found


def summary(installation: Installation) -> Row:
    """What up.json tells of the campus."""
    known = passwords(installation)
    people = [
        {"username": person.uid, "password": known[person.uid], "what": person.what}
        for person in campus.CAMPUS
        if person.uid in known
    ]
    return {"directory": DIRECTORY, "people": people}
