"""A campus on simulated hosts with one of everything that a page can show."""

from __future__ import annotations

import json
from typing import Any

from tests.browser.pages import MEMBER, NOBODY, OPERATOR
from tests.stack import Stack

MACHINES = 120
SSH_KEY = {
    "public_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl",
    "fingerprint": "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
}
_PREPARE = """
import json
from tests.browser.site import furnish, found
furnish()
print(json.dumps(found()))
"""


class Site:
    """`objects` are the public ids that addresses of `tests.browser.pages` name; `sessions` are cookies
    of the operator, of a member of an account, and of nobody."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        answer = json.loads(stack.python(_PREPARE))
        self.objects: dict[str, str] = answer["objects"]
        self.sessions: dict[str, str] = answer["sessions"]


def furnish(machines: int = MACHINES) -> None:
    """Build the campus, in a process that has Django set up."""
    from workers.campus.build import build_campus

    build_campus(machines)
    begin_a_launch()


def begin_a_launch() -> None:
    """A zone under way whose host nobody reaches, and a draft of another one."""
    from apps.accounts.actor import Actor
    from apps.accounts.models import User
    from apps.launch.apply import apply_document
    from apps.launch.draft import DEFAULTS, compose
    from apps.launch.export import dump
    from apps.launch.services import save_step

    admin = Actor(User.objects.get(username="admin"))
    pod = {"gateway": "10.250.0.1", "guest_start": "10.250.0.100", "guest_end": "10.250.0.200"}
    texts = {step: dict(defaults) for step, defaults in DEFAULTS.items()}
    texts["zone"]["name"] = "Under way"
    texts["pod"].update(pod)
    texts["host"]["hosts"] = "far 10.250.0.11"
    apply_document(admin, dump(compose(texts)))
    texts["zone"]["name"] = "Draft"
    texts["host"]["hosts"] = "near 10.250.0.12"
    for step, typed in texts.items():
        save_step(admin, step, typed)


def found() -> dict[str, Any]:
    """Public ids of what there is one of, and sessions of people who have just logged in."""
    from django.test import Client

    from apps.accounts.models import User
    from apps.compute.models import SshKeyPair, VirtualMachine
    from apps.compute.states import State
    from apps.launch.models import Launch
    from apps.zones.models import Host

    machines = VirtualMachine.objects.order_by("id")
    states = (State.RUNNING, State.STOPPED, State.ERROR, State.DESTROYED)
    rows: dict[str, Any] = {state.lower(): machines.filter(state=state).first() for state in states}
    account = rows["stopped"].account
    rows["ssh_key"] = SshKeyPair.objects.get_or_create(account=account, name="laptop", defaults=SSH_KEY)[0]
    rows["launch"] = Launch.objects.get()
    rows["zone"] = rows["launch"].zone
    rows["launched"] = Host.objects.get(zone=rows["zone"])
    member = User.objects.filter(memberships__account=account, is_super_admin=False)[0]
    sessions = {NOBODY: ""}
    for name, user in ((OPERATOR, User.objects.get(username="admin")), (MEMBER, member)):
        client = Client()
        client.force_login(user)
        sessions[name] = client.cookies["sessionid"].value
    return {"objects": {name: str(row.uuid) for name, row in rows.items()}, "sessions": sessions}
