"""Making virtual machines: one, or many of a pattern."""

from __future__ import annotations

import re
import secrets as random_source
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db import transaction

from apps.accounts import policy, quota, secrets
from apps.accounts.actor import Actor
from apps.accounts.amounts import Amount
from apps.accounts.models import Account, Standing
from apps.accounts.standing import require_active, verdict
from apps.compute import placement
from apps.compute.models import (
    Nic,
    ServiceOffering,
    SshKeyPair,
    VirtualMachine,
    VolumeAttachment,
)
from apps.compute.states import State
from apps.compute.user_data import UserDataInvalid, validate_user_data
from apps.compute.verbs import VERBS, lock_of
from apps.core.errors import InvalidInput
from apps.core.names import clean_hostname, clean_name, hostname_of
from apps.jobs.models import Job
from apps.jobs.services import submit
from apps.storage.models import Template, Volume
from apps.zones.models import Host, Zone

MAX_BATCH = 100
MAX_TAGS = 50
_PATTERN = re.compile(r"%(0?)(\d?)d")


@dataclass(frozen=True)
class VmRequest:
    """What a user asks for. `name` is a pattern such as "web-%02d" in a batch."""

    account: Account
    zone: Zone
    name: str
    offering: ServiceOffering
    template: Template
    ssh_keys: Sequence[SshKeyPair] = ()
    user_data: str = ""
    hostname: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    strategy: str = VirtualMachine.Strategy.SPREAD
    pinned_host: Host | None = None
    start_paused: bool = False
    delete_protection: bool = False


def check_request(actor: Actor, wanted: VmRequest, *, count: int = 1) -> placement.PlacementRequest:
    """Everything that `count` of them can be refused for before anything is written: the dry run, too. What
    the quota refuses is told before what hosts have no room for: more room would not help."""
    policy.require(actor, "vm.deploy", wanted.account)
    require_active(wanted.account)
    if not wanted.zone.enabled:
        raise InvalidInput("zone_disabled", place="zone")
    if not wanted.offering.enabled:
        raise InvalidInput("offering_disabled", place="offering")
    template = wanted.template
    if template.state != Template.State.READY:
        raise InvalidInput("template_not_ready", place="template", state=template.state)
    if template.secondary_storage.zone_id != wanted.zone.pk:
        raise InvalidInput("template_in_other_zone", place="template")
    if template.account_id != wanted.account.pk and verdict(template.account).standing == Standing.CLOSING:
        raise InvalidInput("template_goes", place="template")
    if wanted.offering.memory_mib < template.min_memory_mib:
        raise InvalidInput("offering_too_small", place="offering", memory_mib=template.min_memory_mib)
    for key in wanted.ssh_keys:
        if key.account_id != wanted.account.pk:
            raise InvalidInput("other_account", place="ssh_keys")
    _check_strategy(actor, wanted)
    clean_name(wanted.name)
    if wanted.hostname:
        clean_hostname(wanted.hostname)
    check_tags(wanted.tags)
    try:
        validate_user_data(wanted.user_data)
    except UserDataInvalid as error:
        line = f" line {error.line}" if error.line else ""
        raise InvalidInput(error.reason, place=f"user_data{line}") from None
    request = placement.PlacementRequest(
        zone_id=wanted.zone.pk,
        vcpus=wanted.offering.vcpus,
        memory_mib=wanted.offering.memory_mib,
        disk_bytes=root_disk_bytes(wanted.offering, template),
        nics=1,
        arch=template.arch,
        strategy=wanted.strategy,
        pinned_host_id=wanted.pinned_host.pk if wanted.pinned_host else None,
    )
    quota.check(wanted.account, amount_of(wanted) * count, member_id=actor.user_id)
    placement.check(request)
    return request


def _check_strategy(actor: Actor, wanted: VmRequest) -> None:
    if wanted.strategy not in VirtualMachine.Strategy.values:
        raise InvalidInput("unknown_strategy", place="strategy")
    pinned = wanted.strategy == VirtualMachine.Strategy.PINNED
    if pinned != (wanted.pinned_host is not None):
        raise InvalidInput("pinned_needs_host", place="host")
    if pinned or wanted.start_paused:
        policy.require(actor, "vm.pin" if pinned else "vm.start_paused", wanted.account)


def check_tags(tags: object) -> dict[str, str]:
    """Tags are at most MAX_TAGS short texts by short names."""
    if not isinstance(tags, dict) or len(tags) > MAX_TAGS:
        raise InvalidInput("not_tags", place="tags", limit=MAX_TAGS)
    return {
        clean_name(key, place="tags", limit=50): clean_name(value, place=f"tags {str(key)[:50]}", limit=200)
        for key, value in tags.items()
    }


def amount_of(wanted: VmRequest) -> Amount:
    """What one such machine counts against its account's quota."""
    disk_gib = -(-root_disk_bytes(wanted.offering, wanted.template) // 2**30)
    return Amount(
        machines=1,
        vcpus=wanted.offering.vcpus,
        memory_mib=wanted.offering.memory_mib,
        volumes=1,
        storage_gib=disk_gib,
        addresses=1,
    )


def root_disk_bytes(offering: ServiceOffering, template: Template) -> int:
    return max(offering.root_disk_gib * 2**30, template.virtual_size_bytes)


@transaction.atomic
def deploy_vm(actor: Actor, wanted: VmRequest) -> tuple[VirtualMachine, Job]:
    """A new machine, Starting, and the job that brings it up."""
    check_request(actor, wanted)
    vm = _create_rows(actor, wanted, clean_name(wanted.name))
    quota.reserve(wanted.account, vm.quota_amount, member_id=vm.created_by_id)
    return vm, _submit_deploy(actor, vm)


def _submit_deploy(actor: Actor, vm: VirtualMachine, parent: Job | None = None) -> Job:
    return submit(actor, "vm.deploy", vm, lock_keys=[lock_of(vm)], parent=parent)


@transaction.atomic
def deploy_batch(
    actor: Actor, wanted: VmRequest, *, count: int, start: int = 1
) -> tuple[list[VirtualMachine], Job]:
    """`count` machines whose names follow the pattern ("web-%d", "web-%02d"), each with a job of its
    own below one parent job: one that fails leaves the others alone."""
    names = check_batch(actor, wanted, count, start)
    check_request(actor, wanted, count=count)
    vms = [_create_rows(actor, wanted, name) for name in names]
    amount = vms[0].quota_amount * count  # they are alike
    quota.reserve(wanted.account, amount, member_id=vms[0].created_by_id)
    account = wanted.account
    parent = submit(
        actor, "vm.deploy_batch", account, account=account, name=wanted.name, count=count, start=start
    )
    for vm in vms:
        _submit_deploy(actor, vm, parent)
    return vms, parent


def check_batch(actor: Actor, wanted: VmRequest, count: int, start: int = 1) -> list[str]:
    """The names of a batch; refuses one that cannot be, whatever there is room for."""
    policy.require(actor, "vm.deploy_batch", wanted.account)
    if not isinstance(count, int) or not 1 <= count <= MAX_BATCH:
        raise InvalidInput("out_of_range", place="count", low=1, high=MAX_BATCH)
    if not isinstance(start, int) or not 0 <= start <= 10**6:
        raise InvalidInput("out_of_range", place="start", low=0, high=10**6)
    names = batch_names(wanted.name, count, start)
    if wanted.hostname:
        raise InvalidInput("hostname_in_batch", place="hostname")
    return names


def batch_names(pattern: str, count: int, start: int) -> list[str]:
    """The names of a batch; a pattern without a number gets one at its end."""
    text = clean_name(pattern)
    if len(_PATTERN.findall(text)) > 1 or text.count("%") > 1:
        raise InvalidInput("pattern_numbers", place="name")
    if not _PATTERN.search(text):
        if "%" in text:
            raise InvalidInput("pattern_numbers", place="name")
        text = f"{text}-%d"
    return [clean_name(_numbered(text, number)) for number in range(start, start + count)]


def _numbered(pattern: str, number: int) -> str:
    def digits(match: re.Match[str]) -> str:
        return str(number).zfill(int(match[2] or 0)) if match[1] else str(number)

    return _PATTERN.sub(digits, pattern)


@transaction.atomic
def redeploy_vm(actor: Actor, vm: VirtualMachine) -> Job:
    """Try a machine whose deploy failed again, with what was asked for then."""
    policy.require(actor, "vm.deploy", vm)
    VERBS["vm.deploy"].refuse_unless_allowed(vm)
    require_active(vm.account)
    quota.reserve(vm.account, vm.quota_amount, member_id=vm.created_by_id)
    placement.check(placement.request_of(vm))
    vm.move_to(State.STARTING, error=None)
    return _submit_deploy(actor, vm)


def _create_rows(actor: Actor, wanted: VmRequest, name: str) -> VirtualMachine:
    template = wanted.template
    vm = VirtualMachine(
        account=wanted.account,
        zone=wanted.zone,
        name=name,
        hostname=clean_hostname(wanted.hostname) if wanted.hostname else hostname_of(name),
        offering=wanted.offering,
        template=template,
        created_by=actor.user,
        tags=check_tags(wanted.tags),
        strategy=wanted.strategy,
        pinned_host=wanted.pinned_host,
        start_paused=wanted.start_paused,
        delete_protection=wanted.delete_protection,
        state=State.STARTING,
    )
    vm.user_data = secrets.seal(VirtualMachine, vm.uuid, "user_data", wanted.user_data)
    vm.save()
    if wanted.ssh_keys:
        vm.ssh_keys.set(wanted.ssh_keys)
    root = Volume.objects.create(
        account=wanted.account,
        zone=wanted.zone,
        name=f"{name[:90]} root",
        template=template,
        size_bytes=root_disk_bytes(wanted.offering, template),
    )
    VolumeAttachment.objects.create(vm=vm, volume=root, device_index=0)
    Nic.objects.create(vm=vm, device_index=0, mac=new_mac())
    return vm


def new_mac() -> str:
    """A random unicast address of those that nobody assigns ("locally administered", IEEE 802): of its
    40 random bits 100,000 machines share one with a chance of 1 in 200, and the column is unique."""
    return "02:" + ":".join(f"{byte:02x}" for byte in random_source.token_bytes(5))
