"""Virtual machines and what they are made of."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import models, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.accounts import quota
from apps.accounts.amounts import Amount
from apps.accounts.models import Account, Counting, User
from apps.compute.states import ACTIVE, TRANSITIONS, Holding, PowerState, State, holds
from apps.core.errors import StateConflict
from apps.core.models import NamedRow, Row
from apps.core.names import MAX_NAME, name_parts
from apps.network.models import IpAddress, Network
from apps.storage.models import Template, Volume
from apps.zones.models import Host, Pod, Zone


class ServiceOffering(NamedRow):
    """A size that users choose from."""

    vcpus = models.PositiveIntegerField()
    memory_mib = models.PositiveIntegerField()
    root_disk_gib = models.PositiveIntegerField(default=0)  # 0: as large as the template
    enabled = models.BooleanField(default=True)

    class Meta:
        verbose_name = "service offering"
        constraints = [
            models.UniqueConstraint(
                fields=["name_key"],
                name="serviceoffering_name",
                violation_error_message=_("Another service offering has this name."),
            ),
            models.CheckConstraint(
                condition=Q(vcpus__range=(1, 1024), memory_mib__range=(64, 16 * 1024 * 1024))
                & Q(root_disk_gib__lte=65536),
                name="serviceoffering_size",
                violation_error_message=_(
                    "1 to 1,024 vCPUs, 64 MiB to 16 TiB of memory, at most 64 TiB of disk."
                ),
            ),
        ]


class SshKeyPair(NamedRow):
    """A public key that new machines let in."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="ssh_keys")
    public_key = models.TextField()
    fingerprint = models.CharField(max_length=64)

    class Meta:
        verbose_name = "SSH key pair"
        constraints = [
            models.UniqueConstraint(
                fields=["account", "name_key"],
                name="sshkeypair_name",
                violation_error_message=_("Another SSH key of this account has this name."),
            )
        ]


class VirtualMachineQuerySet(models.QuerySet["VirtualMachine"]):
    def bulk_create(self, objs: Iterable[VirtualMachine], *args: Any, **options: Any) -> list[VirtualMachine]:
        rows = super().bulk_create(objs, *args, **options)
        VmNamePart.index(rows)
        return rows

    def running(self) -> VirtualMachineQuerySet:
        return self.filter(state=State.RUNNING)

    def in_trash(self) -> VirtualMachineQuerySet:
        return self.filter(state=State.DESTROYED)

    def on_host(self, host: Host) -> VirtualMachineQuerySet:
        return self.filter(host=host)


class VirtualMachine(NamedRow):
    """A user's machine. It holds `claimed_*` of its host exactly while `host` is set."""

    class Strategy(models.TextChoices):
        SPREAD = "spread", _("Spread")
        PACK = "pack", _("Pack")
        FIRST_FIT = "first-fit", _("First fit")
        PINNED = "pinned", _("Pinned")

    AGREED = 2
    """So many reports of a host in a row have to say the same before anything is made of it."""

    name_key = models.CharField(max_length=2 * MAX_NAME, editable=False)  # sought by VmNamePart

    # Of the keys below, lists have indexes of their own that begin with the same column.
    account = models.ForeignKey(Account, models.PROTECT, related_name="virtual_machines", db_index=False)
    zone = models.ForeignKey(Zone, models.PROTECT, related_name="virtual_machines", db_index=False)
    offering = models.ForeignKey(
        ServiceOffering, models.PROTECT, related_name="virtual_machines", db_index=False
    )
    template = models.ForeignKey(Template, models.PROTECT, related_name="virtual_machines", db_index=False)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True)
    hostname = models.CharField(max_length=63)
    ssh_keys: models.ManyToManyField[SshKeyPair, Any] = models.ManyToManyField(SshKeyPair, blank=True)
    user_data = models.TextField(blank=True)  # sealed
    tags = models.JSONField(default=dict)
    delete_protection = models.BooleanField(default=False)
    start_paused = models.BooleanField(default=False)

    state = models.CharField(max_length=10, choices=State, default=State.STARTING)
    state_changed_at = models.DateTimeField(default=timezone.now)
    error = models.JSONField(null=True)
    expunge_after = models.DateTimeField(null=True)

    power_state = models.CharField(max_length=8, choices=PowerState, default=PowerState.UNKNOWN)
    power_observed_at = models.DateTimeField(null=True)
    power_agreed = models.PositiveSmallIntegerField(default=0)  # reports in a row that say so

    strategy = models.CharField(max_length=10, choices=Strategy, default=Strategy.SPREAD)
    pinned_host = models.ForeignKey(
        Host, models.SET_NULL, null=True, related_name="pinned_machines", db_index=False
    )
    pod = models.ForeignKey(Pod, models.PROTECT, null=True, related_name="virtual_machines")
    host = models.ForeignKey(Host, models.PROTECT, null=True, related_name="virtual_machines")
    last_host = models.ForeignKey(
        Host, models.SET_NULL, null=True, related_name="former_machines", db_index=False
    )
    claimed_vcpus = models.PositiveIntegerField(default=0)
    claimed_memory_mib = models.PositiveIntegerField(default=0)

    objects = VirtualMachineQuerySet.as_manager()

    class Meta:
        verbose_name = "virtual machine"
        constraints = [
            models.CheckConstraint(condition=Q(state__in=State.values), name="vm_state"),
            models.CheckConstraint(condition=Q(power_state__in=PowerState.values), name="vm_power_state"),
            models.CheckConstraint(condition=Q(host=None) | Q(pod__isnull=False), name="vm_host_has_pod"),
            models.CheckConstraint(
                condition=~Q(state__in=["Error"]) | Q(host=None), name="vm_error_holds_nothing"
            ),
        ]
        indexes = [
            models.Index(fields=["zone", "pod", "host", "state"], name="vm_place_state"),
            models.Index(F("account"), F("name_sort"), F("id"), name="vm_account_name"),
            models.Index(F("account"), F("id").desc(), name="vm_account_new"),
            models.Index(F("account"), F("state"), F("id"), name="vm_account_state"),
            models.Index(F("name_sort"), F("id"), name="vm_name"),
            models.Index(F("state"), F("id"), name="vm_state_id"),
            models.Index(F("state"), F("name_sort"), F("id"), name="vm_state_name"),
            *(
                index
                for owner in ("zone", "offering", "template")
                for index in (
                    models.Index(F(owner), F("id"), name=f"vm_{owner}_new"),
                    models.Index(F(owner), F("name_sort"), F("id"), name=f"vm_{owner}_name"),
                )
            ),
            models.Index(F("expunge_after"), condition=~Q(expunge_after=None), name="vm_expunge_after"),
        ]

    def save(self, *args: Any, **kwargs: Any) -> None:
        new, columns = self._state.adding, kwargs.get("update_fields")
        super().save(*args, **kwargs)
        if new or columns is None or not {"name_key", "account"}.isdisjoint(columns):
            VmNamePart.index([self], anew=not new)

    @property
    def machine_name(self) -> str:
        """Its name on a hypervisor: fixed for life, so that a rename needs no host."""
        return f"i-{self.uuid}"

    @property
    def seed(self) -> str:
        """The name of its NoCloud seed in the root volume's pool."""
        return f"seed-{self.uuid}"

    @property
    def quota_amount(self) -> Amount:
        """What it counts against its account's quota while it is on."""
        return quota_amounts([self], VirtualMachine.objects.filter(pk=self.pk))[self.pk]

    def quota_in(self, state: State, counting: Counting) -> Amount:
        """What it counts in this state, by this policy."""
        return self.counted_in(state, counting, self.quota_amount)

    @staticmethod
    def counted_in(state: State, counting: Counting, whole: Amount) -> Amount:
        """What a machine of this quota_amount counts."""
        held = holds(state, counting)
        counted = whole - whole.compute if Holding.QUOTA in held else Amount()
        return counted + whole.compute if Holding.QUOTA_COMPUTE in held else counted

    @transaction.atomic
    def follow_quota(self, state: State, *, beyond: bool = False) -> None:
        """Count the vCPUs and memory of a machine that comes on, and no longer those of one that goes
        off, where quotas count as running; elsewhere nothing changes. See `apps.accounts.quota.follow`."""
        before = State(self.state)
        if (before in ACTIVE) == (state in ACTIVE) or not {before, state}.isdisjoint({State.ERROR}):
            return

        def change(counting: Counting) -> Amount:
            return self.quota_in(state, counting) - self.quota_in(before, counting)

        quota.follow(self.account, change, member_id=self.created_by_id, beyond=beyond)

    def volumes(self) -> models.QuerySet[Volume]:
        """Its volumes in the guest's order, the root volume first."""
        return Volume.objects.filter(attachment__vm=self).order_by("attachment__device_index")

    @transaction.atomic
    def move_to(
        self, state: State, *, at: datetime | None = None, beyond: bool = False, **changes: Any
    ) -> None:
        """Compare-and-set `state` with other columns, and let the quota follow; StateConflict if it is
        not where we think it is or the table of transitions does not lead there. `beyond`: it is so
        already, whatever the quota says."""
        if state != self.state and state not in TRANSITIONS[State(self.state)]:
            raise StateConflict(reason="no_transition", state=self.state, wanted=state)
        self.follow_quota(state, beyond=beyond)
        changes = {"state": state, "state_changed_at": at or timezone.now(), "power_agreed": 0, **changes}
        if not VirtualMachine.objects.filter(pk=self.pk, state=self.state).update(**changes):
            raise StateConflict(reason="state_moved", state=self.state, wanted=state)
        for name, value in changes.items():
            setattr(self, name, value)


class VmNamePart(models.Model):
    """Three letters that follow each other in a machine's name, or one or two that begin a word in it: by
    these a name is found by any part of it, on every database. See `apps.compute.search`. With the key
    that names are sorted by beside it, even a part that thousands of names share is read in their order,
    in all accounts or in one."""

    vm = models.ForeignKey(VirtualMachine, models.CASCADE, related_name="name_parts")
    account = models.ForeignKey(Account, models.CASCADE, related_name="+", db_index=False)
    part = models.CharField(max_length=3)
    name_sort = models.CharField(max_length=3 * MAX_NAME)

    class Meta:
        indexes = [
            models.Index(F("part"), F("name_sort"), F("vm"), name="vmnamepart_by_name"),
            models.Index(F("part"), F("vm"), name="vmnamepart_by_vm"),
            models.Index(F("part"), F("account"), F("name_sort"), F("vm"), name="vmnamepart_account_name"),
            models.Index(F("part"), F("account"), F("vm"), name="vmnamepart_account_vm"),
        ]

    @staticmethod
    def index(vms: Iterable[VirtualMachine], *, anew: bool = False) -> None:
        """Write the parts of these machines' names; `anew` for machines that have some already."""
        if anew:
            VmNamePart.objects.filter(vm__in=vms).delete()
        VmNamePart.objects.bulk_create(
            (
                VmNamePart(vm=vm, account_id=vm.account_id, part=part, name_sort=vm.name_sort)
                for vm in vms
                for part in name_parts(vm.name_key)
            ),
            batch_size=2000,
        )


class VolumeAttachment(models.Model):
    """A volume's place in a machine; the root volume has index 0."""

    vm = models.ForeignKey(VirtualMachine, models.PROTECT, related_name="attachments")
    volume = models.OneToOneField(Volume, models.PROTECT, related_name="attachment")
    device_index = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["vm", "device_index"], name="attachment_index")]


class Nic(Row):
    """A network card. It has a network and an address from placement on."""

    vm = models.ForeignKey(VirtualMachine, models.PROTECT, related_name="nics")
    device_index = models.PositiveSmallIntegerField()
    network = models.ForeignKey(Network, models.PROTECT, null=True, related_name="nics")
    mac = models.CharField(max_length=17, unique=True)
    ip = models.OneToOneField(IpAddress, models.PROTECT, null=True, related_name="nic")

    class Meta:
        verbose_name = "NIC"
        ordering = ["device_index"]
        constraints = [models.UniqueConstraint(fields=["vm", "device_index"], name="nic_index")]


def quota_amounts(vms: Iterable[VirtualMachine], rows: models.QuerySet[VirtualMachine]) -> dict[int, Amount]:
    """What each counts against its account's quota while it is on, by key, in two queries; `rows` finds
    all of them."""
    sizes: dict[int, list[int]] = defaultdict(list)
    disks = Volume.objects.filter(attachment__vm__in=rows.order_by().values("pk"))
    for key, size in disks.values_list("attachment__vm", "size_bytes"):
        sizes[key].append(size)
    cards = Counter(Nic.objects.filter(vm__in=rows.order_by().values("pk")).values_list("vm", flat=True))
    return {
        vm.pk: Amount(
            machines=1,
            vcpus=vm.offering.vcpus,
            memory_mib=vm.offering.memory_mib,
            volumes=len(sizes[vm.pk]),
            storage_gib=sum(-(-size // 2**30) for size in sizes[vm.pk]),
            addresses=cards[vm.pk],
        )
        for vm in vms
    }


class Placement(models.Model):
    """Why a machine is where it is, or nowhere: the explanation of its latest placement, as data."""

    vm = models.OneToOneField(VirtualMachine, models.CASCADE, related_name="placement")
    decided_at = models.DateTimeField(default=timezone.now)
    fits = models.BooleanField()
    explanation = models.JSONField()  # at most 16 KiB; see apps.compute.placement


class ConsoleLog(models.Model):
    """The last copy of what a machine wrote to its serial console: its end, at most MAX_BYTES."""

    MAX_BYTES = 65536

    vm = models.OneToOneField(VirtualMachine, models.CASCADE, related_name="console_log")
    text = models.TextField()
    read_at = models.DateTimeField()


class StrayMachine(Row):
    """A machine on a host that carries our tag but has no live row here: quarantined, never touched."""

    host = models.ForeignKey(Host, models.CASCADE, related_name="stray_machines")
    machine_uuid = models.UUIDField()
    machine_name = models.CharField(max_length=200)
    power_state = models.CharField(max_length=8, choices=PowerState)
    last_seen_at = models.DateTimeField()
    sightings = models.PositiveIntegerField(default=1)  # shown from the second on

    class Meta:
        verbose_name = "stray machine"
        constraints = [models.UniqueConstraint(fields=["host", "machine_uuid"], name="stray_once")]
