"""Whether a pod's subnet and guest range can be."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv4Network, NetmaskValueError

from apps.core.checks import clean_ipv4
from apps.core.errors import InvalidInput
from apps.zones.models import Pod, Zone

MAX_ADDRESSES = 65536


@dataclass(frozen=True, slots=True)
class GuestSubnet:
    """A subnet with its gateway and its ranges, both ends included: the one that guests get addresses
    from, and the one, if any, that the portal's own system keeps."""

    cidr: str
    gateway: str
    guest: tuple[str, str]
    reserved: tuple[str, str] | None = None


def clean_subnet(
    zone: Zone,
    *,
    cidr: object,
    gateway: object,
    guest_start: object,
    guest_end: object,
    reserved_start: object = None,
    reserved_end: object = None,
    pod: Pod | None = None,
) -> GuestSubnet:
    """The subnet; InvalidInput unless it is IPv4 from /8 to /30, holds the gateway and the ranges,
    keeps them apart, and overlaps no other pod of the zone. `pod` is the one that is changed, if any."""
    network = _network(cidr)
    _refuse_overlap(zone, network, pod)
    gateway_address = _inside(network, gateway, "gateway")
    guest = _range(network, gateway_address, "guest", guest_start, guest_end)
    if int(guest[1]) - int(guest[0]) >= MAX_ADDRESSES:
        raise InvalidInput("range_too_large", place="guest_end", limit=MAX_ADDRESSES)
    reserved = None
    if reserved_start or reserved_end:
        reserved = _range(network, gateway_address, "reserved", reserved_start, reserved_end)
        if reserved[0] <= guest[1] and guest[0] <= reserved[1]:
            raise InvalidInput("ranges_overlap", place="reserved_start")
    return GuestSubnet(
        str(network), str(gateway_address), _texts(guest), _texts(reserved) if reserved else None
    )


def _texts(pair: tuple[IPv4Address, IPv4Address]) -> tuple[str, str]:
    return str(pair[0]), str(pair[1])


def _inside(network: IPv4Network, text: object, place: str) -> IPv4Address:
    address = clean_ipv4(text, place=place)
    if not int(network.network_address) < int(address) < int(network.broadcast_address):
        raise InvalidInput("outside_subnet", place=place, cidr=str(network))
    return address


def _range(
    network: IPv4Network, gateway: IPv4Address, name: str, start: object, end: object
) -> tuple[IPv4Address, IPv4Address]:
    first = _inside(network, start, f"{name}_start")
    last = _inside(network, end, f"{name}_end")
    if last < first:
        raise InvalidInput("range_reversed", place=f"{name}_end")
    if first <= gateway <= last:
        raise InvalidInput("range_holds_gateway", place=f"{name}_start", gateway=str(gateway))
    return first, last


def _network(cidr: object) -> IPv4Network:
    try:
        network = IPv4Network(cidr if isinstance(cidr, str) else "")
    except (AddressValueError, NetmaskValueError, ValueError):
        raise InvalidInput("not_a_subnet", place="cidr") from None
    if not 8 <= network.prefixlen <= 30:
        raise InvalidInput("not_a_subnet", place="cidr")
    return network


def _refuse_overlap(zone: Zone, network: IPv4Network, pod: Pod | None) -> None:
    others = Pod.objects.filter(zone=zone)
    if pod is not None:
        others = others.exclude(pk=pod.pk)
    for name, other in others.values_list("name", "cidr"):
        if network.overlaps(IPv4Network(other)):
            raise InvalidInput("subnet_overlaps", place="cidr", cidr=other, pod=name)
