"""`make up`: from a fresh checkout to a booted machine. `make demo`: the same portal on the simulator."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bootstrap import demo_campus
from bootstrap.api import Api
from bootstrap.context import Context
from bootstrap.demo_campus import CampusPackages, DemoCampus, DemoDirectory
from bootstrap.demo_machine import DemoMachine
from bootstrap.demo_people import DemoHostAdmins, DemoMapping, DemoSchools
from bootstrap.demo_template import DemoTemplate, TinyImage
from bootstrap.demo_zone import DemoZone, GuestBridge
from bootstrap.documentation import Documentation
from bootstrap.failures import CheckFailed
from bootstrap.installation import Installation, write_private
from bootstrap.kvm_device import KvmDevice
from bootstrap.privileges import become_root
from bootstrap.services import Database, Processes, Settings, StaticFiles
from bootstrap.simulated import SimulatedCampus
from bootstrap.software import DebianPackages, FrontEndFiles, PythonPackages
from bootstrap.steps import Step, carry_out
from bootstrap.terminal import say

ADMIN = "admin"
TOKEN_NAME = "make up"  # noqa: S105 - what it is called


class Access(Step):
    """A token for the installer itself; everything after this step goes through the API."""

    key = "access"
    title = "Access to the API"

    def __init__(self, context: Context) -> None:
        self._context = context
        self._known = read_up_file(context.installation).get("api_token", "")

    def needed(self) -> str | None:
        if self._known and self._context.supervisor.is_running() and self._accepts(self._known):
            self._context.token = self._known
            return None
        return "issue a token to this installer"

    def _accepts(self, token: str) -> bool:
        try:
            installation = self._context.installation
            Api(installation.url, token, installation.headers).get("zones/")
        except CheckFailed:
            return False
        return True

    def do(self) -> None:
        what = "issuing a token"
        asked = ("issue_token", "--user", ADMIN, "--name", TOKEN_NAME)
        self._context.token = self._known = self._context.portal.ask(*asked, what=what)
        write_up_file(self._context.installation, {"api_token": self._known})

    def prove(self) -> str:
        self._context.api.get("zones/")
        return self._context.installation.url


def up(root: Path, var: Path) -> None:
    """Bring this machine to a running portal with a booted machine, and write up.json."""
    become_root()
    context = _prepare(Installation(root, var), "kvm")
    image = TinyImage(context)
    machine = DemoMachine(context)
    steps: list[Step] = [
        DebianPackages(context, ["host", "guest"]),
        CampusPackages(context),
        KvmDevice(),
        PythonPackages(context, ["base", "redis", "kvm", "ldap", "docs"]),
        FrontEndFiles(context),
        Documentation(context),
        Settings(context),
        StaticFiles(context),
        Database(context),
        DemoCampus(context),
        Processes(context),
        Access(context),
        DemoDirectory(context),
        GuestBridge(context),
        image,
        DemoZone(context),
        DemoTemplate(context, image),
        DemoSchools(context),
        DemoMapping(context),
        DemoHostAdmins(context),
        machine,
    ]
    _finish(context, steps, machine)


def demo(root: Path, var: Path) -> None:
    """The portal on simulated hosts: no root, no libvirt, no packages."""
    context = _prepare(Installation(root, var), "simulator")
    steps: list[Step] = [
        PythonPackages(context, ["base", "redis", "docs"]),
        FrontEndFiles(context),
        Documentation(context),
        Settings(context),
        StaticFiles(context),
        Database(context),
        SimulatedCampus(context),
        Processes(context),
        Access(context),
    ]
    _finish(context, steps, None)


def _prepare(installation: Installation, kind: Any) -> Context:
    installation.create()
    installation.memory.kind = kind
    installation.memory.stopped = False
    installation.remember_environment(os.environ)
    installation.choose_ports()
    installation.save()
    return Context.of(installation)


def _finish(context: Context, steps: Sequence[Step], machine: DemoMachine | None) -> None:
    seconds, changed = carry_out(steps)
    installation = context.installation
    link = login_link(context)
    facts: dict[str, Any] = {
        "url": installation.url + "/",
        "login_url": link,
        "api_token": context.token,
        "seconds": seconds,
    }
    if machine is not None:
        facts["vm"] = machine.summary()
        facts["campus"] = demo_campus.summary(installation)
    write_up_file(installation, facts)
    say()
    say("Nothing had to be changed." if not changed else f"Done in {seconds['total']:.0f} s.")
    say(f"Portal  {installation.public_url}/")
    say(f"Log in  {link}   (once, within minutes; a new link: make login)")
    if machine is not None:
        say(f"Machine {machine.ssh_command()}")
        _say_people(facts["campus"]["people"], installation)
    say(f"Facts   {installation.up_file}")
    say(f"Stop    {stop_command(installation)}")


def _say_people(people: Sequence[dict[str, str]], installation: Installation) -> None:
    """Who there is to log in as. Passwords are in the file alone, which only its owner reads."""
    wide = max((len(person["username"]) for person in people), default=0)
    for number, person in enumerate(people):
        say(f"{'Campus' if not number else '':7} {person['username']:{wide}}  {person['what']}")
    say(f"{'':7} Their passwords: {installation.up_file}")


def stop_command(installation: Installation) -> str:
    """How to stop this installation and no other one of the checkout."""
    alone = installation.var != installation.root / "var"
    return f"CLOUDPORTAL_VAR={installation.var} make down" if alone else "make down"


def login_link(context: Context) -> str:
    """A link that logs the administrator in once. Its secret is shown here and written to up.json only."""
    asked = ("login_link", "--user", ADMIN, "--url", context.installation.public_url)
    return context.portal.ask(*asked, what="making a login link")


def login(installations: Sequence[Installation]) -> None:
    """Print a fresh login link for every portal that runs."""
    running = [Context.of(found) for found in installations]
    running = [context for context in running if context.supervisor.is_running()]
    if not running:
        raise CheckFailed("no portal is running here", repair="make up  (or: make demo)")
    for context in running:
        say(login_link(context))


def read_up_file(installation: Installation) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(installation.up_file.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return found


def write_up_file(installation: Installation, facts: dict[str, Any]) -> None:
    write_private(installation.up_file, json.dumps(facts, indent=1) + "\n")
