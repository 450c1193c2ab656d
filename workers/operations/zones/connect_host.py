"""Connect a host: reach it, learn what it is made of and which pools it sees, then use it."""

from __future__ import annotations

from dataclasses import asdict
from functools import cached_property, partial
from typing import Any, Literal

from django.utils import timezone

from apps.storage.reach import pools_reached_by
from apps.zones.capacity import set_capacity
from apps.zones.models import Host, HostState
from workers.drivers import connect
from workers.drivers.base import QUICK_SECONDS
from workers.hosts import address_of
from workers.operation import Operation, Outcome, Step
from workers.operations.storage.connect_primary_storage import facts_of, record_facts


class ReadHostKey(Step):
    """Only of a host whose key nobody trusts yet: then nothing else is done to it."""

    no_undo = "it only looks"

    def do(self, op: ConnectHost) -> Outcome:
        host = op.host
        if host.driver == Host.Driver.LIBVIRT and host.address and not host.host_key:
            look = partial(connect.shown_host_key, address_of(host))
            op.memo["shown_key"] = op.world.local("shown_host_key", look, deadline=QUICK_SECONDS)
        return None


class ReadFacts(Step):
    no_undo = "it only looks"

    def do(self, op: ConnectHost) -> Outcome:
        if "shown_key" in op.memo:
            return None
        facts = asdict(op.world.hypervisor(op.host).facts())
        op.memo["facts"] = {**facts, "accelerators": list(facts["accelerators"])}
        return None


class ReadPools(Step):
    no_undo = "it only looks"

    def do(self, op: ConnectHost) -> Outcome:
        if "shown_key" in op.memo:
            return None
        pools: dict[str, Any] = {}
        for pool in pools_reached_by(op.host).filter(enabled=True):
            facts = facts_of(op.world, op.host, pool)
            pools[str(pool.uuid)] = {"capacity_bytes": facts.capacity_bytes, "used_bytes": facts.used_bytes}
        op.memo["pools"] = pools
        return None


class ConnectHost(Operation):
    kind = "host.connect"
    steps = (ReadHostKey, ReadFacts, ReadPools)

    @cached_property
    def host(self) -> Host:
        return Host.objects.select_related("cluster").get(uuid=self.job.target_uuid)

    def succeeded(self) -> None:
        if shown := self.memo.get("shown_key"):
            Host.objects.filter(pk=self.host.pk, host_key="").update(
                shown_key=shown, state=HostState.ALERT, state_reason="host_key_untrusted"
            )
            return
        host, facts = self.host, self.memo["facts"]
        for name in ("cpu_model", "cpu_cores", "cpu_mhz", "memory_mib", "hypervisor_version"):
            setattr(host, name, facts[name])
        host.accelerator = "kvm" if "kvm" in facts["accelerators"] else "tcg"
        fits = facts["arch"] == host.cluster.arch
        host.state = HostState.UP if fits else HostState.ALERT
        host.state_reason = "" if fits else "wrong_arch"
        host.last_seen_at, host.missed_syncs = timezone.now(), 0
        host.cluster.refresh_from_db()  # its overcommit may have changed while the host was asked
        set_capacity(host)
        host.save(
            update_fields=[
                "cpu_model",
                "cpu_cores",
                "cpu_mhz",
                "memory_mib",
                "hypervisor_version",
                "accelerator",
                "state",
                "state_reason",
                "last_seen_at",
                "missed_syncs",
                "capacity_vcpus",
                "capacity_memory_mib",
            ]
        )
        for pool in pools_reached_by(self.host):
            if str(pool.uuid) in self.memo["pools"]:
                record_facts(pool, self.memo["pools"][str(pool.uuid)])

    def failed(self, error: dict[str, Any]) -> None:
        connecting = Host.objects.filter(pk=self.host.pk).exclude(state=HostState.UP)
        connecting.update(state=HostState.DISCONNECTED, state_reason=error.get("code", ""))

    def resolved(self) -> Literal["done", "failed"]:
        """It only looks: there is nothing to settle."""
        self.failed(self.job.error or {})
        return "failed"
