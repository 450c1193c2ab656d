"""Pods with their guest networks: the two are made and removed together."""

from __future__ import annotations

from django.db import transaction

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.core.checks import clean_bridge, clean_whole
from apps.core.constraints import delete, insert
from apps.core.errors import ObjectInUse
from apps.core.names import clean_name
from apps.jobs import events
from apps.network.addresses import create_range
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
    mtu: int = 1500,
) -> Pod:
    """A pod, its one flat guest network on `bridge` of each of its hosts, and the range's addresses."""
    policy.require(actor, "pod.create")
    Zone.objects.select_for_update().get(pk=zone.pk)
    subnet = clean_subnet(zone, cidr=cidr, gateway=gateway, start=guest_start, end=guest_end)
    bridge = clean_bridge(bridge)
    mtu = clean_whole(mtu, place="mtu", low=576, high=9216)
    pod = insert(Pod(zone=zone, name=clean_name(name), cidr=subnet.cidr, gateway=subnet.gateway))
    network = insert(
        Network(
            zone=zone,
            pod=pod,
            name=pod.name,
            cidr=subnet.cidr,
            gateway=subnet.gateway,
            dns=zone.dns,
            bridge=bridge,
            mtu=mtu,
        )
    )
    addresses = create_range(network, subnet.start, subnet.end)
    events.record(actor, "pod.create", pod, cidr=subnet.cidr, addresses=addresses)
    return pod


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
