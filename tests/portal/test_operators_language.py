"""The operator's pages, the homes, images and sizes in Greek: no English is met on them."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import Account, Quota, User
from apps.compute.models import ServiceOffering, StrayMachine, VirtualMachine
from apps.core.models import NamedRow
from apps.core.words.hosts import HOST_TROUBLES
from apps.jobs.models import Event, Job, JobState
from apps.storage.models import PrimaryStorage, SecondaryStorage, Template
from apps.zones.models import Cluster, Host, HostState, Pod, Region, Zone
from tests import factories
from tests.api.conftest import PUBLIC_KEY
from tests.portal.test_language import english_in

pytestmark = pytest.mark.django_db
TYPED = {"ssh", "etc", "ssh_host_ed", "key", "pub", "qcow", "host", "authorized", "keys", "libvirt"}
WORDS = {
    "MHz",
    "MTU",
    "IPv",
    "KVM",
    "QEMU",
    "pod",
    "Pod",
    "hypervisor",
    "Hypervisor",
    "Linux",
    "SHA",
    "NFS",
    "GlusterFS",
    "YAML",
}


NAMED: tuple[type[NamedRow], ...] = (Account, Region, Zone, Pod, Cluster, Host, PrimaryStorage)
NAMED += (SecondaryStorage, ServiceOffering, Template, VirtualMachine)


@pytest.fixture
def scene() -> dict[str, Any]:
    """One of everything, whatever people name with a Greek name."""
    account = factories.make_account(max_machines=5, max_vcpus=8, max_memory_mib=1024, max_storage_gib=100)
    zone = factories.make_zone(hosts=2, clusters=2)
    SecondaryStorage.objects.create(zone=zone, name="spare", path="/srv/spare")
    vm = factories.make_vm(zone, account=account)
    host = factories.placed(vm)
    PrimaryStorage.objects.update(driver="directory")
    Host.objects.update(shown_key=PUBLIC_KEY, memory_mib=4096, cpu_mhz=2000, accelerator="kvm")
    StrayMachine.objects.create(
        host=host,
        machine_uuid=vm.uuid,
        machine_name="αδέσποτη",
        power_state="off",
        last_seen_at=timezone.now(),
        sightings=3,
    )
    for model in NAMED:
        model._default_manager.update(name="Όνομα")
    return {
        "account": account,
        "zone": zone,
        "pod": Pod.objects.get(),
        "cluster": host.cluster,
        "host": host,
        "pool": PrimaryStorage.objects.order_by("pk")[0],
        "secondary": SecondaryStorage.objects.order_by("pk")[0],
        "template": vm.template,
        "offering": vm.offering,
        "region": zone.region,
    }


PATHS = (
    "/",
    "/infrastructure/",
    "/infrastructure/?view=picture",
    "/infrastructure/?view=picture&by=memory",
    "/infrastructure/?view=picture&by=state",
    "/infrastructure/recount/",
    "/infrastructure/hosts/",
    "/infrastructure/hosts/?trouble=true",
    "/infrastructure/primary-storages/",
    "/infrastructure/secondary-storages/",
    "/infrastructure/regions/new/",
    "/infrastructure/zones/new/",
    "/infrastructure/pods/new/",
    "/infrastructure/clusters/new/",
    "/infrastructure/hosts/new/",
    "/infrastructure/primary-storages/new/",
    "/infrastructure/secondary-storages/new/",
    "/infrastructure/regions/{region}/",
    "/infrastructure/zones/{zone}/",
    "/infrastructure/pods/{pod}/",
    "/infrastructure/clusters/{cluster}/",
    "/infrastructure/hosts/{host}/",
    "/infrastructure/hosts/{host}/change/",
    "/infrastructure/hosts/{host}/remove/",
    "/infrastructure/hosts/{host}/trust/",
    "/infrastructure/primary-storages/{pool}/",
    "/infrastructure/primary-storages/{pool}/remove/",
    "/infrastructure/primary-storages/{pool}/change/",
    "/infrastructure/secondary-storages/{secondary}/change/",
    "/infrastructure/secondary-storages/{secondary}/",
    "/offerings/",
    "/offerings/new/",
    "/offerings/{offering}/",
    "/offerings/{offering}/change/",
    "/offerings/{offering}/remove/",
    "/people/invite/",
    "/people/link/",
    "/templates/",
    "/templates/new/",
    "/templates/{template}/",
    "/templates/{template}/change/",
    "/templates/{template}/delete/",
)


def greek(user: User) -> Client:
    user.username = "ελένη"
    user.save()
    client = Client(headers={"accept-language": "el"})
    client.force_login(user)
    return client


def address(path: str, scene: dict[str, Any]) -> str:
    return path.format(**{name: row.uuid for name, row in scene.items()})


def english(client: Client, path: str) -> set[str]:
    answer = client.get(path)
    assert answer.status_code == 200
    return english_in(answer.content) - TYPED - WORDS


@pytest.mark.parametrize("path", PATHS)
def test_an_operators_page_is_greek(scene: dict[str, Any], path: str) -> None:
    assert english(greek(factories.make_user(super_admin=True)), address(path, scene)) == set()


@pytest.mark.parametrize("path", ["/", "/templates/", "/templates/{template}/"])
def test_a_members_page_is_greek(scene: dict[str, Any], path: str) -> None:
    Quota.objects.update(used_vcpus=3)
    assert english(greek(factories.make_user(scene["account"])), address(path, scene)) == set()


def test_empty_homes_are_greek() -> None:
    assert english(greek(factories.make_user(super_admin=True)), "/") == set()
    member = factories.make_user(factories.make_account())
    Account.objects.update(name="Όνομα")
    User.objects.filter(username="ελένη").update(username="μαρία")
    assert english(greek(member), "/") == set()
    for path in ("/infrastructure/", "/offerings/", "/templates/"):
        User.objects.update(is_super_admin=True)
        assert english(greek(User.objects.get(pk=member.pk)), path) == set()


def test_troubles_and_events_are_greek(scene: dict[str, Any]) -> None:
    client = greek(factories.make_user(super_admin=True))
    host = scene["host"]
    for kind in ("host.add", "host.disconnect", "host.trust_key", "host.connect"):
        Event.objects.create(
            kind=kind, phase="done", actor_label="ελένη", target_type="host", target_uuid=host.uuid
        )
    Job.objects.create(
        kind="host.connect",
        actor_label="ελένη",
        target_type="host",
        target_uuid=host.uuid,
        target_name="Όνομα",
        state=JobState.STUCK,
        plan=["ReadHostKey", "ReadFacts", "ReadPools"],
        trail=["ReadHostKey"],
        error={"code": "host_unreachable", "params": {}},
    )
    found = {}
    for code in HOST_TROUBLES:
        Host.objects.filter(pk=host.pk).update(state=HostState.ALERT, state_reason=code)
        found[code] = english(client, f"/infrastructure/hosts/{host.uuid}/") | english(client, "/")
    assert found == {code: set() for code in HOST_TROUBLES}


def test_what_is_refused_is_told_in_greek(scene: dict[str, Any]) -> None:
    client = greek(factories.make_user(super_admin=True))
    answer = client.post(
        "/infrastructure/pods/new/", {"parent": scene["zone"].uuid, "name": "Α", "cidr": "0"}
    )
    assert answer.status_code == 422
    assert english_in(answer.content) - TYPED - WORDS == set()
    counted = client.post("/infrastructure/recount/", {"act": "count"})
    Host.objects.update(allocated_vcpus=9)
    drifted = client.post("/infrastructure/recount/", {"act": "count"})
    assert english_in(counted.content) | english_in(drifted.content) - TYPED - WORDS == set()
