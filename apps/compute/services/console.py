"""The console log of a machine: the portal keeps a copy, and a job fetches a newer one."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.compute.models import ConsoleLog, VirtualMachine
from apps.jobs.models import Job
from apps.jobs.services import submit

FRESH = timedelta(seconds=2)


@transaction.atomic
def read_console_log(actor: Actor, vm: VirtualMachine) -> tuple[ConsoleLog | None, Job | None]:
    """The last copy, and the job that fetches a newer one if the copy is older than FRESH. A machine
    on no host keeps its last copy. At most one such job a machine is under way."""
    policy.require(actor, "vm.console_log", vm)
    log = ConsoleLog.objects.filter(vm=vm).first()
    if vm.host_id is None or (log is not None and timezone.now() - log.read_at < FRESH):
        return log, None
    under_way = Job.objects.filter(target_uuid=vm.uuid, kind="vm.read_console", finished_at=None)
    job = under_way.exclude(state="stuck").order_by("-id").first()
    return log, job or submit(actor, "vm.read_console", vm)
