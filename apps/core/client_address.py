"""Where a request came from, told by nobody who could lie about it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from django.conf import settings
from django.http import HttpRequest


def address_of(request: HttpRequest) -> str:
    """The client's address. Of a proxy that is trusted (settings.TRUSTED_PROXIES) the one that it names:
    in X-Forwarded-For each proxy adds whom it heard at the end, so that is read backwards up to the first
    whom we do not trust. What a client wrote into it itself is never reached."""
    heard = _parsed(request.META.get("REMOTE_ADDR", ""))
    if heard is None:
        return ""
    trusted = _networks(tuple(settings.TRUSTED_PROXIES))
    for text in reversed(request.headers.get("X-Forwarded-For", "").split(",")):
        said = _parsed(text.strip())
        if said is None or not _within(heard, trusted):
            break
        heard = said
    return str(heard)


@cache
def _networks(texts: tuple[str, ...]) -> list[IPv4Network | IPv6Network]:
    return [ip_network(text.strip()) for text in texts]


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    """None for what is no address; an IPv4 address in an IPv6 one's clothes is taken out of them."""
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def _within(address: Any, networks: Sequence[Any]) -> bool:
    return any(address in network for network in networks if network.version == address.version)
