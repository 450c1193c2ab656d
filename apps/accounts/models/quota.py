"""What may be used, and what is."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from apps.accounts.models.tenancy import Account, Domain


class Quota(models.Model):
    """What an account, or a domain with all below it, uses and may use. A null limit is none.

    `used_*` moves only by `apps.accounts.quota`, from the root down.
    """

    RESOURCES = ("machines", "vcpus", "memory_mib", "storage_gib", "addresses")

    domain = models.OneToOneField(Domain, models.CASCADE, null=True, related_name="quota")
    account = models.OneToOneField(Account, models.CASCADE, null=True, related_name="quota")
    max_machines = models.BigIntegerField(null=True)
    max_vcpus = models.BigIntegerField(null=True)
    max_memory_mib = models.BigIntegerField(null=True)
    max_storage_gib = models.BigIntegerField(null=True)
    max_addresses = models.BigIntegerField(null=True)
    used_machines = models.BigIntegerField(default=0)
    used_vcpus = models.BigIntegerField(default=0)
    used_memory_mib = models.BigIntegerField(default=0)
    used_storage_gib = models.BigIntegerField(default=0)
    used_addresses = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(domain=None, account__isnull=False) | Q(domain__isnull=False, account=None),
                name="quota_one_owner",
            ),
            models.CheckConstraint(
                condition=Q(used_machines__gte=0, used_vcpus__gte=0, used_memory_mib__gte=0)
                & Q(used_storage_gib__gte=0, used_addresses__gte=0),
                name="quota_never_negative",
            ),
        ]
