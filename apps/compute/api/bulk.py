"""One act on several machines, over REST."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.compute.models import VirtualMachine
from apps.compute.services.actions import ACTIONS
from apps.compute.services.bulk import MAX_AT_ONCE, Outcome, Result, act_on_many
from apps.compute.services.handover import Batch, BatchPlan
from apps.core.errors import InvalidInput, NotFound
from apps.core.fields import Choice, Id
from apps.core.rest import StrictSerializer
from apps.jobs.rest import JobSerializer, StoredError


class ManyInput(StrictSerializer):
    kind = Choice(choices=sorted(ACTIONS))
    ids = serializers.ListField(child=Id(), help_text="1 to 200 machines.")


class ResultSerializer(serializers.Serializer[Any]):
    """`job` does what was submitted; `error` says why something was refused."""

    id = serializers.UUIDField()
    name = serializers.CharField(allow_null=True)
    outcome = serializers.ChoiceField(list(Outcome))
    job = JobSerializer(allow_null=True)
    error = StoredError(allow_null=True)


class ManyAnswer(serializers.Serializer[Any]):
    results = serializers.SerializerMethodField()

    @extend_schema_field(ResultSerializer(many=True))
    def get_results(self, results: list[dict[str, Any]]) -> Any:
        return ResultSerializer(results, many=True, context=self.context).data


class HandoverAnswer(serializers.Serializer[Any]):
    """A result for each machine; `left` come with the next request."""

    results = ResultSerializer(many=True)
    left = serializers.IntegerField()


class HandoverPlanAnswer(HandoverAnswer):
    """What would become of each machine by itself; `standing` is the other account's quota with all those
    that are not refused."""

    amount = serializers.DictField(child=serializers.IntegerField())
    standing = serializers.ListField(child=serializers.DictField())


def told_of(batch: Batch) -> dict[str, Any]:
    return {"results": [_told(each.vm.uuid, each) for each in batch.results], "left": batch.left}


def told_of_plan(plan: BatchPlan) -> dict[str, Any]:
    standing = [asdict(each) for each in plan.standing]
    return {**told_of(plan.batch), "amount": asdict(plan.amount), "standing": standing}


def act(actor: Actor, given: dict[str, Any]) -> list[dict[str, Any]]:
    """A result for each id, in their order; one that the actor may not know of is refused as unknown."""
    uuids: list[UUID] = list(dict.fromkeys(given["ids"]))
    rows = VirtualMachine.objects.select_related("account", "zone", "offering", "template", "host")
    if not 1 <= len(uuids) <= MAX_AT_ONCE:
        raise InvalidInput("out_of_range", place="ids", low=1, high=MAX_AT_ONCE)
    seen = {vm.uuid: vm for vm in policy.visible(actor, rows.filter(uuid__in=uuids))}
    vms = sorted(seen.values(), key=lambda vm: uuids.index(vm.uuid))
    done = {result.vm.uuid: result for result in act_on_many(actor, given["kind"], vms)} if vms else {}
    return [_told(uuid, done.get(uuid)) for uuid in uuids]


def _told(uuid: UUID, result: Result | None) -> dict[str, Any]:
    error = NotFound(kind="virtualmachine") if result is None else result.error
    return {
        "id": uuid,
        "name": result.vm.name if result else None,
        "outcome": result.outcome if result else Outcome.REFUSED,
        "job": result.job if result else None,
        "error": {"code": error.code, "params": error.params} if error else None,
    }
