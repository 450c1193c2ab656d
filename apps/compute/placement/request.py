"""What a machine asks of a host, apart from where it will be."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from apps.compute.models import VirtualMachine
from apps.core import sql


@dataclass(frozen=True, slots=True)
class PlacementRequest:
    """`memory_mib` is the guest's own: the hypervisor's overhead is added where it is compared.

    `disk_bytes` sums the volumes that have no pool yet; they go into one pool together. `pool_ids`
    are the pools of the others, which the host must reach. `nics` counts those without an address.
    `last_host_id` is tried before any other, unless the machine is pinned.
    """

    zone_id: int
    vcpus: int
    memory_mib: int
    disk_bytes: int = 0
    nics: int = 0
    arch: str = "x86_64"
    strategy: str = VirtualMachine.Strategy.SPREAD
    pinned_host_id: int | None = None
    pod_id: int | None = None
    pool_ids: tuple[int, ...] = ()
    last_host_id: int | None = None
    excluded_host_ids: tuple[int, ...] = ()

    @property
    def is_pinned(self) -> bool:
        return self.strategy == VirtualMachine.Strategy.PINNED


@dataclass(frozen=True, slots=True)
class Needs:
    """A request with what is behind it: how many volumes have no pool, and key and public id of the
    NICs without an address."""

    request: PlacementRequest
    volumes: int
    nics: tuple[tuple[int, UUID], ...]


_HELD = """
SELECT 'nic', id, uuid, NULL, NULL FROM compute_nic WHERE vm_id = %(vm)s AND ip_id IS NULL
UNION ALL
SELECT 'volume', v.id, NULL, v.pool_id, v.size_bytes
FROM compute_volumeattachment a JOIN storage_volume v ON v.id = a.volume_id WHERE a.vm_id = %(vm)s
UNION ALL
SELECT 'machine', host_id, NULL, pod_id, last_host_id FROM compute_virtualmachine WHERE id = %(vm)s
"""


def request_of(vm: VirtualMachine) -> PlacementRequest:
    """The request for a machine as its rows say now."""
    return needs_of(vm).request


def needs_of(vm: VirtualMachine) -> Needs:
    """What the machine still needs, by its rows as they are now; the pointers of the row in hand are
    brought up to date. A machine whose disks were given up starts anew: its last host means nothing
    to it any more."""
    rows = sql.rows(_HELD, {"vm": vm.pk})
    for kind, host_id, _uuid, pod_id, last_host_id in rows:
        if kind == "machine":
            vm.host_id, vm.pod_id, vm.last_host_id = host_id, pod_id, last_host_id
    volumes = [(pool, size) for kind, _pk, _uuid, pool, size in rows if kind == "volume"]
    nics = tuple((pk, _uuid_of(uuid)) for kind, pk, uuid, *_rest in rows if kind == "nic")
    pools = {pool for pool, _size in volumes if pool is not None}
    request = PlacementRequest(
        zone_id=vm.zone_id,
        vcpus=vm.offering.vcpus,
        memory_mib=vm.offering.memory_mib,
        disk_bytes=sum(size for pool, size in volumes if pool is None),
        nics=len(nics),
        arch=vm.template.arch,
        strategy=vm.strategy,
        pinned_host_id=vm.pinned_host_id,
        pod_id=vm.pod_id,
        pool_ids=tuple(sorted(pools)),
        last_host_id=vm.last_host_id if pools else None,
    )
    return Needs(request, sum(pool is None for pool, _size in volumes), nics)


def _uuid_of(value: UUID | str) -> UUID:
    return value if isinstance(value, UUID) else UUID(value)
