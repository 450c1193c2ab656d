"""What an event or a job tells of can be asked for again: the snippets are really run."""

from __future__ import annotations

import json
from typing import Any

import pytest

from apps.accounts.actor import Actor
from apps.accounts.models import Account, User
from apps.accounts.tokens import issue_token
from apps.compute.models import SshKeyPair, VirtualMachine
from apps.compute.services import edit
from apps.compute.services.deploy import VmRequest, deploy_batch, deploy_vm
from apps.compute.services.offerings import create_ssh_key
from apps.compute.states import State
from apps.compute.verbs import VERBS
from apps.core.words.events import EVENTS
from apps.jobs import kinds
from apps.jobs.models import Event, Job
from apps.portal.copy_as import TOKEN, ApiRequest, snippets
from apps.portal.never_requested import NO_REQUEST
from apps.portal.past_requests import RECIPES, request_of_event, request_of_job
from apps.zones.models import Host
from tests import factories
from tests.api.client import Api
from tests.api.conftest import PUBLIC_KEY, Cast, cast
from tests.portal.test_copy_as import run

__all__ = ["cast"]


def test_every_kind_has_a_request_or_a_reason_why_not() -> None:
    known = set(RECIPES) | set(NO_REQUEST) | {"vm.deploy_batch", "capacity.recount"}
    assert set(kinds.all_kinds()) | set(VERBS) | set(EVENTS) <= known
    assert not set(RECIPES) & set(NO_REQUEST)


def sent(api: Api, wanted: ApiRequest | None) -> Any:
    assert wanted is not None
    return api.send(wanted.method, wanted.path, None if wanted.body is None else dict(wanted.body))


@pytest.mark.parametrize(
    ("kind", "recorded", "path", "body"),
    [
        ("vm.stop", {}, "virtual-machines/{}/stop/", None),
        ("vm.force_stop", {}, "virtual-machines/{}/force-stop/", None),
        ("vm.rename", {"name": ["a", "b"]}, "virtual-machines/{}/", {"name": "b"}),
        (
            "vm.protect",
            {"delete_protection": [False, True]},
            "virtual-machines/{}/",
            {"delete_protection": True},
        ),
        (
            "zone.change",
            {"dns": [[], ["10.0.0.1"]]},
            "zones/{}/",
            {"dns": ["10.0.0.1"]},
        ),
        ("pod.disable", {}, "pods/{}/disable/", None),
        ("host.connect", {}, "hosts/{}/reconnect/", None),
        ("quota.set", {"limits": {"vcpus": 8}}, "quotas/{}/", {"vcpus": 8}),
        ("ssh_key.delete", {"fingerprint": "x"}, "ssh-keys/{}/", None),
    ],
)
def test_an_event_tells_its_request(kind: str, recorded: dict[str, Any], path: str, body: Any) -> None:
    changes = {name: value for name, value in recorded.items() if isinstance(value, list)}
    data = {name: value for name, value in recorded.items() if name not in changes}
    event = Event(kind=kind, target_uuid="6f1c2a34-0000-4000-8000-000000000001", data=data, changes=changes)
    wanted = request_of_event(event)
    assert wanted is not None
    assert wanted.path == path.format(event.target_uuid)
    assert wanted.body == body


@pytest.mark.django_db
def test_what_is_gone_or_never_was_asked_for_has_no_request() -> None:
    for kind in ("vm.deploy", "ssh_key.create", "template.register", "login_link.create", "vm.record_power"):
        event = Event(kind=kind, target_uuid="6f1c2a34-0000-4000-8000-000000000001", data={})
        assert request_of_event(event) is None
    assert request_of_event(Event(kind="vm.stop", target_uuid=None)) is None


@pytest.mark.django_db
def test_jobs_that_were_cancelled_or_retried_say_so() -> None:
    job = Job(kind="vm.stop", target_uuid="6f1c2a34-0000-4000-8000-000000000001")
    cancelled = Event(kind="vm.stop", target_uuid=job.target_uuid, job=job, data={"requested_by": "ada"})
    retried = Event(kind="vm.stop", target_uuid=job.target_uuid, job=job, data={"how": "retry", "by": "ada"})
    assert request_of_event(cancelled) == ApiRequest("POST", f"jobs/{job.uuid}/cancel/")
    assert request_of_event(retried) == ApiRequest("POST", f"jobs/{job.uuid}/retry/")


def test_user_data_is_never_told(cast: Cast) -> None:
    wanted = VmRequest(
        account=cast.account,
        zone=cast.zone,
        name="web",
        offering=cast.offering,
        template=cast.template,
        ssh_keys=[cast.key],
        user_data="#!/bin/sh\necho s3cr3t\n",
        tags={"for": "tests"},
    )
    _vm, job = deploy_vm(Actor(cast.users["member"]), wanted)
    found = request_of_job(job)
    assert found is not None
    told = snippets(found, "http://127.0.0.1/")
    assert told.variables == (TOKEN, "CLOUDPORTAL_USER_DATA")
    assert all("s3cr3t" not in snippet.text for snippet in told)


def test_which_host_a_machine_is_pinned_to_is_told_to_operators_alone(cast: Cast) -> None:
    host = Host.objects.filter(zone=cast.zone)[0]
    wanted = VmRequest(
        cast.account, cast.zone, "web", cast.offering, cast.template, strategy="pinned", pinned_host=host
    )
    _vm, job = deploy_vm(Actor(cast.users["operator"]), wanted)
    event = Event.objects.get(kind="vm.deploy", job=job)
    for again in (request_of_job(job, operator=True), request_of_event(event, operator=True)):
        assert again is not None
        assert again.body is not None
        assert (again.body["strategy"], again.body["host"]) == ("pinned", str(host.uuid))
    for again in (request_of_job(job), request_of_event(event)):
        assert again is not None
        assert again.body is not None
        assert not {"strategy", "host"} & set(again.body)


def test_a_batch_is_asked_for_again_as_a_batch(cast: Cast) -> None:
    wanted = VmRequest(cast.account, cast.zone, "lab-%02d", cast.offering, cast.template)
    _vms, job = deploy_batch(Actor(cast.users["member"]), wanted, count=2, start=5)
    answer = sent(cast.member, request_of_job(job))
    assert answer.status_code == 202
    assert [vm["name"] for vm in answer.json()["virtual_machines"]] == ["lab-05", "lab-06"]


def test_a_batch_of_which_one_was_renamed_is_asked_for_again_too(cast: Cast) -> None:
    member = Actor(cast.users["member"])
    vms, job = deploy_batch(
        member, VmRequest(cast.account, cast.zone, "lab", cast.offering, cast.template), count=2
    )
    edit.rename_vm(member, vms[0], name="teacher")
    assert sent(cast.member, request_of_job(job)).status_code == 202


def test_a_host_name_of_its_own_and_a_paused_start_are_asked_for_again(cast: Cast) -> None:
    wanted = VmRequest(
        cast.account, cast.zone, "web", cast.offering, cast.template, hostname="db-1", start_paused=True
    )
    _vm, job = deploy_vm(Actor(cast.users["operator"]), wanted)
    again = sent(cast.operator, request_of_job(job, operator=True))
    assert again.status_code == 202
    made = VirtualMachine.objects.get(uuid=again.json()["id"])
    assert (made.hostname, made.start_paused) == ("db-1", True)
    told = request_of_job(job)  # to a member, who may not start a machine paused
    assert sent(cast.member, told).status_code == 202
    assert told is not None
    assert told.body is not None
    assert told.body["hostname"] == "db-1"


def test_what_operators_made_is_asked_for_again(cast: Cast) -> None:
    """Each creating request is understood by the API: it refuses only that the name is taken."""
    made = {
        "regions/": {"name": "Αίγινα"},
        "service-offerings/": {"name": "huge", "vcpus": 8, "memory_mib": 9000},
        "domains/": {"name": "physics", "parent": str(cast.root.uuid)},
        "accounts/": {"name": "lab", "domain": str(cast.root.uuid)},
        "users/": {"username": "ada"},
    }
    for path, body in made.items():
        assert cast.operator.post(path, body).status_code == 201
    zone = cast.operator.post(
        "zones/", {"name": "z", "region": cast.operator.get("regions/").json()["results"][0]["id"]}
    )
    assert zone.status_code == 201
    cluster = {
        "name": "c",
        "pod": cast.operator.get("pods/").json()["results"][0]["id"],
        "hypervisor": "simulator",
    }
    assert cast.operator.post("clusters/", cluster).status_code == 201
    for event in Event.objects.filter(kind__endswith=".create", user=cast.users["operator"]):
        answer = sent(cast.operator, request_of_event(event))
        assert (answer.status_code, answer.json()["code"]) in {(409, "name_taken"), (409, "conflict")}, (
            event.kind
        )


@pytest.mark.servers
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("key", ["curl", "python"])
def test_pasted_snippets_do_again_what_was_done(live_server: Any, key: str) -> None:
    """Against a server of its own: a key stored, a machine made, renamed and thrown away."""
    account, user, vm, ssh_key = _history()
    _row, token = issue_token(Actor.system("test"), user=user, name="test")
    told = {event.kind: request_of_event(event) for event in Event.objects.order_by("id")}
    SshKeyPair.objects.all().delete()

    def paste(kind: str) -> Any:
        wanted = told[kind]
        assert wanted is not None
        text = snippets(wanted, f"{live_server.url}/")[key]
        return json.loads(run(key, text, CLOUDPORTAL_TOKEN=token, CLOUDPORTAL_USER_DATA="#!/bin/sh\n"))

    answer = paste("ssh_key.create")
    assert (answer["name"], answer["public_key"]) == (ssh_key.name, ssh_key.public_key)
    machine = paste("vm.deploy")
    assert machine["id"] != str(vm.uuid)
    assert (machine["name"], machine["account"]["id"]) == ("Ιστός 'α'", str(account.uuid))
    VirtualMachine.objects.filter(pk=vm.pk).update(state=State.STOPPED, name="other")
    assert paste("vm.rename")["name"] == "Ιστός 'α'"
    assert paste("vm.destroy")["job"]["kind"] == "vm.destroy"


def _history() -> tuple[Account, User, VirtualMachine, SshKeyPair]:
    """A member's machine that was made, renamed and thrown away, and a key."""
    factories.root_domain()
    account = factories.make_account()
    user = factories.make_user(account)
    actor, zone = Actor(user), factories.make_zone()
    ssh_key = create_ssh_key(actor, account=account, name='Κλειδί "x"', public_key=PUBLIC_KEY)
    wanted = VmRequest(
        account=account,
        zone=zone,
        name="web",
        offering=factories.make_offering(),
        template=factories.make_template(zone, account),
        user_data="#!/bin/sh\n",
        tags={"$(id)": "`id` 'x'"},
    )
    vm, job = deploy_vm(actor, wanted)
    edit.rename_vm(actor, vm, name="Ιστός 'α'")
    Event.objects.create(
        kind="vm.destroy", phase="submitted", target_uuid=vm.uuid, target_type="virtual-machine"
    )
    Job.objects.filter(pk=job.pk).delete()
    return account, user, vm, ssh_key
