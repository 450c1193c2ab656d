"""What the machines count against quotas: `VirtualMachine.quota_in`, summed by the database."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Sum

from apps.accounts.amounts import Amount
from apps.accounts.counters import Holder
from apps.accounts.models import Account, Counting
from apps.compute.models import Nic, VirtualMachine
from apps.compute.states import ACTIVE, HOLDS, Holding
from apps.storage.models import Volume

RESOURCES = ("machines", "vcpus", "memory_mib", "volumes", "storage_gib", "addresses")


def usage(accounts: QuerySet[Account] | None = None) -> dict[Holder, Amount]:
    """By account and by who made the machine; vCPUs and memory as the account's quota counts them."""
    holding = [state for state, held in HOLDS.items() if Holding.QUOTA in held]
    machines = VirtualMachine.objects.filter(state__in=holding).order_by()
    if accounts is not None:
        machines = machines.filter(account__in=accounts)
    totals: dict[Holder, Amount] = defaultdict(Amount)
    for *holder, count in machines.values_list("account", "created_by").annotate(Count("pk")):
        totals[_key(holder)] += Amount(machines=count)
    on = machines.filter(Q(state__in=ACTIVE) | ~Q(account__quota__counting=Counting.RUNNING))
    sizes = on.values_list("account", "created_by").annotate(
        Sum("offering__vcpus"), Sum("offering__memory_mib")
    )
    for *holder, vcpus, memory in sizes:
        totals[_key(holder)] += Amount(vcpus=int(vcpus), memory_mib=int(memory))
    gib = (F("size_bytes") + (2**30 - 1)) / 2**30
    volumes = Volume.objects.filter(attachment__vm__in=machines).order_by()
    disks = volumes.values_list("attachment__vm__account", "attachment__vm__created_by")
    for *holder, count, total in disks.annotate(Count("pk"), total=Sum(gib)):
        totals[_key(holder)] += Amount(volumes=count, storage_gib=int(total))
    nics = Nic.objects.filter(vm__in=machines).order_by()
    for *holder, count in nics.values_list("vm__account", "vm__created_by").annotate(Count("pk")):
        totals[_key(holder)] += Amount(addresses=count)
    return totals


def _key(holder: list[Any]) -> Holder:
    account, user = holder
    return account, user
