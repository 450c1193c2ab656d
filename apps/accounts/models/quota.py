"""What may be used, what is, and what was."""

from __future__ import annotations

import time
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.accounts.models.tenancy import Account, Domain

RESOURCES = (
    *("machines", "vcpus", "memory_mib", "volumes", "storage_gib", "snapshots", "snapshot_gib"),
    *("templates", "networks", "addresses", "public_addresses"),
)
"""Every resource that may be limited. Which of them are shown and accepted is `quota.counted()`: those
that an app counts."""


def _now() -> int:
    return int(time.time())


class Counting(models.TextChoices):
    """When a machine's vCPUs and memory count: for as long as there is the machine, or while it is on."""

    ALLOCATED = "allocated", _("as allocated: also while the machine is off")
    RUNNING = "running", _("as running: only while the machine is on")


class QuotaColumns(models.Model):
    """Columns of each resource. `metered_*` are unit-seconds used since the hour of `metered_at` began,
    up to `metered_at` (seconds since 1970): see `apps.accounts.metering`."""

    max_machines = models.BigIntegerField(null=True)
    max_vcpus = models.BigIntegerField(null=True)
    max_memory_mib = models.BigIntegerField(null=True)
    max_volumes = models.BigIntegerField(null=True)
    max_storage_gib = models.BigIntegerField(null=True)
    max_snapshots = models.BigIntegerField(null=True)
    max_snapshot_gib = models.BigIntegerField(null=True)
    max_templates = models.BigIntegerField(null=True)
    max_networks = models.BigIntegerField(null=True)
    max_addresses = models.BigIntegerField(null=True)
    max_public_addresses = models.BigIntegerField(null=True)
    used_machines = models.BigIntegerField(default=0)
    used_vcpus = models.BigIntegerField(default=0)
    used_memory_mib = models.BigIntegerField(default=0)
    used_volumes = models.BigIntegerField(default=0)
    used_storage_gib = models.BigIntegerField(default=0)
    used_snapshots = models.BigIntegerField(default=0)
    used_snapshot_gib = models.BigIntegerField(default=0)
    used_templates = models.BigIntegerField(default=0)
    used_networks = models.BigIntegerField(default=0)
    used_addresses = models.BigIntegerField(default=0)
    used_public_addresses = models.BigIntegerField(default=0)
    metered_machines = models.BigIntegerField(default=0)
    metered_vcpus = models.BigIntegerField(default=0)
    metered_memory_mib = models.BigIntegerField(default=0)
    metered_volumes = models.BigIntegerField(default=0)
    metered_storage_gib = models.BigIntegerField(default=0)
    metered_snapshots = models.BigIntegerField(default=0)
    metered_snapshot_gib = models.BigIntegerField(default=0)
    metered_templates = models.BigIntegerField(default=0)
    metered_networks = models.BigIntegerField(default=0)
    metered_addresses = models.BigIntegerField(default=0)
    metered_public_addresses = models.BigIntegerField(default=0)
    metered_at = models.BigIntegerField(default=_now)

    class Meta:
        abstract = True


class Quota(QuotaColumns):
    """What a domain with all below it, an account, or a `user` `within` an account uses and may use. A
    null limit is none.

    `used_*`, `metered_*` and `grace_until` move only by `apps.accounts.quota`, from the root down.
    """

    RESOURCES = RESOURCES

    domain = models.OneToOneField(Domain, models.CASCADE, null=True, related_name="quota")
    account = models.OneToOneField(Account, models.CASCADE, null=True, related_name="quota")
    within = models.ForeignKey(Account, models.CASCADE, null=True, related_name="member_quotas")
    user = models.ForeignKey("accounts.User", models.CASCADE, null=True, related_name="quotas")
    counting = models.CharField(max_length=9, choices=Counting, blank=True, default="")
    """Of a domain: what is set there; empty is what the domain above says, and at ROOT "allocated". Of
    an account: what its counts follow, empty being "allocated"; only a recount changes it."""
    grace_percent = models.PositiveSmallIntegerField(null=True)
    grace_days = models.PositiveSmallIntegerField(null=True)
    grace_until = models.DateTimeField(null=True)  # set exactly while some use is above its limit

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(domain=None, account__isnull=False, within=None, user=None)
                | Q(domain__isnull=False, account=None, within=None, user=None)
                | Q(domain=None, account=None, within__isnull=False, user__isnull=False),
                name="quota_one_owner",
            ),
            models.UniqueConstraint(fields=["within", "user"], name="quota_member_once"),
            models.CheckConstraint(
                condition=Q(*((f"used_{name}__gte", 0) for name in RESOURCES)), name="quota_never_negative"
            ),
            models.CheckConstraint(condition=Q(counting__in=["", *Counting.values]), name="quota_counting"),
        ]
        indexes = [models.Index(fields=["metered_at"], name="quota_metered_at")]

    @property
    def owner(self) -> Domain | Account:
        """Whose it is; of a member's, the account."""
        found: Any = self.domain or self.account or self.within
        return found  # type: ignore[no-any-return]

    def used(self, resource: str) -> int:
        return int(getattr(self, f"used_{resource}"))

    def limit(self, resource: str) -> int | None:
        found: int | None = getattr(self, f"max_{resource}")
        return found


class UsageHour(models.Model):
    """What an account used in one hour that is over, in unit-seconds: 2 vCPUs for half an hour are 3600.
    An hour in which nothing was used has no row."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="usage_hours")
    hour = models.DateTimeField()
    machines = models.BigIntegerField(default=0)
    vcpus = models.BigIntegerField(default=0)
    memory_mib = models.BigIntegerField(default=0)
    volumes = models.BigIntegerField(default=0)
    storage_gib = models.BigIntegerField(default=0)
    snapshots = models.BigIntegerField(default=0)
    snapshot_gib = models.BigIntegerField(default=0)
    templates = models.BigIntegerField(default=0)
    networks = models.BigIntegerField(default=0)
    addresses = models.BigIntegerField(default=0)
    public_addresses = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "hour"], name="usagehour_once")]
        indexes = [models.Index(fields=["hour"], name="usagehour_hour")]
