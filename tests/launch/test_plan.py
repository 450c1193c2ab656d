"""What a document would do, doing it, and getting the document back."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.actor import Actor
from apps.core.errors import PermissionDenied, StateConflict
from apps.jobs.models import Event, Job
from apps.launch.apply import DocumentRefused, apply_document
from apps.launch.export import export_zone
from apps.launch.models import Launch
from apps.launch.plan import Action, Plan, plan_document
from apps.launch.told import counted_changes
from apps.network.models import IpAddress, Network
from apps.storage.models import PrimaryStorage, SecondaryStorage
from apps.zones.models import Cluster, Host, HostState, Pod, Region, Zone
from apps.zones.services import disable
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.databases]
OPERATOR = Actor.system("a test")
CAMPUS = (Path(__file__).parent / "campus.yaml").read_text()
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
ROWS = (
    Region,
    Zone,
    Pod,
    Network,
    IpAddress,
    Cluster,
    Host,
    PrimaryStorage,
    SecondaryStorage,
    Job,
    Event,
    Launch,
)


def changes(plan: Plan) -> list[tuple[str, str, str]]:
    return [(str(item.action), item.kind, item.name) for item in plan.changes]


def reasons(text: str) -> list[tuple[str, str]]:
    plan = plan_document(OPERATOR, text)
    return [(one.place, one.params["reason"]) for one in plan.findings if one.level == "refused"]


def counted() -> list[int]:
    return [model.objects.count() for model in ROWS]


def the_zone() -> Zone:
    return Zone.objects.select_related("region").get()


def without_change(text: str) -> None:
    plan = plan_document(OPERATOR, text)
    assert not plan.refused, list(plan.findings)
    assert [(item.kind, item.name, item.differences) for item in plan.changes] == []


def test_planning_looks_and_changes_nothing() -> None:
    before = counted()
    plan = plan_document(OPERATOR, CAMPUS)
    assert counted() == before
    assert {action for action, _kind, _name in changes(plan)} == {"create"}
    assert [kind for _action, kind, _name in changes(plan)] == (
        ["region", "zone", "pod", "cluster", "cluster"]
        + ["host"] * 4
        + ["primary_storage"] * 4
        + ["secondary_storage"]
    )


def test_a_real_deployment_is_applied_as_it_stands_and_a_second_time_there_is_nothing_to_do() -> None:
    done = apply_document(OPERATOR, CAMPUS)
    assert done.zone == the_zone()
    hosts = Host.objects.order_by("id")
    assert [(host.name, host.state) for host in hosts] == [
        ("srvr1.cloud.priv", HostState.CONNECTING),
        ("ov-node1.islab.local", HostState.CONNECTING),
        ("ov-node2.islab.local", HostState.CONNECTING),
        ("ov-node3.islab.local", HostState.CONNECTING),
    ]
    connecting = Job.objects.filter(kind="host.connect").values_list("target_uuid", flat=True)
    assert set(connecting) == set(hosts.values_list("uuid", flat=True))
    data = PrimaryStorage.objects.get(name="data")
    assert (data.driver, data.server, data.path) == ("gluster", "192.168.10.231", "/data")
    assert (data.settings["backup_servers"], data.settings["arbiter"]) == (
        "192.168.10.232:192.168.10.233",
        "1",
    )
    secondary = SecondaryStorage.objects.get()
    assert (secondary.driver, secondary.server) == ("nfs", "192.168.10.245")
    pod = Pod.objects.get()
    assert (pod.reserved_start, pod.guest_end) == ("192.168.10.10", "192.168.10.70")
    assert done.launch is not None
    assert set(done.launch.parts["hosts"]) == {str(host.uuid) for host in hosts}
    rows = counted()
    again = apply_document(OPERATOR, CAMPUS)
    assert (again.plan.changes, again.launch, counted()) == ([], None, rows)


def test_each_change_leaves_an_event_and_the_whole_one_more() -> None:
    apply_document(OPERATOR, CAMPUS)
    kinds = list(Event.objects.filter(phase="done").order_by("id").values_list("kind", flat=True))
    assert kinds == (
        ["region.create", "zone.create", "pod.create", "cluster.create", "cluster.create"]
        + ["host.add"] * 4
        + ["primary_storage.create"] * 4
        + ["secondary_storage.create", "zone.apply"]
    )
    assert Event.objects.get(kind="zone.apply").data == {"created": 14, "changed": 0}


def test_a_zone_that_was_exported_is_what_it_was() -> None:
    apply_document(OPERATOR, CAMPUS)
    text = export_zone(OPERATOR, the_zone())
    without_change(text)
    Host.objects.filter(name="srvr1.cloud.priv").update(
        host_key=HOST_KEY,
        port=2222,
        username="cloud",
        uri="qemu+unix:///system",
        extra={"work_dir": "/srv/work"},
    )
    disable(OPERATOR, Cluster.objects.get(name="Cluster2"))
    text = export_zone(OPERATOR, the_zone())
    without_change(text)
    assert "private" not in text
    assert yaml.safe_load(text)["hosts"][0]["ssh_port"] == 2222


def test_an_export_makes_the_same_zone_elsewhere() -> None:
    apply_document(OPERATOR, CAMPUS)
    disable(OPERATOR, the_zone())
    text = export_zone(OPERATOR, the_zone())
    for model in reversed(ROWS):
        model.objects.all().delete() if model is not Job else Job.objects.all().delete()
    apply_document(OPERATOR, text)
    assert export_zone(OPERATOR, the_zone()) == text
    assert not the_zone().enabled


def test_parts_of_one_name_are_told_apart_by_what_they_belong_to() -> None:
    pods = [
        {"name": name, "gateway": f"10.{n}.0.1", "netmask": "255.255.0.0"}
        | {"guest": {"start": f"10.{n}.1.0", "end": f"10.{n}.1.9"}}
        for n, name in enumerate(("A", "B"), 1)
    ]
    document = {
        "region": {"name": "R"},
        "zone": {"name": "Z"},
        "pods": pods,
        "clusters": [{"name": "C", "pod": pod["name"], "hypervisor": "simulator"} for pod in pods],
        "hosts": [{"name": "h", "pod": pod["name"], "cluster": "C"} for pod in pods],
        "primary_storages": [
            {"name": f"of {pod['name']}", "pod": pod["name"], "cluster": "C", "path": "/srv/c"}
            for pod in pods
        ]
        + [{"name": "local", "pod": "B", "cluster": "C", "host": "h", "path": "/srv/h"}],
    }
    apply_document(OPERATOR, yaml.safe_dump(document))
    assert PrimaryStorage.objects.get(name="local").host == Host.objects.get(pod__name="B")
    assert PrimaryStorage.objects.get(name="of B").cluster == Cluster.objects.get(pod__name="B")
    without_change(export_zone(OPERATOR, the_zone()))
    del document["hosts"][0]["pod"]  # type: ignore[index]
    assert reasons(yaml.safe_dump(document)) == [("hosts[0].cluster", "which_part")]


def test_what_differs_is_changed_and_what_is_not_named_stays() -> None:
    apply_document(OPERATOR, CAMPUS)
    text = CAMPUS.replace("end: 192.168.10.70", "end: 192.168.10.90").replace(
        "memory_overcommit_percent: 200", "memory_overcommit_percent: 150"
    )
    text = text.replace("ssh_port: 22", "ssh_port: 2200, enabled: false")
    text = text[: text.index("secondary_storage:")] + text[text.index("gluster_cluster:") :]
    plan = plan_document(OPERATOR, text)
    assert changes(plan) == [
        ("change", "pod", "Pod1"),
        ("change", "cluster", "Cluster2"),
        ("change", "host", "srvr1.cloud.priv"),
    ]
    assert [(one.name, one.before, one.after) for item in plan.changes for one in item.differences] == [
        ("guest", "192.168.10.30 - 192.168.10.70", "192.168.10.30 - 192.168.10.90"),
        ("memory_overcommit_percent", 200, 150),
        ("port", 22, 2200),
        ("enabled", True, False),
    ]
    assert counted_changes(plan) == "3 parts are changed. 10 parts stay as they are."
    Job.objects.all().delete()
    apply_document(OPERATOR, text)
    without_change(text)
    assert IpAddress.objects.count() == 61
    assert SecondaryStorage.objects.count() == 1
    host = Host.objects.get(name="srvr1.cloud.priv")
    assert (host.port, host.enabled) == (2200, False)
    assert Job.objects.get().kind == "host.connect"


@pytest.mark.parametrize(
    ("old", "new", "place", "reason"),
    [
        ("network_type: Basic", "network_type: Advanced", "zone.network_type", "fixed_field"),
        ("netmask: 255.255.255.0", "netmask: 255.255.0.0", "pod.netmask", "fixed_field"),
        ("hypervisor: KVM}", "hypervisor: simulator}", "cluster.hypervisor", "fixed_field"),
        ("{name: Primary1, ", "{name: Primary1, cluster: Cluster1, ", "primary_storage.scope", "fixed_field"),
    ],
)
def test_what_a_part_is_for_good_is_not_changed(old: str, new: str, place: str, reason: str) -> None:
    apply_document(OPERATOR, CAMPUS)
    assert (place, reason) in reasons(CAMPUS.replace(old, new))


def test_what_others_hold_is_told_before_anything_is_tried() -> None:
    apply_document(OPERATOR, CAMPUS)
    IpAddress.objects.filter(address="192.168.10.70").update(holder=uuid4())
    assert reasons(CAMPUS.replace("end: 192.168.10.70", "end: 192.168.10.60")) == [
        ("pod.guest", "range_in_use")
    ]
    other = CAMPUS.replace("{name: Zone1", "{name: Zone2").replace("name: Zone1", "name: Zone2")
    told = reasons(other)
    assert ("host.address", "address_taken") in told
    assert ("primary_storage.path", "export_taken") in told
    overlapping = CAMPUS.replace("name: Pod1", "name: Pod2")
    assert ("pod.netmask", "subnet_overlaps") in reasons(overlapping)


def test_a_pool_in_use_does_not_move() -> None:
    apply_document(OPERATOR, CAMPUS)
    pool, vm = PrimaryStorage.objects.get(name="Primary1"), factories.make_vm(the_zone())
    vm.attachments.get().volume.__class__.objects.update(pool=pool)
    moved = CAMPUS.replace("path: /export/primary", "path: /export/other")
    assert reasons(moved) == [("primary_storage.path", "place_in_use")]


def test_the_portals_own_machine_is_one_host() -> None:
    pod = "pod: {name: P, gateway: 10.1.0.1, netmask: 255.255.0.0, guest: {start: 10.1.1.0, end: 10.1.1.9}}"
    hosts = "cluster: {name: C}\nhosts: [{name: a}, {name: b}]"
    text = f"region: {{name: R}}\nzone: {{name: Z}}\n{pod}\n{hosts}"
    assert reasons(text) == [("hosts[1].address", "this_machine_twice")]


def test_a_refused_document_changes_nothing_and_says_all_that_is_wrong() -> None:
    text = CAMPUS.replace("end: 192.168.10.70", "end: 192.168.11.70") + "colour: red\n"
    before = counted()
    with pytest.raises(DocumentRefused) as caught:
        apply_document(OPERATOR, text)
    assert counted() == before
    places = {one["place"] for one in caught.value.params["findings"]}
    assert {"colour", "pod.guest.end", "gluster_cluster.hosts[0].address"} <= places


def test_what_fails_half_way_is_taken_back_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    from apps.core.errors import NameTaken
    from apps.launch import apply

    def taken(*_args: Any, **_given: Any) -> None:
        raise NameTaken(place="name", kind="secondary storage")

    monkeypatch.setattr(apply, "create_secondary_storage", taken)
    before = counted()
    with pytest.raises(DocumentRefused) as caught:
        apply_document(OPERATOR, CAMPUS)
    assert counted() == before
    assert caught.value.place == "secondary_storage"


def test_only_the_plan_that_was_seen_is_applied() -> None:
    seen = plan_document(OPERATOR, CAMPUS).digest
    with pytest.raises(StateConflict):
        apply_document(OPERATOR, CAMPUS.replace("Pod1", "Pod9"), seen=seen)
    moved = CAMPUS.replace("192.168.10.232", "192.168.10.238")
    assert moved != CAMPUS
    assert changes(plan_document(OPERATOR, moved)) == changes(plan_document(OPERATOR, CAMPUS))
    with pytest.raises(StateConflict):  # the same names, another machine
        apply_document(OPERATOR, moved, seen=seen)
    assert plan_document(OPERATOR, "# a line more\n" + CAMPUS).digest == seen
    apply_document(OPERATOR, CAMPUS, seen=seen)
    with pytest.raises(StateConflict):
        apply_document(OPERATOR, CAMPUS, seen=seen)


def test_planning_takes_as_many_queries_for_many_hosts_as_for_few() -> None:
    counts = []
    for number in (2, 40):
        zone = factories.make_zone(hosts=number, clusters=2)
        text = export_zone(OPERATOR, Zone.objects.select_related("region").get(pk=zone.pk))
        text = text.replace("protocol: simulator", "protocol: directory")
        with CaptureQueriesContext(connection) as queries:
            plan = plan_document(OPERATOR, text)
        assert {item.action for item in plan.items} <= {Action.KEEP, Action.CHANGE}, list(plan.findings)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 12


def test_nobody_but_operators_plans_applies_or_exports() -> None:
    zone = factories.make_zone()
    member = Actor(factories.make_user(factories.make_account()))
    for act in (
        lambda: plan_document(member, CAMPUS),
        lambda: apply_document(member, CAMPUS),
        lambda: export_zone(member, zone),
    ):
        with pytest.raises(PermissionDenied):
            act()


def command(*words: str) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("zone", *words, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_the_command_plans_applies_and_exports(tmp_path: Path) -> None:
    file, copy = tmp_path / "zone.yaml", tmp_path / "copy.yaml"
    file.write_text(CAMPUS)
    out, err = command("plan", str(file))
    assert "create host srvr1.cloud.priv (Pod1 / Cluster1)" in out
    assert "warning: line" in err
    assert "192.168.10.16 (host srvr1.cloud.priv, public_dns, internal_dns)" in err
    assert not Zone.objects.exists()
    command("apply", str(file))
    assert "nothing to do" in command("apply", str(file))[0]
    command("export", "zone1", str(copy))
    assert command("export", "Zone1")[0] == copy.read_text()
    assert "nothing to do" in command("plan", str(copy))[0]


@pytest.mark.parametrize("text", ["colour: red", "a: &x [1]\nb: *x", "x" * 3_000_000, "ω" * 3_000_000])
def test_the_command_refuses_with_place_and_remedy(tmp_path: Path, text: str) -> None:
    (tmp_path / "zone.yaml").write_text(text)
    for verb in ("plan", "apply"):
        with pytest.raises(CommandError, match="Nothing was changed"):
            command(verb, str(tmp_path / "zone.yaml"))
    with pytest.raises(CommandError, match="No zone"):
        command("export", "nowhere")
    factories.make_zone()
    with pytest.raises(CommandError, match="No such file"):
        command("export", Zone.objects.get().name, str(tmp_path / "missing" / "zone.yaml"))
