"""Why a host cannot take a machine, and what would help. The codes are stable: clients map them."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """In the order in which a host's reasons are told: what an operator switched off, then what the
    request rules out, then what is full. A host is counted under its first reason; the last two are
    reasons of a placement, not of a host."""

    ZONE_DISABLED = "zone_disabled"
    POD_DISABLED = "pod_disabled"
    CLUSTER_DISABLED = "cluster_disabled"
    WRONG_ARCH = "wrong_arch"
    NOT_PINNED_HOST = "not_pinned_host"  # the machine is pinned to another one
    EXCLUDED = "excluded"  # the request names it as not wanted
    OTHER_POD = "other_pod"  # the machine's addresses are of another pod
    UNREACHABLE_VOLUME = "unreachable_volume"  # a volume of the machine is where it does not reach
    HOST_DISABLED = "host_disabled"
    HOST_DOWN = "host_down"
    TOO_SMALL = "too_small"  # not even an empty host of this capacity could hold it
    NO_VCPUS = "no_vcpus"
    NO_MEMORY = "no_memory"
    NO_POOL = "no_pool"  # no enabled pool that it reaches has room for the machine's new volumes
    NO_ADDRESS = "no_address"  # its pod has too few free addresses
    NO_HOSTS = "no_hosts"  # the zone has none
    CONTENDED = "contended"  # hosts fit, but others took each of them first: worth another try


HELP = {
    Reason.ZONE_DISABLED: "enable_zone",
    Reason.POD_DISABLED: "enable_pod",
    Reason.CLUSTER_DISABLED: "enable_cluster",
    Reason.NOT_PINNED_HOST: "unpin",
    Reason.HOST_DISABLED: "enable_host",
    Reason.HOST_DOWN: "reconnect_host",
    Reason.TOO_SMALL: "smaller_offering",
    Reason.NO_VCPUS: "stop_or_move",
    Reason.NO_MEMORY: "stop_or_move",
    Reason.NO_POOL: "add_pool",
    Reason.NO_ADDRESS: "add_addresses",
    Reason.NO_HOSTS: "add_host",
}
"""What an operator or user could do about it. A reason that is not here rules the host out for good."""

CHANGES_REQUEST = frozenset({Reason.NOT_PINNED_HOST, Reason.TOO_SMALL})
"""Helped only by asking for something else: such hosts are the last of the near misses."""
