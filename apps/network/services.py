"""Pods with their guest networks: the two are made and removed together."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.db import transaction

from apps.accounts import audit, policy
from apps.accounts.actor import Actor
from apps.core.checks import clean_bridge, clean_whole
from apps.core.constraints import delete, insert, update
from apps.core.errors import ObjectInUse
from apps.core.names import clean_name
from apps.jobs import events
from apps.network.addresses import create_range, resize_range
from apps.network.models import IpAddress, Network
from apps.network.subnets import clean_subnet
from apps.zones.models import Pod, Zone


@transaction.atomic
def create_pod(
    actor: Actor,
    *,
    zone: Zone,
    name: str,
    cidr: str,
    gateway: str,
    guest_start: str,
    guest_end: str,
    bridge: str,
    reserved_start: str | None = None,
    reserved_end: str | None = None,
    mtu: int = 1500,
) -> Pod:
    """A pod, its one flat guest network on `bridge` of each of its hosts, and the range's addresses."""
    policy.require(actor, "pod.create", zone)
    _one_at_a_time(zone.pk)
    subnet = clean_subnet(
        zone,
        cidr=cidr,
        gateway=gateway,
        guest_start=guest_start,
        guest_end=guest_end,
        reserved_start=reserved_start,
        reserved_end=reserved_end,
    )
    bridge, mtu = clean_bridge(bridge), _clean_mtu(mtu)
    pod = Pod(zone=zone, name=clean_name(name))
    pod.set_subnet(**asdict(subnet))
    insert(pod)
    network = insert(
        Network(
            zone=zone,
            pod=pod,
            name=pod.name,
            cidr=subnet.cidr,
            gateway=subnet.gateway,
            bridge=bridge,
            mtu=mtu,
        )
    )
    addresses = create_range(network, *subnet.guest)
    events.record(actor, "pod.create", pod, cidr=subnet.cidr, addresses=addresses)
    return pod


def _one_at_a_time(zone_id: int) -> None:
    """No other pod of the zone is made or changed meanwhile; machines are, so its key is not locked."""
    Zone.objects.select_for_update(no_key=True).get(pk=zone_id)


def _clean_mtu(mtu: object) -> int:
    return clean_whole(mtu, place="mtu", low=576, high=9216)


class Unchanged:
    """Stands for a value that is left as it is, where None would mean something."""


SAME = Unchanged()


@transaction.atomic
def change_pod(
    actor: Actor,
    pod: Pod,
    *,
    name: str | None = None,
    gateway: str | None = None,
    guest_start: str | None = None,
    guest_end: str | None = None,
    reserved_start: str | Unchanged | None = SAME,
    reserved_end: str | Unchanged | None = SAME,
    bridge: str | None = None,
    mtu: int | None = None,
) -> Pod:
    """Change what is given. The subnet stays; a guest range may grow, and shrink by addresses that
    nobody holds. A machine takes a new bridge or MTU at its next start; the gateway is written into its
    first-boot settings, so only machines deployed from now on have a new one."""
    policy.require(actor, "pod.change", pod)
    _one_at_a_time(pod.zone_id)
    pod = Pod.objects.select_for_update(no_key=True).get(pk=pod.pk)  # the whole row is saved below
    network = Network.objects.get(pod=pod)
    before = _described(pod, network)
    subnet = clean_subnet(
        pod.zone,
        cidr=pod.cidr,
        gateway=gateway or pod.gateway,
        guest_start=guest_start or pod.guest_start,
        guest_end=guest_end or pod.guest_end,
        reserved_start=pod.reserved_start if isinstance(reserved_start, Unchanged) else reserved_start,
        reserved_end=pod.reserved_end if isinstance(reserved_end, Unchanged) else reserved_end,
        pod=pod,
    )
    pod.set_subnet(**asdict(subnet))
    if name is not None:
        pod.name = network.name = clean_name(name)
    network.gateway = subnet.gateway
    network.bridge = clean_bridge(bridge) if bridge is not None else network.bridge
    network.mtu = _clean_mtu(mtu) if mtu is not None else network.mtu
    update(pod)
    update(network)
    resize_range(network, *subnet.guest)
    after = _described(pod, network)
    if changes := audit.compared(before, after):
        events.record(actor, "pod.change", pod, changes=changes)
    return pod


def _described(pod: Pod, network: Network) -> dict[str, Any]:
    own = ("name", "gateway", "guest_start", "guest_end", "reserved_start", "reserved_end")
    return {name: getattr(pod, name) for name in own} | {"bridge": network.bridge, "mtu": network.mtu}


@transaction.atomic
def remove_pod(actor: Actor, pod: Pod) -> None:
    """Remove an empty pod with its network and addresses."""
    policy.require(actor, "pod.remove", pod)
    events.record(actor, "pod.remove", pod)
    addresses = IpAddress.objects.filter(network__pod=pod)
    taken = addresses.exclude(holder=None).count()
    if taken:
        raise ObjectInUse(counts={"IP address": taken})
    addresses.delete()
    for network in Network.objects.filter(pod=pod):
        delete(network)
    delete(pod)
