"""The hierarchy of the cloud: Region > Zone > Pod > Cluster > Host."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Greatest
from django.utils.translation import gettext_lazy as _

from apps.core.models import NamedRow


class Region(NamedRow):
    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["name_key"],
                name="region_name",
                violation_error_message=_("Another region has this name."),
            )
        ]


class Zone(NamedRow):
    class NetworkType(models.TextChoices):
        BASIC = "Basic", _("Basic")
        ADVANCED = "Advanced", _("Advanced")

    region = models.ForeignKey(Region, models.PROTECT, related_name="zones")
    network_type = models.CharField(max_length=8, choices=NetworkType, default=NetworkType.BASIC)
    dns = models.JSONField(default=list)
    enabled = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["region", "name_key"],
                name="zone_name",
                violation_error_message=_("Another zone of this region has this name."),
            ),
            models.CheckConstraint(
                condition=Q(network_type__in=["Basic", "Advanced"]), name="zone_network_type"
            ),
        ]


class Pod(NamedRow):
    """A pod and its guest subnet. Addresses are IPv4 texts; the guest range lies in `cidr`."""

    zone = models.ForeignKey(Zone, models.PROTECT, related_name="pods")
    cidr = models.CharField(max_length=18)
    gateway = models.GenericIPAddressField(protocol="IPv4")
    enabled = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["zone", "name_key"],
                name="pod_name",
                violation_error_message=_("Another pod of this zone has this name."),
            )
        ]


class Cluster(NamedRow):
    """Hosts of one hypervisor and architecture. Overcommit is in percent of what is there."""

    class Hypervisor(models.TextChoices):
        KVM = "kvm", _("KVM")
        SIMULATOR = "simulator", _("Simulator")

    pod = models.ForeignKey(Pod, models.PROTECT, related_name="clusters")
    hypervisor = models.CharField(max_length=10, choices=Hypervisor, default=Hypervisor.KVM)
    arch = models.CharField(max_length=16, default="x86_64")
    cpu_overcommit_percent = models.PositiveIntegerField(default=200)
    memory_overcommit_percent = models.PositiveIntegerField(default=100)
    enabled = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["pod", "name_key"],
                name="cluster_name",
                violation_error_message=_("Another cluster of this pod has this name."),
            ),
            models.CheckConstraint(
                condition=Q(
                    cpu_overcommit_percent__range=(100, 5000), memory_overcommit_percent__range=(100, 1000)
                ),
                name="cluster_overcommit",
                violation_error_message=_("Overcommit is at least 100 percent."),
            ),
        ]


class HostState(models.TextChoices):
    CONNECTING = "Connecting", _("Connecting")
    UP = "Up", _("Up")
    DISCONNECTED = "Disconnected", _("Disconnected")
    ALERT = "Alert", _("Alert")  # it answers, but not as the host that was added


def _permille(what: str) -> Combinable:
    """How much of a host's capacity is allocated; as if it were 1 where there is none."""
    return Cast(f"allocated_{what}", models.BigIntegerField()) * 1000 / Greatest(f"capacity_{what}", 1)


class Host(NamedRow):
    """A machine that runs guests.

    `capacity_*` is what may be promised: facts less reserve, times overcommit. `allocated_*` moves
    only by conditional UPDATE (`apps.zones.capacity`) together with the guest's own row. What placement
    reads of every host stands first in the table: PostgreSQL unpacks a row from its start.
    """

    class Driver(models.TextChoices):
        LIBVIRT = "libvirt", "libvirt"
        SIMULATOR = "simulator", _("Simulator")

    zone = models.ForeignKey(Zone, models.PROTECT, related_name="hosts")
    pod = models.ForeignKey(Pod, models.PROTECT, related_name="hosts")
    cluster = models.ForeignKey(Cluster, models.PROTECT, related_name="hosts")
    capacity_vcpus = models.PositiveIntegerField(default=0)
    capacity_memory_mib = models.PositiveIntegerField(default=0)
    allocated_vcpus = models.IntegerField(default=0)
    allocated_memory_mib = models.IntegerField(default=0)
    fullness = models.GeneratedField(  # in permille, by CPU or by memory, whichever is more
        expression=Greatest(_permille("vcpus"), _permille("memory_mib")),
        output_field=models.BigIntegerField(),
        db_persist=True,
    )
    driver = models.CharField(max_length=10, choices=Driver, default=Driver.LIBVIRT)
    address = models.CharField(max_length=255, blank=True)  # empty: the machine the workers run on
    port = models.PositiveIntegerField(default=22)
    username = models.CharField(max_length=64, default="root")
    private_key = models.TextField(blank=True)  # sealed
    host_key = models.TextField(blank=True)  # public; recorded when the host was added
    uri = models.CharField(max_length=255, default="qemu:///system")
    extra = models.JSONField(default=dict)

    state = models.CharField(max_length=12, choices=HostState, default=HostState.CONNECTING)
    state_reason = models.CharField(max_length=64, blank=True)
    enabled = models.BooleanField(default=True)
    last_seen_at = models.DateTimeField(null=True)
    missed_syncs = models.PositiveIntegerField(default=0)

    cpu_model = models.CharField(max_length=200, blank=True)
    cpu_cores = models.PositiveIntegerField(default=0)
    cpu_mhz = models.PositiveIntegerField(default=0)
    memory_mib = models.PositiveIntegerField(default=0)
    hypervisor_version = models.CharField(max_length=64, blank=True)
    accelerator = models.CharField(max_length=8, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["cluster", "name_key"],
                name="host_name",
                violation_error_message=_("Another host of this cluster has this name."),
            ),
            models.UniqueConstraint(
                fields=["address", "port"],
                condition=~Q(address=""),
                name="host_address_once",
                violation_error_message=_("Another host has this address."),
            ),
            models.UniqueConstraint(
                fields=["uri"],
                condition=Q(address="", driver="libvirt"),
                name="host_local_once",
                violation_error_message=_("This machine is a host already."),
            ),
            models.CheckConstraint(
                condition=Q(allocated_vcpus__gte=0, allocated_memory_mib__gte=0),
                name="host_allocated_not_negative",
            ),
            models.CheckConstraint(condition=Q(state__in=HostState.values), name="host_state"),
        ]
        indexes = [
            models.Index(  # all that placement weighs, so that it reads no more than the index
                *map(F, ("zone", "fullness", "id", "cluster", "state", "enabled")),
                *map(F, ("capacity_vcpus", "capacity_memory_mib", "allocated_vcpus", "allocated_memory_mib")),
                name="host_survey",
            ),
        ]
