"""A campus on simulated hosts with one of everything that a page can show."""

from __future__ import annotations

import json
from typing import Any

from tests.browser.mapped import show_a_mapping
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
    leave_jobs()


def begin_a_launch() -> None:
    """A zone under way whose host nobody reaches, and a draft of another one."""
    from django.conf import settings

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
    texts["secondary"]["path"] = str(settings.VAR / "images")
    apply_document(admin, dump(compose(texts)))
    texts["zone"]["name"] = "Draft"
    texts["host"]["hosts"] = "near 10.250.0.12"
    for step, typed in texts.items():
        save_step(admin, step, typed)


def leave_jobs() -> None:
    """A job that is stuck, one that waits, and a batch of which a part failed."""
    from datetime import timedelta

    from django.utils import timezone

    from apps.accounts.models import User
    from apps.compute.models import VirtualMachine
    from apps.compute.states import State
    from apps.jobs.models import Job, JobState

    running = VirtualMachine.objects.filter(state=State.RUNNING)
    machines = running.order_by("id")[1:4]  # neither the one that pages show nor the newest of the lists
    admin = User.objects.get(username="admin")
    columns = {"user": admin, "actor_label": admin.username, "target_type": "virtual-machine"}

    def job(number: int, kind: str, **more: Any) -> Job:
        vm = machines[number]
        about = {"target_uuid": vm.uuid, "target_name": vm.name, "account": vm.account}
        return Job.objects.create(kind=kind, **columns, **about, **more)

    tomorrow = timezone.now() + timedelta(days=1)
    error = {"code": "host_unreachable", "params": {}, "technical": "ssh: connect: no route to host"}
    plan = ["AskGuest", "PointOfNoReturn", "ForceOff", "ForgetMachine", "ReleaseCompute"]
    stopping = {"plan": plan, "trail": plan[:3], "midstep": True, "timings": {"AskGuest": 4.2}}
    job(0, "vm.stop", state=JobState.STUCK, error=error, cancellable=False, due=tomorrow, **stopping)
    job(1, "vm.reboot", state=JobState.WAITING, note="waiting_for_job", due=tomorrow)
    half = {"code": "batch_incomplete", "params": {"done": 1, "failed": 1}}
    ended = {"finished_at": timezone.now()}
    batch = job(2, "vm.deploy_batch", state=JobState.FAILED, error=half, **ended)
    for state in (JobState.DONE, JobState.FAILED):
        job(2, "vm.deploy", state=state, parent=batch, percent=100, **ended)


def show_a_key(zone: Any, other: Any) -> Any:
    """A host of the zone, not `other`, that shows a key which nobody trusts yet."""
    from apps.zones.models import Host

    host = Host.objects.filter(zone=zone).exclude(pk=other.pk).order_by("-id")[0]
    shown = {"state": "Alert", "state_reason": "host_key_untrusted", "shown_key": SSH_KEY["public_key"]}
    Host.objects.filter(pk=host.pk).update(**shown)
    return host


def domain_of(account: Any) -> Any:
    """A domain below ROOT with one in it; the account stays where it is."""
    from apps.accounts.actor import Actor
    from apps.accounts.models import Domain
    from apps.accounts.services import create_domain

    found = Domain.objects.filter(name="Science").first()
    if found is not None:
        return found
    actor = Actor.system("a site to look at")
    made = create_domain(actor, name="Science", parent=account.domain)
    create_domain(actor, name="Physics", parent=made)
    return made


def show_a_directory() -> Any:
    """A campus' directory whose second server was given a wrong certificate."""
    from django.utils import timezone

    from apps.accounts.actor import Actor
    from apps.accounts.directory import services
    from apps.accounts.directory.failures import STEPS
    from apps.accounts.models import Directory

    if known := Directory.objects.first():
        return known
    servers = ["ldaps://ldap1.campus.example", "ldap://ldap2.campus.example"]
    row = services.create_directory(
        Actor.system("test"),
        kind="openldap",
        name="Campus",
        servers=servers,
        people_bases=["ou=people,dc=campus,dc=example"],
        group_bases=["ou=groups,dc=campus,dc=example"],
    )
    steps = [{"step": step, "ok": True, "ms": 3} for step in STEPS]
    failed = [*steps[:2], {"step": "tls", "ok": False, "ms": 8}]
    well = {"server": servers[0], "ok": True, "steps": steps}
    unwell = {"server": servers[1], "ok": False, "steps": failed, "reason": "tls_expired", "technical": "x"}
    Directory.objects.filter(pk=row.pk).update(
        tested_at=timezone.now(),
        test={"ok": True, "servers": [well, unwell], "people": 200, "groups": 15, "more": True},
    )
    return row


def credentials_of(member: Any, account: Any) -> dict[str, Any]:
    """A token and a session of the member's, and a service account beside them."""
    from apps.accounts.models import ApiToken, Session, User

    robot = User.objects.get_or_create(username="backup-robot", kind="service", service_of=account)[0]
    keys = {"digest": "0" * 64, "user": member, "name": "nightly"}
    told = {"user": member, "session_data": "", "address": "192.0.2.7", "agent": "Firefox, Linux"}
    session = Session.objects.get_or_create(
        session_key="elsewhere", defaults={**told, "expire_date": "2999-01-01T00:00:00Z"}
    )[0]
    return {
        "member": member,
        "robot": robot,
        "session": session,
        "token": ApiToken.objects.get_or_create(**keys)[0],
    }


def projects_of(member: Any) -> dict[str, Any]:
    """A project that the member runs, whom it invites, and an invitation for the member."""
    from datetime import timedelta

    from django.utils import timezone

    from apps.accounts.actor import Actor
    from apps.accounts.models import Account, Invitation, Membership, User
    from apps.accounts.projects import create_project
    from apps.accounts.roles.ready import ready
    from apps.accounts.services import create_root_domain

    admin = User.objects.get(username="admin")
    account = Account.objects.filter(name="Wind tunnel").first()
    if account is None:
        given = {"domain": create_root_domain(), "owner": member, "description": "How air flows around wings"}
        account = create_project(Actor.system("the campus"), name="Wind tunnel", **given).account
        Membership.objects.create(user=admin, account=account)
    role = {"role": ready("user"), "invited_by": admin, "expires_at": timezone.now() + timedelta(days=7)}
    own = Account.objects.filter(memberships__user=admin).exclude(pk=account.pk).first() or account
    return {
        "project": account,
        "invited": Invitation.objects.get_or_create(account=account, email="ada@example.org", defaults=role)[
            0
        ],
        "invitation": Invitation.objects.get_or_create(
            account=own, username=member.username.lower(), defaults=role
        )[0],
    }


def rights_of(member: Any, account: Any) -> dict[str, Any]:
    """A custom role, and who holds it."""
    from apps.accounts.models import Grant, Role

    rules = [["deny", "vm.destroy"], ["allow", "vm.*"]]
    role = Role.objects.get_or_create(name="Tutor", domain=None, defaults={"rules": rules})[0]
    grant = Grant.objects.filter(user=member, role=role).first() or Grant.objects.create(
        user=member, role=role, scope="account", account=account
    )
    return {"role": role, "grant": grant, "person": member}


def found() -> dict[str, Any]:
    """Public ids of what there is one of, and sessions of people who have just logged in."""
    from django.test import Client

    from apps.accounts.models import User
    from apps.compute.models import SshKeyPair, VirtualMachine
    from apps.compute.states import State
    from apps.jobs.models import Event, Job, JobState
    from apps.launch.models import Launch
    from apps.portal.models import SavedView
    from apps.storage.models import PrimaryStorage, SecondaryStorage
    from apps.zones.models import Host, HostState

    machines = VirtualMachine.objects.order_by("id")
    states = (State.RUNNING, State.STOPPED, State.ERROR, State.DESTROYED)
    rows: dict[str, Any] = {state.lower(): machines.filter(state=state).first() for state in states}
    account = rows["stopped"].account
    rows |= {
        "stuck": Job.objects.get(state=JobState.STUCK),
        "waiting": Job.objects.get(state=JobState.WAITING, note="waiting_for_job", kind="vm.reboot"),
        "batch": Job.objects.filter(kind="vm.deploy_batch", state=JobState.FAILED)[0],
        "done": Job.objects.filter(kind="vm.deploy", state=JobState.DONE).order_by("id")[0],
    }
    rows["event"] = Event.objects.filter(kind="host.add").first() or Event.objects.order_by("id").first()
    rows["ssh_key"] = SshKeyPair.objects.get_or_create(account=account, name="laptop", defaults=SSH_KEY)[0]
    rows["launch"] = Launch.objects.get()
    mine = {"user": User.objects.get(username="admin"), "list_key": "machines", "name": "Running"}
    rows["view"] = SavedView.objects.get_or_create(**mine, defaults={"query": "state=Running"})[0]
    rows["launched"] = Host.objects.get(zone=rows["launch"].zone)
    shown = Host.objects.filter(pk=rows["launched"].pk)
    shown.update(state=HostState.ALERT, state_reason="host_key_untrusted", shown_key=SSH_KEY["public_key"])
    rows["host"] = rows["running"].host
    rows |= {"cluster": rows["host"].cluster, "pod": rows["host"].pod, "zone": rows["host"].zone}
    rows["region"], rows["unwell"] = rows["zone"].region, show_a_key(rows["zone"], rows["host"])
    rows["primary_storage"] = PrimaryStorage.objects.filter(zone=rows["zone"])[0]
    rows["secondary_storage"] = SecondaryStorage.objects.filter(zone=rows["zone"])[0]
    rows["template"], rows["offering"] = rows["stopped"].template, rows["stopped"].offering
    rows["directory"] = show_a_directory()
    rows |= show_a_mapping(rows["directory"], account)
    member = User.objects.filter(memberships__account=account, is_super_admin=False)[0]
    rows |= credentials_of(member, account) | projects_of(member) | rights_of(member, account)
    rows |= {"account": account, "member": member, "domain": domain_of(account)}
    sessions = {NOBODY: ""}
    for name, user in ((OPERATOR, User.objects.get(username="admin")), (MEMBER, member)):
        client = Client()
        client.force_login(user)
        sessions[name] = client.cookies["sessionid"].value
    return {"objects": {name: str(row.uuid) for name, row in rows.items()}, "sessions": sessions}
