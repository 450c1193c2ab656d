"""Whether a pod's subnet and guest range can be."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Network, NetmaskValueError

from apps.core.checks import clean_ipv4
from apps.core.errors import InvalidInput
from apps.zones.models import Pod, Zone

MAX_ADDRESSES = 65536


@dataclass(frozen=True, slots=True)
class GuestSubnet:
    """A subnet with its gateway and the range, both ends included, that guests get addresses from."""

    cidr: str
    gateway: str
    start: str
    end: str


def clean_subnet(zone: Zone, *, cidr: object, gateway: object, start: object, end: object) -> GuestSubnet:
    """The subnet; InvalidInput unless it is IPv4 from /8 to /30, holds the gateway and the range,
    keeps the gateway out of the range, and overlaps no other pod of the zone."""
    network = _network(cidr)
    _refuse_overlap(zone, network)
    usable = {"low": int(network.network_address) + 1, "high": int(network.broadcast_address) - 1}
    found = {}
    for place, text in (("gateway", gateway), ("guest_start", start), ("guest_end", end)):
        address = clean_ipv4(text, place=place)
        if not usable["low"] <= int(address) <= usable["high"]:
            raise InvalidInput("outside_subnet", place=place, cidr=str(network))
        found[place] = address
    first, last = found["guest_start"], found["guest_end"]
    if last < first:
        raise InvalidInput("range_reversed", place="guest_end")
    if first <= found["gateway"] <= last:
        raise InvalidInput("range_holds_gateway", place="guest_start", gateway=str(found["gateway"]))
    if int(last) - int(first) >= MAX_ADDRESSES:
        raise InvalidInput("range_too_large", place="guest_end", limit=MAX_ADDRESSES)
    return GuestSubnet(str(network), str(found["gateway"]), str(first), str(last))


def _network(cidr: object) -> IPv4Network:
    try:
        network = IPv4Network(cidr if isinstance(cidr, str) else "")
    except (AddressValueError, NetmaskValueError, ValueError):
        raise InvalidInput("not_a_subnet", place="cidr") from None
    if not 8 <= network.prefixlen <= 30:
        raise InvalidInput("not_a_subnet", place="cidr")
    return network


def _refuse_overlap(zone: Zone, network: IPv4Network) -> None:
    for name, other in Pod.objects.filter(zone=zone).values_list("name", "cidr"):
        if network.overlaps(IPv4Network(other)):
            raise InvalidInput("subnet_overlaps", place="cidr", cidr=other, pod=name)
