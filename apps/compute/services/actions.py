"""What the API and the pages do for a verb that is neither an edit nor the system's own."""

from __future__ import annotations

from collections.abc import Callable

from apps.accounts.actor import Actor
from apps.compute.models import VirtualMachine
from apps.compute.services import lifecycle
from apps.compute.services.deploy import redeploy_vm
from apps.jobs.models import Job

Action = Callable[[Actor, VirtualMachine], Job | VirtualMachine | None]
ACTIONS: dict[str, Action] = {
    "vm.deploy": redeploy_vm,
    "vm.start": lifecycle.start_vm,
    "vm.stop": lifecycle.stop_vm,
    "vm.force_stop": lifecycle.force_stop_vm,
    "vm.reboot": lifecycle.reboot_vm,
    "vm.destroy": lifecycle.destroy_vm,
    "vm.recover": lifecycle.recover_vm,
    "vm.expunge": lifecycle.expunge_vm,
    "vm.dismiss": lifecycle.dismiss_vm,
}
