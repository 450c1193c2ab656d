"""What a machine asks of a host, apart from where it will be."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from apps.compute.models import VirtualMachine


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
    """A request with the rows behind it: keys of the volumes without a pool, and key and public id of
    the NICs without an address."""

    request: PlacementRequest
    volumes: tuple[int, ...]
    nics: tuple[tuple[int, UUID], ...]


def request_of(vm: VirtualMachine) -> PlacementRequest:
    """The request for a machine as its rows say now."""
    return needs_of(vm).request


def needs_of(vm: VirtualMachine) -> Needs:
    """What the machine still needs. One whose disks were given up starts anew: its last host means
    nothing to it any more."""
    volumes = list(vm.volumes().order_by().values_list("pk", "size_bytes", "pool_id"))
    nics = tuple(vm.nics.filter(ip=None).values_list("pk", "uuid"))
    pools = {pool for _pk, _size, pool in volumes if pool is not None}
    request = PlacementRequest(
        zone_id=vm.zone_id,
        vcpus=vm.offering.vcpus,
        memory_mib=vm.offering.memory_mib,
        disk_bytes=sum(size for _pk, size, pool in volumes if pool is None),
        nics=len(nics),
        arch=vm.template.arch,
        strategy=vm.strategy,
        pinned_host_id=vm.pinned_host_id,
        pod_id=vm.pod_id,
        pool_ids=tuple(sorted(pools)),
        last_host_id=vm.last_host_id if pools else None,
    )
    return Needs(request, tuple(pk for pk, _size, pool in volumes if pool is None), nics)
