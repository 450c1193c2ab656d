"""Virtual machines over REST. What can be done to one derives from `apps.compute.verbs`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from django.db import transaction
from django.db.models import Prefetch, QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    PolymorphicProxySerializer,
    extend_schema,
    extend_schema_view,
)
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import policy, quota
from apps.accounts.models import Account
from apps.accounts.rest import NAME_ORDERS
from apps.compute import placement
from apps.compute.api import bulk
from apps.compute.api import serializers as shapes
from apps.compute.models import Nic, ServiceOffering, SshKeyPair, VirtualMachine, VolumeAttachment
from apps.compute.search import ByName
from apps.compute.services import console, edit, lifecycle
from apps.compute.services.actions import ACTIONS, Action
from apps.compute.services.deploy import (
    VmRequest,
    amount_of,
    check_request,
    deploy_batch,
    deploy_vm,
)
from apps.compute.services.handover import hand_over_machines, plan_handover
from apps.compute.services.transfer import plan_transfer, transfer_vm
from apps.compute.states import PowerState, State
from apps.compute.verbs import VERBS
from apps.core.errors import InvalidInput, NotFound
from apps.core.filters import ByChoice, ByFlag, ById
from apps.jobs.events_api import EventSerializer, event_rows
from apps.jobs.models import Job
from apps.jobs.rest import JobbedViewSet, JobSerializer
from apps.storage.models import Template
from apps.zones.models import Host, Zone

ROWS: QuerySet[VirtualMachine] = VirtualMachine.objects.select_related(
    "account__domain", "zone", "offering", "template", "host"
).prefetch_related(
    Prefetch("nics", Nic.objects.select_related("network", "ip").order_by("device_index")),
    Prefetch("attachments", VolumeAttachment.objects.select_related("volume").order_by("device_index")),
    "ssh_keys",
)


@extend_schema_view(
    list=extend_schema(summary="List virtual machines"), retrieve=extend_schema(summary="One virtual machine")
)
class VirtualMachineViewSet(JobbedViewSet):
    queryset = ROWS
    serializer_class = shapes.VmSerializer
    orders = {**NAME_ORDERS, "state": "state"}
    default_order = "-created_at"
    filters = {
        "q": ByName(),
        "state": ByChoice("state", tuple(State.values)),
        "power_state": ByChoice("power_state", tuple(PowerState.values)),
        "zone": ById("zone__uuid"),
        "account": ById("account__uuid"),
        "offering": ById("offering__uuid"),
        "template": ById("template__uuid"),
        "delete_protection": ByFlag("delete_protection"),
    }

    listings = frozenset({"list", "events"})

    def parameters(self) -> set[str]:
        return {"placement": {"full", "cursor"}}.get(self.action, set())

    def _wanted(self, given: dict[str, Any]) -> VmRequest:
        """The request's body with its references looked up among what the actor may know of."""
        keys = [self.find(SshKeyPair, key, "ssh_keys") for key in dict.fromkeys(given.pop("ssh_keys"))]
        host = given.pop("host")
        return VmRequest(
            account=self.own_account(given.pop("account")),
            zone=self.find(Zone, given.pop("zone"), "zone"),
            offering=self.find(ServiceOffering, given.pop("offering"), "offering"),
            template=self.find(Template, given.pop("template"), "template", "secondary_storage"),
            ssh_keys=keys,
            pinned_host=self.find(Host, host, "host") if host else None,
            **given,
        )

    @extend_schema(
        summary="Deploy a virtual machine",
        request=shapes.VmInput,
        responses={202: shapes.VmSerializer},
    )
    def create(self, request: Request) -> Response:
        given = self.read(shapes.VmInput)
        return self.once(lambda: self.accepted(*deploy_vm(self.actor, self._wanted(given))))

    @extend_schema(
        summary="Deploy several virtual machines",
        description="Each has a job of its own below the batch's: one that fails leaves the others alone.",
        request=shapes.BatchInput,
        responses={202: shapes.BatchAnswer},
    )
    @action(detail=False, methods=["post"])
    def batch(self, request: Request) -> Response:
        given = self.read(shapes.BatchInput)

        def act() -> Response:
            count, start = given.pop("count"), given.pop("start")
            vms, job = deploy_batch(self.actor, self._wanted(given), count=count, start=start)
            rows = ROWS.filter(pk__in=[vm.pk for vm in vms]).order_by("pk")
            context = self.get_serializer_context()
            body = {
                "job": JobSerializer(job, context=context).data,
                "virtual_machines": self.get_serializer(rows, many=True).data,
            }
            return Response(body, 202, headers={"Location": self.job_url(job)})

        return self.once(act)

    @extend_schema(
        summary="Do one thing to several virtual machines",
        description="Each for itself: what is refused for one leaves the others alone.",
        request=bulk.ManyInput,
        responses={200: bulk.ManyAnswer},
    )
    @action(detail=False, methods=["post"])
    def act(self, request: Request) -> Response:
        given = self.read(bulk.ManyInput)

        def do() -> Response:
            results = bulk.act(self.actor, given)
            return Response(bulk.ManyAnswer(results, context=self.get_serializer_context()).data)

        return self.once(do)

    @extend_schema(
        summary="Judge a deploy without doing it",
        description="Refuses exactly what a deploy would refuse now. Nothing is reserved by it: what is free "
        "now may be gone when the deploy comes.",
        request=shapes.VmInput,
        responses={200: shapes.DryRunAnswer},
    )
    @action(detail=False, methods=["post"], url_path="dry-run")
    def dry_run(self, request: Request) -> Response:
        wanted = self._wanted(self.read(shapes.VmInput))
        asked = check_request(self.actor, wanted)
        amount, member_id = amount_of(wanted), self.actor.user_id
        told = shapes.explained(placement.explain(asked), operator=self.actor.is_operator)
        standing = [asdict(item) for item in quota.standing(wanted.account, amount, member_id=member_id)]
        return Response({"fits": True, "placement": told, "quota": standing})

    @extend_schema(
        summary="Change name, tags, protection or size",
        request=shapes.VmPatch,
        responses={200: shapes.VmSerializer},
    )
    def partial_update(self, request: Request, id: str) -> Response:  # noqa: A002
        given = self.read(shapes.VmPatch)

        def act() -> Response:
            vm = self.get_object()
            with transaction.atomic():
                self._edit(vm, given)
            return self.changed(vm)

        return self.once(act)

    def _edit(self, vm: VirtualMachine, given: dict[str, Any]) -> None:
        if "offering" in given:
            offering = self.find(ServiceOffering, given["offering"], "offering")
            edit.change_offering(self.actor, vm, offering=offering)
        if "name" in given:
            edit.rename_vm(self.actor, vm, name=given["name"])
        if "tags" in given:
            edit.tag_vm(self.actor, vm, tags=given["tags"])
        if "delete_protection" in given:
            edit.protect_vm(self.actor, vm, protected=given["delete_protection"])

    @extend_schema(summary="Move to the trash", responses={202: shapes.VmSerializer})
    def destroy(self, request: Request, id: str) -> Response:  # noqa: A002
        return self._act(lifecycle.destroy_vm)

    def _act(self, service: Action) -> Response:
        def act() -> Response:
            vm = self.get_object()
            outcome = service(self.actor, vm)
            if outcome is None:
                return Response(status=204)
            return self.accepted(vm, outcome) if isinstance(outcome, Job) else self.changed(vm)

        return self.once(act)

    @extend_schema(
        summary="What a transfer to another account would do",
        description="Refuses exactly what a transfer would refuse now, and does nothing.",
        request=shapes.TransferInput,
        responses={200: shapes.TransferPlanAnswer},
    )
    @action(detail=True, methods=["post"], url_path="transfer-plan")
    def transfer_plan(self, request: Request, id: str) -> Response:  # noqa: A002
        account = self._receiver()
        plan = plan_transfer(self.actor, self.get_object(), account=account)
        return Response(shapes.TransferPlanAnswer(plan).data)

    @extend_schema(
        summary="Hand over to another account",
        description="With its disks and network cards; its SSH keys are copied. It goes on running.",
        request=shapes.TransferInput,
        responses={200: shapes.TransferAnswer},
    )
    @action(detail=True, methods=["post"])
    def transfer(self, request: Request, id: str) -> Response:  # noqa: A002
        account = self._receiver()

        def act() -> Response:
            vm = transfer_vm(self.actor, self.get_object(), account=account)
            return Response(shapes.TransferAnswer(vm).data)

        return self.once(act)

    @extend_schema(
        summary="What handing over all machines of an account would do",
        request=shapes.HandoverInput,
        responses={200: bulk.HandoverPlanAnswer},
    )
    @action(detail=False, methods=["post"], url_path="transfer-all-plan")
    def transfer_all_plan(self, request: Request) -> Response:
        source, account = self._both_sides()
        plan = plan_handover(self.actor, source, account=account)
        context = self.get_serializer_context()
        return Response(bulk.HandoverPlanAnswer(bulk.told_of_plan(plan), context=context).data)

    @extend_schema(
        summary="Hand over all machines of an account",
        description="Each for itself, up to 200 a request: what is refused for one leaves the others alone.",
        request=shapes.HandoverInput,
        responses={200: bulk.HandoverAnswer},
    )
    @action(detail=False, methods=["post"], url_path="transfer-all")
    def transfer_all(self, request: Request) -> Response:
        source, account = self._both_sides()

        def act() -> Response:
            batch = hand_over_machines(self.actor, source, account=account)
            context = self.get_serializer_context()
            return Response(bulk.HandoverAnswer(bulk.told_of(batch), context=context).data)

        return self.once(act)

    def _both_sides(self) -> tuple[Account, Account]:
        given = self.read(shapes.HandoverInput)
        source, account = (self.find(Account, given[name], name, "domain") for name in ("source", "account"))
        return source, account

    def _receiver(self) -> Account:
        given = self.read(shapes.TransferInput)
        found: Account = self.find(Account, given["account"], "account", "domain")
        return found

    @extend_schema(
        summary="The end of the serial console",
        description="Answers at once with the last copy; a job fetches a newer one if it is older than "
        "two seconds.",
        responses={200: shapes.ConsoleAnswer},
    )
    @action(detail=True, methods=["get"], url_path="console-log")
    def console_log(self, request: Request, id: str) -> Response:  # noqa: A002
        log, job = console.read_console_log(self.actor, self.get_object())
        return Response(
            {
                "text": log.text if log else "",
                "read_at": log.read_at if log else None,
                "refreshing": job is not None,
                "job": JobSerializer(job, context=self.get_serializer_context()).data if job else None,
            }
        )

    @extend_schema(
        summary="Why here, or why not, and what would help",
        description="The explanation of the latest placement. With `full=1` every host of the zone is "
        "judged anew, by pages: for operators.",
        parameters=[
            OpenApiParameter("full", OpenApiTypes.STR, enum=["1"]),
            OpenApiParameter("cursor", OpenApiTypes.UUID),
        ],
        responses={
            200: PolymorphicProxySerializer(
                "PlacementOrHosts", [shapes.PlacementAnswer, shapes.HostsPage], resource_type_field_name=None
            )
        },
    )
    @action(detail=True, methods=["get"])
    def placement(self, request: Request, id: str) -> Response:  # noqa: A002
        vm = self.get_object()
        if request.query_params.get("full"):
            return self._every_host(vm)
        stored = getattr(vm, "placement", None)
        if stored is None:
            raise NotFound(place="placement", reason="no_placement")
        told = shapes.explained(stored.explanation, operator=self.actor.is_operator)
        return Response({"fits": stored.fits, "decided_at": stored.decided_at, "explanation": told})

    def _every_host(self, vm: VirtualMachine) -> Response:
        if self.request.query_params["full"] != "1":
            raise InvalidInput("not_a_choice", place="full", known="1")
        policy.require(self.actor, "placement.read_hosts", vm)
        cursor = self.request.query_params.get("cursor")
        after = str(self.find(Host, cursor, "cursor").uuid) if cursor else None
        page = placement.explain_all(placement.request_of(vm), after=after)
        hosts = [shapes.described(host) for host in page.pop("hosts")]
        following = page.pop("next")
        return Response({**page, "results": hosts, "next_cursor": following})

    @extend_schema(
        summary="What happened to it, the latest first", responses={200: EventSerializer(many=True)}
    )
    @action(detail=True, methods=["get"], orders={"at": "id"}, default_order="-at", filters={})
    def events(self, request: Request, id: str) -> Response:  # noqa: A002
        vm = self.get_object()
        rows = event_rows().filter(target_uuid=vm.uuid)
        page = self.paginate_queryset(self.filter_queryset(policy.visible(self.actor, rows)))
        shown = EventSerializer(page, many=True, context=self.get_serializer_context())
        return self.get_paginated_response(shown.data)


def _add_actions() -> None:
    """One POST below a machine's path for each verb that is neither an edit nor the system's own."""
    for kind, path in shapes.ACTION_PATHS.items():
        answers: dict[int, Any] = {202: shapes.VmSerializer}
        if kind == "vm.recover":
            answers = {200: shapes.VmSerializer}
        elif kind == "vm.dismiss":
            answers = {204: None}
        method = _action_of(ACTIONS[kind], kind.removeprefix("vm."))
        route = action(detail=True, methods=["post"], url_path=path)(method)
        described = extend_schema(summary=str(VERBS[kind].label), request=None, responses=answers)(route)
        setattr(VirtualMachineViewSet, method.__name__, described)


def _action_of(service: Action, verb: str) -> Callable[..., Response]:
    def act(self: VirtualMachineViewSet, request: Request, id: str) -> Response:  # noqa: A002
        return self._act(service)

    act.__name__ = f"{verb}_vm"  # "destroy" alone is DELETE's name in a viewset
    return act


_add_actions()
