"""A campus on simulated hosts with one of everything that a page can show."""

from __future__ import annotations

import json
from pathlib import Path

from tests.browser.pages import MEMBER, OPERATOR
from tests.stack import Stack

MACHINES = 120
_BUILD = f"""
from workers.campus.build import build_campus
build_campus({MACHINES})
"""
_FIND = """
import json
from django.test import Client
from apps.accounts.models import User
from apps.compute.models import VirtualMachine
machines = VirtualMachine.objects.order_by("id")
found = {state.lower(): machines.filter(state=state).first() for state in ("Running", "Error", "Destroyed")}
found["stopped"] = machines.filter(state="Stopped").first()
member = User.objects.filter(memberships__account=found["stopped"].account, is_super_admin=False).first()
sessions = {}
for name, user in (("admin", User.objects.get(username="admin")), ("member", member)):
    client = Client()
    client.force_login(user)
    sessions[name] = client.cookies["sessionid"].value
print(json.dumps({"objects": {name: str(row.uuid) for name, row in found.items()}, "sessions": sessions}))
"""


class Site:
    """`objects` are the public ids that addresses of `tests.browser.pages` name; `sessions` are cookies
    of the operator and of a member of an account."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        stack.python(_BUILD)
        found = json.loads(stack.python(_FIND))
        self.objects: dict[str, str] = found["objects"]
        self.sessions: dict[str, str] = {"": "", OPERATOR: found["sessions"]["admin"]}
        self.sessions[MEMBER] = found["sessions"]["member"]
        self.folder: Path = stack.folder
