"""The API request that would do again what an event or a job tells of.

What was made is asked for with what its row says now: if the row is gone there is nothing to show. Kinds that
nobody asks for (what the system does by itself) or that no request does (login links) have none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.db.models import Model

from apps.accounts.actor import Actor
from apps.accounts.models import Account, Directory, Domain, User
from apps.compute.api.serializers import ACTION_PATHS
from apps.compute.models import ServiceOffering, SshKeyPair, VirtualMachine
from apps.jobs.models import Event, Job
from apps.jobs.people import told
from apps.launch.export import export_zone
from apps.portal import past_projects
from apps.portal.copy_as import ApiRequest, Secret
from apps.portal.directories.requests import body_of_directory, changed_directory
from apps.portal.never_requested import NO_REQUEST
from apps.portal.past_machines import body_of_vm
from apps.storage.models import PrimaryStorage, SecondaryStorage, Template
from apps.zones.models import Cluster, Host, Pod, Region, Zone

__all__ = ["NO_REQUEST", "RECIPES", "body_of_vm", "request_of_event", "request_of_job"]

Data = Mapping[str, Any]
Recipe = Callable[[UUID, Data], ApiRequest | None]
PINNED = VirtualMachine.Strategy.PINNED
HOST_KEY = Secret("CLOUDPORTAL_HOST_PRIVATE_KEY")


def request_of_event(event: Event, *, operator: bool = False) -> ApiRequest | None:
    """None if no request does it. Which host a machine is pinned to is told to an `operator` alone,
    as is what only operators may ask for."""
    if event.job is not None and "how" in event.data:
        return ApiRequest("POST", f"jobs/{event.job.uuid}/{event.data['how']}/")
    if event.job is not None and "requested_by" in event.data:
        return ApiRequest("POST", f"jobs/{event.job.uuid}/cancel/")
    if event.kind == "capacity.recount":
        zone = str(event.target_uuid) if event.target_uuid else None
        return ApiRequest("POST", "recount/", {"zone": zone, "fix": bool(event.data.get("fixed"))})
    if event.target_uuid is None:
        return None
    recorded, changes = told(event)
    after = {name: pair[1] for name, pair in changes.items()}
    data = {**(event.job.args if event.job else {}), **recorded, **after, "after": after}
    return _told_to(operator, _request(event.kind, event.target_uuid, data, event.job))


def request_of_job(job: Job, *, operator: bool = False) -> ApiRequest | None:
    """The same of a job."""
    return _told_to(operator, _request(job.kind, job.target_uuid, job.args, job))


def _told_to(operator: bool, wanted: ApiRequest | None) -> ApiRequest | None:
    if operator or wanted is None or wanted.body is None:
        return wanted
    kept_back = {"start_paused"} | ({"strategy", "host"} if wanted.body.get("strategy") == PINNED else set())
    return replace(wanted, body={name: value for name, value in wanted.body.items() if name not in kept_back})


def _request(kind: str, target: UUID, data: Data, job: Job | None) -> ApiRequest | None:
    if kind == "vm.deploy_batch":
        return _batch(job)
    recipe = RECIPES.get(kind)
    return recipe(target, data) if recipe else None


def _uuid(row: Any) -> str | None:
    return str(row.uuid) if row is not None else None


# What was made: the columns of its row by their names in the API.

Body = Callable[[Any], dict[str, Any]]


def _columns(*names: str, **paths: Callable[[Any], Any]) -> Body:
    def body(row: Any) -> dict[str, Any]:
        return {name: getattr(row, name) for name in names} | {name: of(row) for name, of in paths.items()}

    return body


def _account(row: Any) -> str:
    return str(row.account.uuid)


def _zone(row: Any) -> str:
    return str(row.zone.uuid)


MADE: dict[str, tuple[type[Model], str, Body]] = {
    "region.create": (Region, "regions/", _columns("name")),
    "zone.create": (
        Zone,
        "zones/",
        _columns("name", "network_type", "dns", "internal_dns", region=lambda row: str(row.region.uuid)),
    ),
    "pod.create": (
        Pod,
        "pods/",
        _columns(
            *("name", "cidr", "gateway", "guest_start", "guest_end", "reserved_start", "reserved_end"),
            zone=_zone,
            bridge=lambda row: row.network.bridge,
            mtu=lambda row: row.network.mtu,
        ),
    ),
    "cluster.create": (
        Cluster,
        "clusters/",
        _columns(
            *("name", "hypervisor", "arch", "cpu_overcommit_percent", "memory_overcommit_percent"),
            pod=lambda row: str(row.pod.uuid),
        ),
    ),
    "host.add": (
        Host,
        "hosts/",
        _columns(
            *("name", "address", "port", "username", "host_key", "driver", "uri", "extra"),
            cluster=lambda row: str(row.cluster.uuid),
            private_key=lambda row: HOST_KEY if row.private_key else "",
        ),
    ),
    "primary_storage.create": (
        PrimaryStorage,
        "primary-storages/",
        _columns(
            *("name", "scope", "path", "driver", "server", "settings", "overprovision_percent"),
            zone=_zone,
            cluster=lambda row: _uuid(row.cluster),
            host=lambda row: _uuid(row.host),
        ),
    ),
    "secondary_storage.create": (
        SecondaryStorage,
        "secondary-storages/",
        _columns("name", "path", "driver", "server", zone=_zone),
    ),
    "service_offering.create": (
        ServiceOffering,
        "service-offerings/",
        _columns("name", "vcpus", "memory_mib", "root_disk_gib"),
    ),
    "ssh_key.create": (SshKeyPair, "ssh-keys/", _columns("name", "public_key", account=_account)),
    "domain.create": (Domain, "domains/", _columns("name", parent=lambda row: _uuid(row.parent))),
    "account.create": (Account, "accounts/", _columns("name", domain=lambda row: str(row.domain.uuid))),
    "directory.create": (
        Directory,
        "directories/",
        body_of_directory,
    ),
    "user.create": (User, "users/", _columns("username", "full_name", "email")),
    "service_account.create": (
        User,
        "service-accounts/",
        _columns("username", account=lambda row: _uuid(row.service_of)),
    ),
}


def _made(model: type[Model], path: str, body: Body) -> Recipe:
    def recipe(target: UUID, data: Data) -> ApiRequest | None:
        row = model._default_manager.filter(uuid=target).first()
        return ApiRequest("POST", path, body(row)) if row is not None else None

    return recipe


def _uploaded(target: UUID, data: Data) -> ApiRequest | None:
    row = Template.objects.select_related("account", "secondary_storage__zone").filter(uuid=target).first()
    if row is None:
        return None
    body = _columns("name", "description", "is_public", "arch", "min_memory_mib", account=_account)(row)
    body["zone"] = str(row.secondary_storage.zone.uuid)
    return ApiRequest("POST", "templates/", body, file="image.qcow2")


def _batch(job: Job | None) -> ApiRequest | None:
    """The machines of a batch are alike: any of them says what was asked for."""
    if job is None or "name" not in job.args:
        return None
    made = VirtualMachine.objects.filter(uuid__in=job.children.values("target_uuid")).order_by("id").first()
    if made is None:
        return None
    alike = body_of_vm(made)
    alike.pop("hostname", None)  # each has its own, by its name
    body = {**alike, **{name: job.args[name] for name in ("name", "count", "start")}}
    return ApiRequest("POST", "virtual-machines/batch/", body)


# What was done to something that was there.


def _applied(target: UUID, data: Data) -> ApiRequest | None:
    """The document as the zone is now: applying it where it came from has nothing to do."""
    zone = Zone.objects.select_related("region").filter(uuid=target).first()
    if zone is None:
        return None
    document = export_zone(Actor.system("a request is shown again"), zone)
    return ApiRequest("POST", "zone-documents/apply/", {"document": document})


def _act(noun: str, verb: str) -> Recipe:
    return lambda target, data: ApiRequest("POST", f"{noun}/{target}/{verb}/")


def _delete(noun: str) -> Recipe:
    return lambda target, data: ApiRequest("DELETE", f"{noun}/{target}/")


def _patch(noun: str, body: Callable[[Data], dict[str, Any] | None]) -> Recipe:
    def recipe(target: UUID, data: Data) -> ApiRequest | None:
        given = body(data)
        return ApiRequest("PATCH", f"{noun}/{target}/", given) if given else None

    return recipe


def _counting(target: UUID, data: Data) -> ApiRequest | None:
    said = data.get("counting")
    return None if said is None else ApiRequest("POST", f"quotas/{target}/counting/", {"counting": said})


def _field(name: str) -> Callable[[Data], dict[str, Any] | None]:
    return lambda data: {name: data[name]} if name in data else None


def _offering(data: Data) -> dict[str, Any] | None:
    row = ServiceOffering.objects.filter(name=data.get("offering", "")).first()
    return {"offering": str(row.uuid)} if row else None


def _host_changed(target: UUID, data: Data) -> ApiRequest | None:
    host = Host.objects.filter(uuid=target).first()
    if host is None:
        return None
    body = {name: getattr(host, name) for name in ("name", *data.get("after", ()))}
    if "private_key" in body:
        body["private_key"] = HOST_KEY if host.private_key else ""
    return ApiRequest("PATCH", f"hosts/{target}/", body)


def _host_trusted(target: UUID, data: Data) -> ApiRequest | None:
    key = Host.objects.filter(uuid=target).values_list("host_key", flat=True).first()
    return ApiRequest("POST", f"hosts/{target}/trust-key/", {"key": key}) if key else None


def _moved(noun: str, name: str) -> Recipe:
    def recipe(target: UUID, data: Data) -> ApiRequest:
        return ApiRequest("POST", f"{noun}/{target}/move/", {name: data["to"]})

    return recipe


_TENANTS = {"account": "accounts", "domain": "domains"}
_SWITCHED = {
    "zone": "zones",
    "pod": "pods",
    "cluster": "clusters",
    "host": "hosts",
    "primary_storage": "primary-storages",
    "secondary_storage": "secondary-storages",
    "service_offering": "service-offerings",
    "directory": "directories",
}
"""What can be switched off, as events and as the API name it."""
_CHANGED = {"region": "regions", **_SWITCHED}

RECIPES: dict[str, Recipe] = {
    **past_projects.RECIPES,
    **{kind: _made(*made) for kind, made in MADE.items()},
    **{kind: _act("virtual-machines", path) for kind, path in ACTION_PATHS.items()},
    "vm.deploy": _made(VirtualMachine, "virtual-machines/", body_of_vm),
    "vm.rename": _patch("virtual-machines", _field("name")),
    "vm.tag": _patch("virtual-machines", _field("tags")),
    "vm.protect": _patch("virtual-machines", _field("delete_protection")),
    "vm.transfer": lambda target, data: ApiRequest(
        "POST", f"virtual-machines/{target}/transfer/", {"account": data["to"]}
    ),
    "vm.change_offering": _patch("virtual-machines", _offering),
    "ssh_key.delete": _delete("ssh-keys"),
    "template.create": _uploaded,
    "template.register": _uploaded,
    "template.delete": _delete("templates"),
    **{f"{kind}.remove": _delete(noun) for kind, noun in _CHANGED.items()},
    **{f"{kind}.{how}": _act(noun, how) for kind, noun in _SWITCHED.items() for how in ("enable", "disable")},
    **{
        f"{kind}.change": _patch(noun, lambda data: dict(data["after"]))
        for kind, noun in {**_CHANGED, "template": "templates"}.items()
    },
    "host.change": _host_changed,
    "host.trust_key": _host_trusted,
    "host.connect": _act("hosts", "reconnect"),
    "directory.change": changed_directory,
    "directory.test": _act("directories", "test"),
    "primary_storage.connect": _act("primary-storages", "reconnect"),
    "secondary_storage.connect": _act("secondary-storages", "reconnect"),
    "zone.apply": _applied,
    **{
        f"{kind}.{how}": _act(noun, how)
        for kind, noun in _TENANTS.items()
        for how in ("disable", "enable", "close", "reopen")
    },
    **{f"{kind}.rename": _patch(noun, lambda data: dict(data["after"])) for kind, noun in _TENANTS.items()},
    "account.move": _moved("accounts", "domain"),
    "domain.move": _moved("domains", "parent"),
    "user.close": _act("users", "close"),
    "user.reopen": _act("users", "reopen"),
    "user.set_active": _patch("users", lambda data: {"is_active": data["active"]}),
    "quota.set_counting": _counting,
    "quota.set": _patch("quotas", lambda data: dict(data["limits"])),
}
