"""What would be asked for to have a machine again."""

from __future__ import annotations

from typing import Any

from apps.compute.models import VirtualMachine
from apps.core.names import hostname_of
from apps.portal.copy_as import Secret

USER_DATA = Secret("CLOUDPORTAL_USER_DATA")


def body_of_vm(vm: VirtualMachine) -> dict[str, Any]:
    """What would be asked for to have such a machine again. User data is not told."""
    body: dict[str, Any] = {
        "name": vm.name,
        "zone": str(vm.zone.uuid),
        "template": str(vm.template.uuid),
        "offering": str(vm.offering.uuid),
        "account": str(vm.account.uuid),
        "ssh_keys": [str(key.uuid) for key in vm.ssh_keys.order_by("id")],
    }
    if vm.hostname != hostname_of(vm.name):
        body["hostname"] = vm.hostname
    if vm.user_data:
        body["user_data"] = USER_DATA
    if vm.tags:
        body["tags"] = vm.tags
    if vm.strategy != VirtualMachine.Strategy.SPREAD:
        body["strategy"] = vm.strategy
    if vm.pinned_host is not None:
        body["host"] = str(vm.pinned_host.uuid)
    if vm.start_paused:
        body["start_paused"] = True
    if vm.delete_protection:
        body["delete_protection"] = True
    return body
