"""Words for why a host was not taken and for what would help."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from apps.core.words.says import Text

PLACEMENT_REASONS: dict[str, Text] = {
    "host_down": _("The host is not up."),
    "host_disabled": _("The host is disabled."),
    "cluster_disabled": _("The cluster is disabled."),
    "pod_disabled": _("The pod is disabled."),
    "zone_disabled": _("The zone is disabled."),
    "wrong_arch": _("The host has another processor architecture."),
    "no_vcpus": _("The host has not enough vCPUs left."),
    "no_memory": _("The host has not enough memory left."),
    "too_small": _("The host could never hold a machine of this size."),
    "no_pool": _("No storage that the host reaches has enough room."),
    "no_address": _("The pod has no free address left."),
    "other_pod": _("The machine stays in the pod where it was first placed."),
    "unreachable_volume": _("The host does not reach the machine's disks."),
    "not_pinned_host": _("The machine is pinned to another host."),
    "excluded": _("The host was excluded from this request."),
    "no_hosts": _("The zone has no host."),
    "contended": _("Hosts have room, but others were faster each time."),
}

PLACEMENT_HELP: dict[str, Text] = {
    "enable_zone": _("Enable the zone."),
    "enable_pod": _("Enable the pod."),
    "enable_cluster": _("Enable the cluster."),
    "enable_host": _("Enable the host."),
    "reconnect_host": _("Bring the host back and reconnect it."),
    "unpin": _("Choose another host to pin to, or another strategy."),
    "smaller_offering": _("Choose a smaller size."),
    "stop_or_move": _("Stop or move a machine of this host."),
    "add_pool": _("Add storage that the host reaches, or free some."),
    "add_addresses": _("Delete machines of this pod, or add a pod with more addresses."),
    "add_host": _("Add a host to the zone."),
}
