"""How full a part of the cloud is, in words and numbers, and how its capacity is worked out."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.compute.capacity import Place
from apps.portal.templatetags.portal import mib, size
from apps.storage.models import PrimaryStorage
from apps.zones.models import Host

MEASURES = ("cpu", "memory")


@dataclass(frozen=True, slots=True)
class Gauge:
    """One bar: `text` says in words what it shows."""

    label: str
    used: int
    total: int
    text: str

    @property
    def percent(self) -> int:
        return round(100 * self.used / self.total) if self.total else 0


def grouped(number: int) -> str:
    """A whole number as the reader's language writes it: 23,027."""
    return str(number_format(number, 0, use_l10n=True, force_grouping=True))


def cpu_gauge(used: int, total: int) -> Gauge:
    words = ngettext("%(used)s of %(total)s vCPU", "%(used)s of %(total)s vCPUs", total)
    return Gauge(_("CPU"), used, total, words % {"used": grouped(used), "total": grouped(total)})


def memory_gauge(used: int, total: int) -> Gauge:
    text = _("%(used)s of %(total)s") % {"used": mib(used), "total": mib(total)}
    return Gauge(_("Memory"), used, total, text)


def storage_gauge(used: int, total: int) -> Gauge:
    text = _("%(used)s of %(total)s") % {"used": size(used), "total": size(total)}
    return Gauge(_("Storage"), used, total, text)


def host_gauges(host: Host) -> list[Gauge]:
    return [
        cpu_gauge(host.allocated_vcpus, host.capacity_vcpus),
        memory_gauge(host.allocated_memory_mib, host.capacity_memory_mib),
    ]


def pool_gauges(pool: PrimaryStorage) -> list[Gauge]:
    """What is promised to volumes, and what is written to the disks."""
    written = storage_gauge(pool.used_bytes, pool.capacity_bytes)
    return [
        storage_gauge(pool.allocated_bytes, pool.promised_bytes),
        Gauge(_("Written"), written.used, written.total, written.text),
    ]


def place_gauges(place: Place) -> list[Gauge]:
    hosts, storage = place.hosts, place.storage
    found = [
        cpu_gauge(hosts.allocated_vcpus, hosts.capacity_vcpus),
        memory_gauge(hosts.allocated_memory_mib, hosts.capacity_memory_mib),
    ]
    return found + ([storage_gauge(storage.allocated_bytes, storage.promised_bytes)] if storage.pools else [])


@dataclass(frozen=True, slots=True)
class Sum:
    """A line of the arithmetic: what, and how it comes about."""

    label: str
    text: str


def sums_of_host(host: Host, machines: int) -> list[Sum]:
    """From what the host has to what it can still take, with every number that goes in."""
    cpu, memory = host.cluster.cpu_overcommit_percent, host.cluster.memory_overcommit_percent
    overhead = settings.MACHINE_OVERHEAD_MEMORY_MIB
    reserve = min(settings.HOST_RESERVE_MEMORY_MIB, host.memory_mib)
    numbers = {
        "cores": grouped(host.cpu_cores),
        "cpu": grouped(cpu),
        "vcpus": grouped(host.capacity_vcpus),
        "facts": grouped(host.memory_mib),
        "reserve": grouped(reserve),
        "memory": grouped(memory),
        "capacity": grouped(host.capacity_memory_mib),
    }
    return [
        Sum(
            _("CPU to promise"),
            ngettext(
                "%(cores)s core × %(cpu)s %% = %(vcpus)s vCPUs",
                "%(cores)s cores × %(cpu)s %% = %(vcpus)s vCPUs",
                host.cpu_cores,
            )
            % numbers,
        ),
        Sum(_("CPU free"), _left(host.capacity_vcpus, host.allocated_vcpus, _("vCPUs"))),
        Sum(
            _("Memory to promise"),
            _("(%(facts)s MiB − %(reserve)s MiB reserve) × %(memory)s %% = %(capacity)s MiB") % numbers,
        ),
        Sum(_("Memory free"), _left(host.capacity_memory_mib, host.allocated_memory_mib, "MiB")),
        Sum(
            _("Overhead in what is allocated"),
            ngettext(
                "%(n)s machine × %(each)s MiB = %(all)s MiB",
                "%(n)s machines × %(each)s MiB = %(all)s MiB",
                machines,
            )
            % {"n": grouped(machines), "each": overhead, "all": grouped(machines * overhead)},
        ),
    ]


def sums_of_place(place: Place) -> list[Sum]:
    hosts, storage = place.hosts, place.storage
    numbers = {"facts": mib(hosts.memory_mib), "reserve": mib(hosts.reserve_mib)}
    lines = [
        Sum(_("Cores of hosts"), grouped(hosts.cpu_cores)),
        Sum(_("CPU allocated"), cpu_gauge(hosts.allocated_vcpus, hosts.capacity_vcpus).text),
        Sum(_("vCPUs free on hosts that take new machines"), grouped(hosts.free_vcpus)),
        Sum(_("Memory of hosts"), _("%(facts)s, of which %(reserve)s reserve") % numbers),
        Sum(_("Memory allocated"), memory_gauge(hosts.allocated_memory_mib, hosts.capacity_memory_mib).text),
        Sum(_("Overhead in what is allocated"), mib(place.overhead_mib)),
        Sum(_("Memory free on hosts that take new machines"), mib(hosts.free_memory_mib)),
    ]
    if storage.pools:
        lines += [
            Sum(_("Storage allocated"), storage_gauge(storage.allocated_bytes, storage.promised_bytes).text),
            Sum(_("Storage written"), storage_gauge(storage.used_bytes, storage.capacity_bytes).text),
            Sum(_("Storage free"), size(storage.free_bytes)),
        ]
    return lines


def sums_of_pool(pool: PrimaryStorage) -> list[Sum]:
    numbers = {
        "capacity": size(pool.capacity_bytes),
        "percent": grouped(pool.overprovision_percent),
        "promised": size(pool.promised_bytes),
        "allocated": size(pool.allocated_bytes),
        "left": size(max(0, pool.promised_bytes - pool.allocated_bytes)),
    }
    return [
        Sum(_("Room to promise"), _("%(capacity)s × %(percent)s %% = %(promised)s") % numbers),
        Sum(_("Room left"), _("%(promised)s − %(allocated)s allocated = %(left)s") % numbers),
    ]


def _left(capacity: int, allocated: int, unit: str) -> str:
    numbers = {
        "capacity": grouped(capacity),
        "allocated": grouped(allocated),
        "left": grouped(max(0, capacity - allocated)),
        "unit": unit,
    }
    return _("%(capacity)s − %(allocated)s allocated = %(left)s %(unit)s") % numbers
