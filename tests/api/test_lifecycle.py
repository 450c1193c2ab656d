"""A machine's life through the API alone, on simulated hosts: each act is submitted, done, and seen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings

from apps.accounts.models import Account
from apps.accounts.services import create_root_domain
from apps.compute import placement
from apps.compute.api.serializers import ACTION_PATHS
from apps.compute.models import ConsoleLog, VirtualMachine
from apps.compute.states import State
from apps.compute.verbs import VERBS
from apps.jobs.models import Event, Job
from apps.storage.models import Template
from apps.zones.models import Zone
from tests import factories
from tests.api.client import Api, code
from tests.api.jobs import settle
from workers import hosts
from workers.drivers.simulator.control import Simulator


@pytest.fixture
def simulator(transactional_db: None) -> Iterator[Simulator]:
    simulator = Simulator(str(settings.VAR / "simulator.sqlite3"))
    simulator.reset()
    yield simulator
    hosts.drop_all()


class Site:
    """A zone built through the API by an operator, and a member who uses it."""

    def __init__(self, folder: str) -> None:
        root = create_root_domain()
        self.account: Account = factories.make_account(root)
        self.operator = Api(factories.make_user(factories.make_account(root), super_admin=True))
        self.member = Api(factories.make_user(self.account))
        self.region = self.made("regions/", {"name": "Region"})
        self.zone = self.made("zones/", {"name": "Ζώνη", "region": self.region["id"]})
        self.pod = self.made(
            "pods/",
            {
                "name": "pod",
                "zone": self.zone["id"],
                "cidr": "10.9.0.0/24",
                "gateway": "10.9.0.1",
                "guest_start": "10.9.0.10",
                "guest_end": "10.9.0.19",
                "bridge": "cpbr0",
            },
        )
        cluster = {"name": "c", "pod": self.pod["id"], "hypervisor": "simulator"}
        self.cluster = self.made("clusters/", cluster)
        self.hosts = [
            self.made("hosts/", {"name": f"h{n}", "cluster": self.cluster["id"], "driver": "simulator"}, 202)
            for n in (1, 2)
        ]
        settle()
        pool = {"name": "pool", "zone": self.zone["id"], "scope": "cluster", "path": "/srv/pool"}
        self.pool = self.made("primary-storages/", {**pool, "cluster": self.cluster["id"]}, 202)
        self.made("secondary-storages/", {"name": "s", "zone": self.zone["id"], "path": folder}, 202)
        settle()
        template = factories.make_template(Zone.objects.get(uuid=self.zone["id"]), self.account)
        self.template = self.operator.get(f"templates/{template.uuid}/").json()
        self.offering = self.made("service-offerings/", {"name": "Small", "vcpus": 1, "memory_mib": 512})

    def made(self, path: str, body: dict[str, Any], status: int = 201) -> Any:
        answer = self.operator.post(path, body)
        assert answer.status_code == status, answer.content
        return answer.json()

    def wanted(self, **changes: Any) -> dict[str, Any]:
        return {
            "name": "web",
            "zone": self.zone["id"],
            "offering": self.offering["id"],
            "template": self.template["id"],
            **changes,
        }

    def vm(self, vm: dict[str, Any]) -> Any:
        return self.member.get(f"virtual-machines/{vm['id']}/").json()

    def act(self, vm: dict[str, Any], verb: str) -> Any:
        """Submit a verb, see the job, do it; the machine afterwards."""
        answer = self.member.post(f"virtual-machines/{vm['id']}/{verb}/")
        assert answer.status_code == 202, answer.content
        job = answer.json()["job"]
        assert answer["Location"].endswith(f"/api/v1/jobs/{job['id']}/")
        settle()
        done = self.member.get(f"jobs/{job['id']}/").json()
        assert (done["state"], done["percent"], done["error"]) == ("done", 100, None), done
        assert {step["state"] for step in done["steps"]} == {"done"}
        return self.vm(vm)


@pytest.fixture
def site(simulator: Simulator, tmp_path: Any) -> Site:
    return Site(str(tmp_path))


def offered_in(state: State) -> set[str]:
    """What the verbs' declarations let its owner do to a machine at rest in this state."""
    return {path for kind, path in ACTION_PATHS.items() if state in VERBS[kind].from_states}


def test_hosts_and_pools_connect(site: Site) -> None:
    host = site.operator.get(f"hosts/{site.hosts[0]['id']}/").json()
    assert (host["state"], host["job"]) == ("Up", None)
    assert host["capacity_vcpus"] > 0
    pool = site.operator.get(f"primary-storages/{site.pool['id']}/").json()
    assert pool["promised_bytes"] == 2 * pool["capacity_bytes"] > 0


def test_what_is_on_its_way_to_the_trash_is_not_protected_any_more(site: Site) -> None:
    vm = site.member.post("virtual-machines/", site.wanted()).json()
    settle()
    path = f"virtual-machines/{vm['id']}/"
    assert site.member.patch(path, {"delete_protection": True}).status_code == 200
    assert "destroy" not in site.vm(vm)["actions"]
    refused = site.member.post(f"{path}destroy/")
    assert (refused.status_code, refused.json()["params"]["reason"]) == (409, "delete_protected")
    site.member.patch(path, {"delete_protection": False})
    assert site.member.post(f"{path}destroy/").status_code == 202
    busy = site.member.patch(path, {"delete_protection": True})
    assert (busy.status_code, busy.json()["code"]) == (409, "resource_busy")
    settle()
    assert site.member.patch(path, {"delete_protection": True}).status_code == 200
    assert site.vm(vm)["actions"] == ["recover"]
    assert site.member.patch(path, {"delete_protection": False}).status_code == 200
    assert set(site.vm(vm)["actions"]) == {"recover", "expunge"}


def test_a_life_from_deploy_to_expunge(site: Site, simulator: Simulator) -> None:
    answer = site.member.post("virtual-machines/", site.wanted(tags={"course": "ΦΥΣ-101"}))
    assert answer.status_code == 202
    vm = answer.json()
    assert (vm["state"], vm["ip"], vm["job"]["kind"]) == ("Starting", None, "vm.deploy")
    assert vm["actions"] == []
    settle()

    vm = site.vm(vm)
    assert (vm["state"], vm["job"], vm["error"]) == ("Running", None, None)
    assert vm["ip"].startswith("10.9.0.1")
    assert set(vm["actions"]) == offered_in(State.RUNNING) >= {"stop", "force-stop", "reboot", "destroy"}
    assert len(simulator.world().machines) == 1

    assert site.act(vm, "reboot")["state"] == "Running"
    vm = site.act(vm, "stop")
    assert (vm["state"], vm["ip"] is not None) == ("Stopped", True)
    bigger = site.made("service-offerings/", {"name": "Big", "vcpus": 2, "memory_mib": 1024})
    edited = site.member.patch(
        f"virtual-machines/{vm['id']}/", {"name": "Νέο", "offering": bigger["id"], "tags": {}}
    ).json()
    assert (edited["name"], edited["vcpus"], edited["tags"]) == ("Νέο", 2, {})
    assert site.act(vm, "start")["state"] == "Running"
    assert site.act(vm, "force-stop")["state"] == "Stopped"
    vm = site.act(vm, "destroy")
    assert (vm["state"], vm["expunge_after"] is not None) == ("Destroyed", True)
    assert set(vm["actions"]) == offered_in(State.DESTROYED) >= {"recover", "expunge"}
    assert site.member.post(f"virtual-machines/{vm['id']}/recover/").json()["state"] == "Stopped"
    assert site.member.delete(f"virtual-machines/{vm['id']}/").status_code == 202
    settle()
    job = site.member.post(f"virtual-machines/{vm['id']}/expunge/").json()["job"]
    settle()
    assert site.member.get(f"jobs/{job['id']}/").json()["state"] == "done"
    assert code(site.member.get(f"virtual-machines/{vm['id']}/"))[:2] == (404, "not_found")

    assert placement.recount() == []
    world = simulator.world()
    assert (world.machines, world.volumes, world.seeds) == ((), (), ())
    assert simulator.violations() == []


def test_the_events_tell_the_story(site: Site) -> None:
    vm = site.member.post("virtual-machines/", site.wanted()).json()
    settle()
    site.act(vm, "stop")
    events = site.member.get(f"virtual-machines/{vm['id']}/events/").json()["results"]
    assert [(event["kind"], event["phase"]) for event in events] == [
        ("vm.stop", "done"),
        ("vm.stop", "submitted"),
        ("vm.deploy", "done"),
        ("vm.deploy", "submitted"),
    ]
    assert {event["actor"] for event in events} == {site.member.user.username}  # type: ignore[union-attr]
    assert all(event["request_id"] for event in events)


def test_a_batch_has_a_result_an_item(site: Site) -> None:
    body = site.wanted(name="node-%02d", count=3, start=9)
    answer = site.member.post("virtual-machines/batch/", body).json()
    assert [vm["name"] for vm in answer["virtual_machines"]] == ["node-09", "node-10", "node-11"]
    assert {vm["job"]["parent"] for vm in answer["virtual_machines"]} == {answer["job"]["id"]}
    settle()
    parent = site.member.get(f"jobs/{answer['job']['id']}/").json()
    assert (parent["state"], parent["children_by_state"]) == ("done", {"done": 3})
    assert [child["target"]["name"] for child in parent["children"]] == ["node-09", "node-10", "node-11"]
    assert site.member.get("virtual-machines/?state=Running").json()["total"] == 3


def test_placement_is_explained_to_both(site: Site) -> None:
    vm = site.member.post("virtual-machines/", site.wanted()).json()
    settle()
    path = f"virtual-machines/{vm['id']}/placement/"
    mine = site.member.get(path)
    assert mine.json()["fits"] is True
    assert mine.json()["explanation"]["considered"] == 2
    for host in site.hosts:
        assert host["id"] not in mine.content.decode()
    told = site.operator.get(path).json()["explanation"]
    assert told["chosen"]["host"]["uuid"] in {host["id"] for host in site.hosts}
    every = site.operator.get(f"{path}?full=1").json()
    assert set(every) == {"considered", "fitting", "results", "next_cursor"}
    assert [entry["host"]["name"] for entry in every["results"]] == ["h1", "h2"]
    after = every["results"][0]["host"]["uuid"]
    rest = site.operator.get(f"{path}?full=1&cursor={after}").json()
    assert [entry["host"]["name"] for entry in rest["results"]] == ["h2"]


def test_a_deploy_that_fails_is_explained_and_tried_again(site: Site, simulator: Simulator) -> None:
    simulator.order(error="HypervisorRefused", verb="define", times=None)
    vm = site.member.post("virtual-machines/", site.wanted()).json()
    settle()
    vm = site.vm(vm)
    assert (vm["state"], vm["ip"], vm["error"]["code"]) == ("Error", None, "hypervisor_refused")
    assert vm["error"]["remedy"]
    assert set(vm["actions"]) == offered_in(State.ERROR) >= {"retry-deploy", "dismiss"}
    assert placement.recount() == []
    simulator.cancel_orders()
    assert site.act(vm, "retry-deploy")["state"] == "Running"


def test_a_failed_machine_is_dismissed(site: Site, simulator: Simulator) -> None:
    simulator.order(error="HypervisorRefused", verb="start", times=None)
    vm = site.member.post("virtual-machines/", site.wanted()).json()
    settle()
    assert site.member.post(f"virtual-machines/{vm['id']}/dismiss/").status_code == 204
    assert not VirtualMachine.objects.exists()
    assert simulator.world().volumes == ()


def test_a_job_is_cancelled_and_everything_is_as_before(site: Site) -> None:
    vm = site.member.post("virtual-machines/", site.wanted()).json()
    answer = site.member.post(f"jobs/{vm['job']['id']}/cancel/")
    assert (answer.status_code, answer.json()["cancel_requested"]) == (202, True)
    settle()
    assert site.member.get(f"jobs/{vm['job']['id']}/").json()["state"] == "cancelled"
    assert site.vm(vm)["state"] == "Error"
    assert placement.recount() == []
    again = site.member.post(f"jobs/{vm['job']['id']}/cancel/")
    assert code(again)[:2] == (409, "state_conflict")


def test_a_busy_machine_names_the_job(site: Site) -> None:
    vm = site.member.post("virtual-machines/", site.wanted()).json()
    settle()
    first = site.member.post(f"virtual-machines/{vm['id']}/reboot/").json()["job"]
    answer = site.member.post(f"virtual-machines/{vm['id']}/reboot/")
    assert code(answer)[:2] == (409, "resource_busy")
    assert answer.json()["params"]["job"] == first["id"]
    assert answer.json()["remedy"]


def test_the_console_comes_at_once_and_is_fetched_meanwhile(site: Site) -> None:
    vm = site.member.post("virtual-machines/", site.wanted(hostname="teapot")).json()
    settle()
    path = f"virtual-machines/{vm['id']}/console-log/"
    first = site.member.get(path).json()
    assert (first["text"], first["read_at"], first["refreshing"]) == ("", None, True)
    again = site.member.get(path).json()
    assert again["job"]["id"] == first["job"]["id"]
    settle()
    told = site.member.get(path).json()
    assert "teapot" in told["text"]
    assert (told["refreshing"], told["job"]) == (False, None)
    ConsoleLog.objects.update(read_at="2026-01-01T00:00:00Z")
    assert site.member.get(path).json()["refreshing"] is True


def test_looking_at_a_console_leaves_no_trace_on_the_machine(site: Site) -> None:
    vm = site.member.post("virtual-machines/", site.wanted()).json()
    settle()
    before = Event.objects.count()
    site.member.get(f"virtual-machines/{vm['id']}/console-log/")
    assert site.vm(vm)["job"] is None
    settle()
    assert Event.objects.count() == before
    assert Job.objects.filter(kind="vm.read_console", state="done").count() == 1


def test_a_console_of_a_machine_on_no_host_is_kept(site: Site) -> None:
    vm = site.member.post("virtual-machines/", site.wanted()).json()
    settle()
    site.member.get(f"virtual-machines/{vm['id']}/console-log/")
    settle()
    site.act(vm, "stop")
    ConsoleLog.objects.update(read_at="2026-01-01T00:00:00Z")
    told = site.member.get(f"virtual-machines/{vm['id']}/console-log/").json()
    assert told["text"]
    assert told["refreshing"] is False


def test_a_template_is_deleted_once_nothing_is_made_from_it(site: Site, simulator: Simulator) -> None:
    vm = site.member.post("virtual-machines/", site.wanted()).json()
    settle()
    path = f"templates/{site.template['id']}/"
    assert code(site.operator.delete(path))[:2] == (409, "object_in_use")
    site.act(vm, "destroy")
    site.member.post(f"virtual-machines/{vm['id']}/expunge/")
    settle()
    assert site.operator.delete(path).status_code == 202
    settle()
    assert Template.objects.get(uuid=site.template["id"]).state == Template.State.DELETED
    assert simulator.world().images == ()
