"""Who may do what: each endpoint asked by each role, held against a table written by hand.

The table imports no policy code. Its three columns are the answers to an operator, to a member of
the account that owns the object, and to a member of another account. An inactive user and nobody
get 401 everywhere but at the few public paths.
"""

from __future__ import annotations

import io
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator

from apps.accounts.models import Account, ApiToken, Directory, Invitation
from apps.compute.models import Placement, StrayMachine, VirtualMachine
from apps.jobs.models import Event, Job, JobState
from apps.network.models import Network
from apps.storage.models import PrimaryStorage, SecondaryStorage, Volume
from apps.zones.models import Cluster, Host, Pod, Region
from tests import factories
from tests.api.client import Api
from tests.api.conftest import PUBLIC_KEY, Cast
from tests.api.rights_rows import RIGHTS, rights_of
from tests.api.role_rows import CREDENTIALS, Prepare, Row, robot, session
from tests.api.role_rows_mapping import MAPPING, mapping_rows, show_a_mapping
from tests.api.role_rows_projects import PROJECTS


def in_state(state: str, **columns: Any) -> Prepare:
    return lambda cast: VirtualMachine.objects.filter(pk=cast.vm.pk).update(state=state, **columns)


def running(cast: Cast) -> None:
    host = Host.objects.filter(zone=cast.zone).order_by("pk").first()
    assert host is not None
    VirtualMachine.objects.filter(pk=cast.vm.pk).update(state="Running", host=host, pod=host.pod)


def stuck(cast: Cast) -> None:
    job_of(cast).update(state=JobState.STUCK, resume_state=JobState.PENDING)


def job_of(cast: Cast) -> Any:
    return Job.objects.filter(target_uuid=cast.vm.uuid)


def placed(cast: Cast) -> None:
    Placement.objects.create(vm=cast.vm, fits=True, explanation={})


def shown(cast: Cast) -> None:
    Host.objects.update(shown_key=PUBLIC_KEY)


def empty_region(cast: Cast) -> None:
    cast.zone.region.__dict__["uuid"] = Region.objects.create(name="empty").uuid


def empty_zone(cast: Cast) -> None:
    cast.zone.__dict__["uuid"] = factories.make_zone(hosts=0, pods=0, clusters=0, pool=None).uuid


NAMED = (
    # noun, list and detail for operator, member, other; creating it
    ("regions", (200, 200, 200), 201, lambda cast: {"name": "new"}),
    ("zones", (200, 200, 200), 201, lambda cast: {"name": "new", "region": str(cast.zone.region.uuid)}),
    ("service-offerings", (200, 200, 200), 201, lambda cast: {"name": "new", "vcpus": 1, "memory_mib": 64}),
    (
        "pods",
        (200, 403, 403),
        201,
        lambda cast: {
            "name": "new",
            "zone": str(cast.zone.uuid),
            "cidr": "192.168.7.0/24",
            "gateway": "192.168.7.1",
            "guest_start": "192.168.7.10",
            "guest_end": "192.168.7.20",
            "bridge": "br0",
        },
    ),
    (
        "clusters",
        (200, 403, 403),
        201,
        lambda cast: {"name": "new", "pod": ids(cast)["pods"], "hypervisor": "simulator"},
    ),
    (
        "primary-storages",
        (200, 403, 403),
        202,
        lambda cast: {"name": "new", "zone": str(cast.zone.uuid), "scope": "zone", "path": "/srv/new"},
    ),
    (
        "secondary-storages",
        (200, 403, 403),
        202,
        lambda cast: {"name": "new", "zone": str(cast.zone.uuid), "path": "/srv/new"},
    ),
    ("users", (200, 403, 403), 201, lambda cast: {"username": "new"}),
    ("domains", (200, 403, 403), 201, lambda cast: {"name": "new", "parent": str(cast.root.uuid)}),
    (
        "hosts",
        (200, 403, 403),
        202,
        lambda cast: {"name": "new", "cluster": ids(cast)["simulated"], "driver": "simulator"},
    ),
)

CAMPUS: Any = {"kind": "openldap", "servers": ["ldaps://a"], "people_bases": ["dc=a"]}
DOCUMENT = {"document": "region: {name: new}\nzone: {name: new}\n"}

TABLE: list[Row] = [
    Row("GET", "zone-documents/", 200, 403, 403),
    Row("GET", "zone-documents/{zones}/", 200, 403, 403),
    Row("POST", "zone-documents/plan/", 200, 403, 403, lambda _cast: DOCUMENT),
    Row("POST", "zone-documents/apply/", 200, 403, 403, lambda _cast: DOCUMENT),
    Row("GET", "me/", 200, 200, 200),
    *(Row(*each) for each in RIGHTS),
    *(
        row
        for noun, (operator, member, other), made, body in NAMED
        for row in (
            Row("GET", f"{noun}/", operator, member, other),
            Row("GET", f"{noun}/{{{noun}}}/", operator, member, other),
            Row("POST", f"{noun}/", made, 403, 403, body),
        )
    ),
    Row("DELETE", "regions/{regions}/", 204, 403, 403, prepare=empty_region),
    Row("DELETE", "zones/{zones}/", 204, 403, 403, prepare=empty_zone),
    Row("DELETE", "pods/{pods}/", 409, 403, 403),
    Row("DELETE", "clusters/{clusters}/", 409, 403, 403),
    Row("DELETE", "hosts/{hosts}/", 204, 403, 403),
    Row("DELETE", "primary-storages/{primary-storages}/", 204, 403, 403),
    Row("DELETE", "secondary-storages/{secondary-storages}/", 204, 403, 403),
    *(
        Row("POST", f"{noun}/{{{noun}}}/{verb}/", 200, 403, 403)
        for noun in ("zones", "pods", "clusters", "hosts", "primary-storages", "secondary-storages")
        for verb in ("enable", "disable")
    ),
    Row("POST", "hosts/{hosts}/reconnect/", 202, 403, 403),
    Row("POST", "secondary-storages/{secondary-storages}/reconnect/", 202, 403, 403),
    *(
        Row("POST", f"service-offerings/{{service-offerings}}/{verb}/", 200, 403, 403)
        for verb in ("enable", "disable")
    ),
    Row("PATCH", "service-offerings/{service-offerings}/", 200, 403, 403, lambda cast: {"name": "changed"}),
    Row("DELETE", "service-offerings/{service-offerings}/", 204, 403, 403),
    Row("GET", "directories/", 200, 403, 403),
    Row("GET", "directories/{directories}/", 200, 403, 403),
    Row("POST", "directories/", 201, 403, 403, lambda cast: {"name": "new", **CAMPUS}),
    Row("PATCH", "directories/{directories}/", 200, 403, 403, lambda cast: {"name": "changed"}),
    Row("DELETE", "directories/{directories}/", 409, 403, 403),
    *(Row("POST", f"directories/{{directories}}/{verb}/", 200, 403, 403) for verb in ("enable", "disable")),
    Row("POST", "directories/{directories}/test/", 202, 403, 403),
    Row("GET", "capacity/", 200, 403, 403),
    Row("POST", "recount/", 200, 403, 403, lambda cast: {"fix": True}),
    *(
        Row("PATCH", f"{noun}/{{{noun}}}/", 200, 403, 403, lambda cast: {"name": "changed"})
        for noun in (
            "regions",
            "zones",
            "pods",
            "clusters",
            "hosts",
            "primary-storages",
            "secondary-storages",
        )
    ),
    Row("POST", "hosts/{hosts}/trust-key/", 202, 403, 403, lambda cast: {"key": PUBLIC_KEY}, prepare=shown),
    Row("POST", "primary-storages/{primary-storages}/reconnect/", 202, 403, 403),
    Row("GET", "networks/", 200, 403, 403),
    Row("GET", "networks/{networks}/", 200, 403, 403),
    Row("GET", "stray-machines/", 200, 403, 403),
    Row("GET", "stray-machines/{strays}/", 200, 403, 403),
    Row("PATCH", "users/{users}/", 200, 403, 403, lambda cast: {"is_active": False}),
    Row("GET", "accounts/", 200, 200, 200),
    Row("GET", "accounts/{account}/", 200, 200, 404),
    Row("POST", "accounts/", 201, 404, 404, lambda cast: {"name": "new", "domain": str(cast.root.uuid)}),
    *(*PROJECTS, *MAPPING),
    Row("GET", "quotas/", 200, 200, 200),
    Row("GET", "quotas/{account}/", 200, 200, 404),
    Row("PATCH", "quotas/{account}/", 200, 403, 404, lambda cast: {"machines": 5}),
    Row("GET", "templates/", 200, 200, 200),
    Row("GET", "templates/{public-template}/", 200, 200, 200),
    Row("GET", "templates/{private-template}/", 200, 200, 404),
    Row("POST", "templates/", 202, 403, 403, lambda cast: "upload"),
    Row("PATCH", "templates/{private-template}/", 200, 403, 404, lambda cast: {"is_public": True}),
    Row("DELETE", "templates/{private-template}/", 202, 403, 404),
    Row("GET", "ssh-keys/", 200, 200, 200),
    Row("GET", "ssh-keys/{key}/", 200, 200, 404),
    Row("POST", "ssh-keys/", 201, 201, 201, lambda cast: {"name": "new", "public_key": PUBLIC_KEY}),
    Row("DELETE", "ssh-keys/{key}/", 204, 204, 404),
    Row("GET", "volumes/", 200, 200, 200),
    Row("GET", "volumes/{volume}/", 200, 200, 404),
    Row("GET", "jobs/", 200, 200, 200),
    Row("GET", "jobs/{job}/", 200, 200, 404),
    Row("POST", "jobs/{job}/cancel/", 202, 202, 404),
    Row("GET", "jobs/{job}/world/", 200, 403, 404, prepare=stuck),
    Row("POST", "jobs/{job}/retry/", 202, 403, 404, prepare=stuck),
    Row("POST", "jobs/{job}/resolve/", 202, 403, 404, prepare=stuck),
    *CREDENTIALS,
    Row("GET", "events/", 200, 200, 200),
    Row("GET", "events/stream/", 200, 200, 200),
    Row("GET", "events/seals/", 200, 200, 200),
    Row(
        "POST",
        "events/erase-names/",
        200,
        403,
        404,
        lambda cast: {"user": str(cast.users["member"].uuid)},
    ),
    Row("GET", "events/{event}/", 200, 200, 404),
    Row("GET", "virtual-machines/", 200, 200, 200),
    Row("POST", "virtual-machines/", 202, 202, 202, lambda cast: cast.wanted()),
    Row("POST", "virtual-machines/batch/", 202, 202, 202, lambda cast: cast.wanted(count=2)),
    Row(
        "POST",
        "virtual-machines/act/",
        200,
        200,
        200,
        lambda cast: {"kind": "vm.destroy", "ids": [str(cast.vm.uuid)]},
    ),
    Row("POST", "virtual-machines/dry-run/", 200, 200, 200, lambda cast: cast.wanted()),
    Row("POST", "virtual-machines/", 202, 403, 403, lambda cast: cast.wanted(start_paused=True)),
    Row(
        "POST",
        "virtual-machines/",
        202,
        202,
        404,
        lambda cast: cast.wanted(template=str(cast.private_template.uuid), account=str(cast.account.uuid)),
    ),
    Row("POST", "virtual-machines/", 202, 404, 404, lambda cast: cast.wanted(**pinned(cast))),
    Row("GET", "virtual-machines/{vm}/", 200, 200, 404),
    Row("PATCH", "virtual-machines/{vm}/", 200, 200, 404, lambda cast: {"name": "renamed"}),
    Row("PATCH", "virtual-machines/{vm}/", 200, 200, 404, lambda cast: {"tags": {"a": "b"}}),
    Row("PATCH", "virtual-machines/{vm}/", 200, 200, 404, lambda cast: {"delete_protection": True}),
    Row("PATCH", "virtual-machines/{vm}/", 200, 200, 404, lambda cast: {"offering": str(cast.offering.uuid)}),
    Row("DELETE", "virtual-machines/{vm}/", 202, 202, 404),
    Row("POST", "virtual-machines/{vm}/start/", 202, 202, 404),
    Row("POST", "virtual-machines/{vm}/stop/", 202, 202, 404, prepare=running),
    Row("POST", "virtual-machines/{vm}/force-stop/", 202, 202, 404, prepare=running),
    Row("POST", "virtual-machines/{vm}/reboot/", 202, 202, 404, prepare=running),
    Row("POST", "virtual-machines/{vm}/destroy/", 202, 202, 404),
    Row("POST", "virtual-machines/{vm}/recover/", 200, 200, 404, prepare=in_state("Destroyed")),
    Row("POST", "virtual-machines/{vm}/expunge/", 202, 202, 404, prepare=in_state("Destroyed")),
    Row("POST", "virtual-machines/{vm}/dismiss/", 204, 204, 404, prepare=in_state("Error")),
    Row("POST", "virtual-machines/{vm}/retry-deploy/", 202, 202, 404, prepare=in_state("Error")),
    Row("GET", "virtual-machines/{vm}/console-log/", 200, 200, 404, prepare=running),
    Row("GET", "virtual-machines/{vm}/placement/", 200, 200, 404, prepare=placed),
    Row("GET", "virtual-machines/{vm}/placement/?full=1", 200, 403, 404),
    Row("GET", "virtual-machines/{vm}/events/", 200, 200, 404),
]
PUBLIC = [Row("GET", "schema/", 200, 200, 200), Row("GET", "problems/not_found/", 200, 200, 200)]


def pinned(cast: Cast) -> dict[str, object]:
    return {"strategy": "pinned", "host": ids(cast)["hosts"]}


def ids(cast: Cast) -> dict[str, str]:
    """Public ids by the names that the table's paths use."""
    host = Host.objects.filter(zone=cast.zone).order_by("pk").first()
    simulated = Cluster.objects.filter(hypervisor="simulator").first()
    stray = StrayMachine.objects.first()
    rows = {
        "regions": cast.zone.region,
        "zones": cast.zone,
        "pods": Pod.objects.filter(zone=cast.zone).first(),
        "clusters": Cluster.objects.filter(pod__zone=cast.zone).order_by("pk").first(),
        "simulated": simulated,
        "hosts": host,
        "strays": stray,
        "networks": Network.objects.filter(zone=cast.zone).first(),
        "primary-storages": PrimaryStorage.objects.filter(zone=cast.zone, scope="zone").first(),
        "secondary-storages": SecondaryStorage.objects.filter(name="spare").first(),
        "service-offerings": cast.offering,
        "users": cast.users["other"],
        "domains": cast.root,
        "account": cast.account,
        "root": cast.root,
        "project": Account.objects.filter(kind="project").first(),
        "invitation": Invitation.objects.first(),
        "public-template": cast.template,
        "private-template": cast.private_template,
        "key": cast.key,
        "volume": Volume.objects.filter(attachment__vm=cast.vm).first(),
        "job": job_of(cast).first(),
        "event": Event.objects.filter(target_uuid=cast.vm.uuid).first(),
        "vm": cast.vm,
        "member": cast.users["member"],
        "session": session(cast),
        "token": ApiToken.objects.filter(user=cast.users["member"]).first(),
        "robot": robot(cast),
        **rights_of(cast),
    }
    return {name: str(row.uuid) for name, row in {**rows, **mapping_rows()}.items() if row is not None}


@pytest.fixture
def scene(cast: Cast) -> Cast:
    """The cast with one of everything that the table names."""
    factories.make_pools("zone", [cast.zone])
    SecondaryStorage.objects.create(zone=cast.zone, name="spare", path="/srv/spare")
    show_a_mapping(Directory.objects.create(name="campus", **CAMPUS), cast.account)
    host = Host.objects.filter(zone=cast.zone).first()
    assert host is not None
    Cluster.objects.create(pod=host.pod, name="simulated", hypervisor="simulator")
    StrayMachine.objects.create(
        host=host, machine_uuid=uuid4(), machine_name="x", power_state="off", last_seen_at=timezone.now()
    )
    job = Job.objects.create(
        kind="toy",
        account=cast.account,
        actor_label="someone",
        target_type="virtual-machine",
        target_uuid=cast.vm.uuid,
    )
    Event.objects.create(
        kind="toy",
        phase="submitted",
        account=cast.account,
        actor_label="someone",
        target_type="virtual-machine",
        target_uuid=cast.vm.uuid,
        job=job,
    )
    return cast


def ask(row: Row, cast: Cast, api: Api) -> int:
    """The answer's status; whatever it changed is taken back."""
    with transaction.atomic():
        path = row.path.format(**ids(cast))
        body = row.body(cast) if row.body else None
        if body == "upload":
            form = {"name": "new", "zone": str(cast.zone.uuid), "file": io.BytesIO(b"QFI")}
            response = api.upload(path, form)
        else:
            response = api.send(row.method, path, body)
        transaction.set_rollback(True)
    return int(response.status_code)


def name(row: Row) -> str:
    return f"{row.method} {row.path}"


@pytest.mark.parametrize("row", TABLE, ids=name)
def test_each_role_gets_what_the_table_says(scene: Cast, row: Row) -> None:
    if row.prepare:
        row.prepare(scene)
    expected = {"anonymous": 401, "inactive": 401, "other": row.other, "member": row.member}
    expected["operator"] = row.operator
    assert {role: ask(row, scene, scene.apis[role]) for role in expected} == expected


@pytest.mark.parametrize("row", PUBLIC, ids=name)
def test_public_paths_answer_everybody(scene: Cast, row: Row) -> None:
    for role in ("anonymous", "member", "operator"):
        assert ask(row, scene, scene.apis[role]) == 200


def test_the_table_names_every_endpoint() -> None:
    schema = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]
    offered = {
        (method.upper(), _shape(path.removeprefix("/api/v1/")))
        for path, operations in schema["paths"].items()
        for method in operations
        if method != "parameters"
    }
    asked = {(row.method, _shape(row.path.partition("?")[0])) for row in [*TABLE, *PUBLIC]}
    assert offered - asked == {("GET", "problems/*/")}
    assert asked - offered - {("GET", "schema/")} == {("GET", "problems/not_found/")}


def _shape(path: str) -> str:
    return "/".join("*" if part.startswith("{") else part for part in path.split("/"))


def test_the_harness_sees_a_missing_check(scene: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted fault: a member who is let through where the table says 403 is reported."""
    monkeypatch.setattr("apps.accounts.policy.may", lambda *given: True)
    row = next(row for row in TABLE if name(row) == "PATCH quotas/{account}/")
    assert ask(row, scene, scene.member) == 200
    assert row.member == 403
