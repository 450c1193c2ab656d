"""Virtual machines as the API takes and shows them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.accounts import policy
from apps.accounts.rest import Reference
from apps.compute.models import Nic, VirtualMachine
from apps.compute.states import PowerState, State
from apps.compute.verbs import VERBS
from apps.core.fields import Choice, Id, Text, Truth, Whole
from apps.core.messages import placement_help, placement_reason
from apps.core.rest import StrictSerializer
from apps.jobs.rest import JobSerializer, StoredError, WithJob


class NicSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="uuid")
    mac = serializers.CharField()
    network = serializers.SerializerMethodField()
    ip = serializers.CharField(source="ip.address", allow_null=True)

    @extend_schema_field(Reference(allow_null=True, help_text="Shown to who sees the host."))
    def get_network(self, nic: Nic) -> dict[str, Any] | None:
        """A pod's flat network has the pod's name: infrastructure."""
        if nic.network is None or not self.context["view"].actor.is_operator:
            return None
        return dict(Reference(nic.network).data)


class AttachedVolume(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="volume.uuid")
    name = serializers.CharField(source="volume.name")
    device_index = serializers.IntegerField()
    size_bytes = serializers.IntegerField(source="volume.size_bytes")


class VmSerializer(WithJob):
    """`ip` is the first NIC's address. `actions` are the verbs that the present state and your rights
    allow; each is a path below the machine's."""

    id = serializers.UUIDField(source="uuid")
    name = serializers.CharField()
    hostname = serializers.CharField()
    account = Reference()
    zone = Reference()
    offering = Reference()
    vcpus = serializers.IntegerField(source="offering.vcpus")
    memory_mib = serializers.IntegerField(source="offering.memory_mib")
    template = Reference()
    state = serializers.ChoiceField(State.choices)
    state_label = serializers.CharField(source="get_state_display")
    power_state = serializers.ChoiceField(PowerState.choices)
    error = StoredError(allow_null=True)
    ip = serializers.SerializerMethodField()
    nics = NicSerializer(many=True)
    volumes = AttachedVolume(source="attachments", many=True)
    ssh_keys = serializers.SerializerMethodField()
    tags = serializers.DictField(child=serializers.CharField())
    delete_protection = serializers.BooleanField()
    has_user_data = serializers.SerializerMethodField()
    strategy = serializers.ChoiceField(VirtualMachine.Strategy.choices)
    host = serializers.SerializerMethodField()
    expunge_after = serializers.DateTimeField(allow_null=True)
    state_changed_at = serializers.DateTimeField()
    created_at = serializers.DateTimeField()
    actions = serializers.SerializerMethodField()

    def get_ip(self, vm: VirtualMachine) -> str | None:
        for nic in vm.nics.all():
            if nic.ip is not None:
                return str(nic.ip.address)
        return None

    def get_has_user_data(self, vm: VirtualMachine) -> bool:
        return bool(vm.user_data)

    @extend_schema_field(Reference(many=True, help_text="Shown to who may read the account's keys."))
    def get_ssh_keys(self, vm: VirtualMachine) -> list[dict[str, Any]]:
        """Who runs a host sees the machines on it, and not how people get in."""
        keys = list(vm.ssh_keys.all())
        if not keys or not policy.may(self.context["view"].actor, "ssh_key.read", vm.account):
            return []
        return [dict(Reference(key).data) for key in keys]

    @extend_schema_field(Reference(allow_null=True, help_text="Shown to who sees the host."))
    def get_host(self, vm: VirtualMachine) -> dict[str, Any] | None:
        if vm.host is None or not policy.sees(self.context["view"].actor, vm.host):
            return None
        return dict(Reference(vm.host).data)

    def get_actions(self, vm: VirtualMachine) -> list[str]:
        actor = self.context["view"].actor
        return [
            path
            for kind, path in ACTION_PATHS.items()
            if VERBS[kind].allows(vm) and policy.may(actor, kind, vm)
        ]


EDITED = frozenset({"vm.rename", "vm.tag", "vm.protect", "vm.change_offering"})
"""Verbs that are a PATCH, not a path of their own."""
ASKS_WHITHER = frozenset({"vm.transfer"})
"""Verbs with a path that takes a body."""

ACTION_PATHS: dict[str, str] = {
    kind: "retry-deploy" if kind == "vm.deploy" else kind.removeprefix("vm.").replace("_", "-")
    for kind, verb in VERBS.items()
    if kind not in EDITED | ASKS_WHITHER and not verb.operator_only
}
"""The path of each verb below a machine's, from its one declaration."""


class VmInput(StrictSerializer):
    """What a new machine is to be. Without `account` it belongs to your only one; `host` goes with
    the strategy "pinned"; that and `start_paused` are for operators."""

    name = Text()
    zone = Id()
    offering = Id()
    template = Id()
    account = Id(allow_null=True, default=None)
    ssh_keys = serializers.ListField(child=Id(), default=list, max_length=50)
    user_data = Text(default="", write_only=True)
    hostname = Text(default="")
    tags = serializers.DictField(child=Text(), default=dict)
    strategy = Choice(VirtualMachine.Strategy.choices, default=VirtualMachine.Strategy.SPREAD)
    host = Id(allow_null=True, default=None)
    start_paused = Truth(default=False)
    delete_protection = Truth(default=False)


class BatchInput(VmInput):
    """`name` is a pattern: "web-%d" or "web-%02d"; without a number one is added at its end."""

    count = Whole(low=1, high=100)
    start = Whole(low=0, high=10**6, default=1)


class VmPatch(StrictSerializer):
    """What is given changes; all of it or nothing. A new `offering` needs a stopped machine."""

    name = Text(required=False)
    tags = serializers.DictField(child=Text(), required=False)
    delete_protection = Truth(required=False)
    offering = Id(required=False)


class BatchAnswer(serializers.Serializer[Any]):
    job = JobSerializer()
    virtual_machines = VmSerializer(many=True)


class StandingSerializer(serializers.Serializer[Any]):
    """How the account, or where its limit is nearer the `member`, stands with a resource; a null limit is
    none. `ceiling` is what may be used at this moment: more than the limit in the days of grace."""

    resource = serializers.CharField()
    used = serializers.IntegerField()
    wanted = serializers.IntegerField()
    limit = serializers.IntegerField(allow_null=True)
    ceiling = serializers.IntegerField(allow_null=True)
    member = serializers.BooleanField()


class DryRunAnswer(serializers.Serializer[Any]):
    """`fits` is true, or the answer is a problem that says why not."""

    fits = serializers.BooleanField()
    placement = serializers.DictField()
    quota = StandingSerializer(many=True)


class PlacementAnswer(serializers.Serializer[Any]):
    """Why the machine is where it is, or nowhere, and what would help."""

    fits = serializers.BooleanField()
    decided_at = serializers.DateTimeField()
    explanation = serializers.DictField()


class HostsPage(serializers.Serializer[Any]):
    """Each host of the zone with its score or all its reasons."""

    considered = serializers.IntegerField()
    fitting = serializers.IntegerField()
    results = serializers.ListField(child=serializers.DictField())
    next_cursor = serializers.UUIDField(allow_null=True)


class ConsoleAnswer(serializers.Serializer[Any]):
    """The last copy of the console. `refreshing` says that `job` fetches a newer one."""

    text = serializers.CharField()
    read_at = serializers.DateTimeField(allow_null=True)
    refreshing = serializers.BooleanField()
    job = JobSerializer(allow_null=True)


def explained(explanation: dict[str, Any], *, operator: bool) -> dict[str, Any]:
    """An explanation with words beside its codes. Whose hosts there are is the operator's to know:
    others see what was wanted, how many hosts fell to which reason, and the main one."""
    told = {key: explanation.get(key) for key in ("strategy", "wanted", "considered", "fitting", "reason")}
    if told["reason"]:
        told["reason_text"] = placement_reason(str(told["reason"]))
    counts = explanation.get("counts") or []
    if operator:
        told["counts"] = [{**entry, "text": placement_reason(entry["reason"])} for entry in counts]
        told["chosen"] = explanation.get("chosen")
        told["best"] = explanation.get("best") or []
        told["near_misses"] = [described(entry) for entry in explanation.get("near_misses") or []]
        return told
    sums: dict[str, int] = {}
    for entry in counts:
        sums[entry["reason"]] = sums.get(entry["reason"], 0) + entry["hosts"]
    told["counts"] = [
        {"cluster": None, "reason": reason, "hosts": hosts, "text": placement_reason(reason)}
        for reason, hosts in sums.items()
    ]
    return told


def described(host: dict[str, Any]) -> dict[str, Any]:
    """A host of an explanation with words for its reasons and for what would help."""
    reasons = [{"reason": reason, "text": placement_reason(reason)} for reason in host.get("reasons") or []]
    help_code = host.get("help")
    return {**host, "reasons": reasons, "help_text": placement_help(help_code) if help_code else None}


class TransferInput(StrictSerializer):
    account = Id()


class HandoverInput(StrictSerializer):
    """`source` is the account whose machines go to `account`."""

    source = Id()  # type: ignore[assignment]
    account = Id()


class TransferAnswer(serializers.Serializer[Any]):
    """The machine and who owns it now; who handed it over may see it no longer."""

    id = serializers.UUIDField(source="uuid")
    name = serializers.CharField()
    account = Reference()


class TransferPlanAnswer(serializers.Serializer[Any]):
    """What a transfer would do. `standing` is the other account's quota with what comes; `same_name` counts
    its machines of this name; `hidden_template`: its members do not see the image that it was made from;
    `user_data`: they can read the machine's."""

    amount = serializers.SerializerMethodField()
    standing = serializers.SerializerMethodField()
    volumes = serializers.IntegerField()
    addresses = serializers.IntegerField()
    keys_copied = serializers.ListField(child=serializers.CharField())
    keys_there = serializers.ListField(child=serializers.CharField())
    same_name = serializers.IntegerField()
    hidden_template = serializers.BooleanField()
    user_data = serializers.BooleanField()

    def get_amount(self, plan: Any) -> dict[str, int]:
        return asdict(plan.amount)

    def get_standing(self, plan: Any) -> list[dict[str, Any]]:
        return [asdict(each) for each in plan.standing]
