"""The hierarchy of the cloud: Region > Zone > Pod > Cluster > Host."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

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
    dns = models.JSONField(default=list)  # what guests ask
    internal_dns = models.JSONField(default=list)  # what the portal's own system asks
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
    """A pod and its guest subnet. Addresses are IPv4 texts; a range holds both its ends.

    The numbers are the same addresses, for the database to compare; `set_subnet` keeps both together.
    Guests get addresses from the guest range; the reserved range is the portal's own system's.
    """

    zone = models.ForeignKey(Zone, models.PROTECT, related_name="pods")
    cidr = models.CharField(max_length=18)
    gateway = models.GenericIPAddressField(protocol="IPv4")
    guest_start = models.GenericIPAddressField(protocol="IPv4")
    guest_end = models.GenericIPAddressField(protocol="IPv4")
    reserved_start = models.GenericIPAddressField(protocol="IPv4", null=True)
    reserved_end = models.GenericIPAddressField(protocol="IPv4", null=True)
    enabled = models.BooleanField(default=True)

    subnet_first = models.BigIntegerField(editable=False)
    subnet_last = models.BigIntegerField(editable=False)
    gateway_number = models.BigIntegerField(editable=False)
    guest_first = models.BigIntegerField(editable=False)
    guest_last = models.BigIntegerField(editable=False)
    reserved_first = models.BigIntegerField(editable=False, null=True)
    reserved_last = models.BigIntegerField(editable=False, null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["zone", "name_key"],
                name="pod_name",
                violation_error_message=_("Another pod of this zone has this name."),
            ),
            models.CheckConstraint(
                condition=Q(gateway_number__gt=F("subnet_first"), gateway_number__lt=F("subnet_last")),
                name="pod_gateway_in_subnet",
                violation_error_message=_("The gateway must be an address of the pod's subnet."),
            ),
            models.CheckConstraint(
                condition=Q(
                    guest_first__gt=F("subnet_first"),
                    guest_last__lt=F("subnet_last"),
                    guest_first__lte=F("guest_last"),
                ),
                name="pod_guest_in_subnet",
                violation_error_message=_("The guest range must lie in the pod's subnet."),
            ),
            models.CheckConstraint(
                condition=Q(reserved_first=None, reserved_last=None)
                | Q(
                    reserved_first__gt=F("subnet_first"),
                    reserved_last__lt=F("subnet_last"),
                    reserved_first__lte=F("reserved_last"),
                ),
                name="pod_reserved_in_subnet",
                violation_error_message=_("The reserved range must lie in the pod's subnet."),
            ),
            models.CheckConstraint(
                condition=(Q(gateway_number__lt=F("guest_first")) | Q(gateway_number__gt=F("guest_last")))
                & (
                    Q(reserved_first=None)
                    | Q(gateway_number__lt=F("reserved_first"))
                    | Q(gateway_number__gt=F("reserved_last"))
                ),
                name="pod_gateway_apart",
                violation_error_message=_("The gateway must lie outside both ranges."),
            ),
            models.CheckConstraint(
                condition=Q(reserved_first=None)
                | Q(reserved_last__lt=F("guest_first"))
                | Q(reserved_first__gt=F("guest_last")),
                name="pod_ranges_apart",
                violation_error_message=_("The guest range and the reserved range must not overlap."),
            ),
        ]

    def set_subnet(
        self, *, cidr: str, gateway: str, guest: tuple[str, str], reserved: tuple[str, str] | None = None
    ) -> None:
        """The subnet with its gateway and ranges, as texts and as numbers. Does not save."""
        network = IPv4Network(cidr)
        self.cidr, self.gateway = cidr, gateway
        self.guest_start, self.guest_end = guest
        self.reserved_start, self.reserved_end = reserved or (None, None)
        self.subnet_first, self.subnet_last = int(network.network_address), int(network.broadcast_address)
        self.gateway_number = int(IPv4Address(gateway))
        self.guest_first, self.guest_last = (int(IPv4Address(address)) for address in guest)
        self.reserved_first, self.reserved_last = (
            (int(IPv4Address(address)) for address in reserved) if reserved else (None, None)
        )


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
    host_key = models.TextField(blank=True)  # public; what an operator trusts
    shown_key = models.TextField(blank=True)  # public; what the host showed while none was trusted
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
