"""The forms of regions, zones, pods, clusters, hosts and storage. What may be is their services' to say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.portal.service_forms import ServiceForm, line, whole
from apps.storage.mounts import DRIVERS, MOUNT_OPTIONS
from apps.zones.models import Cluster, Zone

_KEY_ROWS = {"rows": 3, "spellcheck": "false", "autocapitalize": "none", "autocomplete": "off"}


class RegionForm(ServiceForm):
    name = line(_("Name"))


class ZoneForm(ServiceForm):
    name = line(_("Name"))
    dns = line(
        _("Name servers of the guests"),
        help_text=_("IPv4 addresses, at most three, with commas between them."),
        required=False,
        code=True,
    )
    internal_dns = line(
        _("Name servers of the portal's own system"),
        help_text=_("IPv4 addresses, at most three, with commas between them."),
        required=False,
        code=True,
    )

    def given(self) -> dict[str, Any]:
        found = super().given()
        for name in ("dns", "internal_dns"):
            found[name] = [text for text in re.split(r"[,\s]+", found[name]) if text]
        return found


class NewZoneForm(ZoneForm):
    network_type = forms.ChoiceField(label=_("Network"), choices=Zone.NetworkType.choices)

    field_order = ("parent", "name", "network_type")


class PodForm(ServiceForm):
    """The subnet stays, so it is asked for only of a new pod."""

    name = line(_("Name"))
    gateway = line(_("Gateway"), code=True)
    guest_start = line(_("First address of guests"), code=True)
    guest_end = line(_("Last address of guests"), code=True)
    reserved_start = line(
        _("First reserved address"),
        help_text=_("The portal's own system uses the reserved range. Leave both empty for none."),
        required=False,
        code=True,
    )
    reserved_end = line(_("Last reserved address"), required=False, code=True)
    bridge = line(
        _("Bridge"),
        help_text=_("The Linux bridge that carries guests on each host of the pod. It has to be there."),
        code=True,
    )
    mtu = whole(_("MTU"), low=576, high=9216, initial=1500)

    def given(self) -> dict[str, Any]:
        found = super().given()
        return found | {name: found[name] or None for name in ("reserved_start", "reserved_end")}


class NewPodForm(PodForm):
    cidr = line(_("Subnet"), help_text=_("For example 10.1.0.0/16. It cannot be changed later."), code=True)

    field_order = ("parent", "name", "cidr")


class ClusterForm(ServiceForm):
    name = line(_("Name"))
    cpu_overcommit_percent = whole(
        _("CPU overcommit in percent"),
        low=100,
        high=5000,
        initial=200,
        help_text=_("200 promises two vCPUs for each core."),
    )
    memory_overcommit_percent = whole(
        _("Memory overcommit in percent"),
        low=100,
        high=1000,
        initial=100,
        help_text=_("100 promises no more memory than there is: the safe choice."),
    )


class NewClusterForm(ClusterForm):
    hypervisor = forms.ChoiceField(label=_("Hypervisor"), choices=Cluster.Hypervisor.choices)
    arch = line(_("Processor architecture"), initial="x86_64", code=True)

    field_order = ("parent", "name", "hypervisor", "arch")


class HostForm(ServiceForm):
    """What is empty of the private key stays as it is."""

    secrets = {"private_key": "HOST_PRIVATE_KEY"}

    name = line(_("Name"))
    address = line(
        _("Address"),
        help_text=_(
            "A host name or an IPv4 address. Empty for the machine that the portal's workers run on."
        ),
        required=False,
        code=True,
    )
    port = whole(_("SSH port"), low=1, high=65535, initial=22)
    username = line(_("User name"), initial="root", code=True)
    host_key = forms.CharField(
        label=_("The host's public key"),
        help_text=_(
            "The line of /etc/ssh/ssh_host_ed25519_key.pub on the host. "
            "Without it the host's key is read and shown to you, and used once you trust it."
        ),
        required=False,
        widget=forms.Textarea(attrs=_KEY_ROWS),
    )
    private_key = forms.CharField(
        label=_("A private key of its own"),
        help_text=_(
            "Without one the portal logs in with its own key. It is stored encrypted and never shown."
        ),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs=_KEY_ROWS),
    )
    uri = line(_("Address of the hypervisor on the host"), initial="qemu:///system", code=True)


class ChangeHostForm(HostForm):
    own_key = forms.BooleanField(label=_("Log in with the portal's own key from now on"), required=False)

    field_order = ("name", "address", "port", "username", "host_key", "private_key", "own_key")

    def given(self) -> dict[str, Any]:
        found = super().given()
        if found.pop("own_key"):
            return found | {"private_key": ""}
        return found if found["private_key"] else {k: v for k, v in found.items() if k != "private_key"}


DRIVER_LABELS = {
    "directory": _("A folder that is there already"),
    "nfs": _("NFS: each host mounts it from a server"),
    "gluster": _("GlusterFS: each host mounts it from a server"),
}


def _driver() -> forms.ChoiceField:
    choices = [(driver, DRIVER_LABELS[driver]) for driver in DRIVERS]
    return forms.ChoiceField(label=_("Kind of storage"), choices=choices)


def _server() -> forms.CharField:
    help_text = _("Only of what is mounted: the name or address of the server.")
    return line(_("Server"), help_text=help_text, required=False, code=True)


class SecondaryStorageForm(ServiceForm):
    name = line(_("Name"))
    server = _server()
    path = line(
        _("Folder"),
        help_text=_(
            "The path under which workers and all hosts of the zone reach it; with a server, what it exports."
        ),
        code=True,
    )


class NewSecondaryStorageForm(SecondaryStorageForm):
    driver = _driver()

    field_order = ("parent", "name", "driver", "server", "path")


class PrimaryStorageForm(ServiceForm):
    """Settings that have no field here are kept as they are: `settings` is what there was."""

    name = line(_("Name"))
    server = _server()
    path = line(
        _("Folder"),
        help_text=_("Its path on each host that reaches it; with a server, what it exports."),
        code=True,
    )
    mount_options = line(
        _("Mount options"),
        help_text=_("Only of what is mounted. Empty: the usual ones."),
        required=False,
        code=True,
    )
    overprovision_percent = whole(
        _("Overprovisioning in percent"),
        low=100,
        high=1000,
        initial=200,
        help_text=_("Disks grow as they are written: 200 promises twice of what there is."),
    )

    def given(self) -> dict[str, Any]:
        found = super().given()
        before = {k: v for k, v in self.initial.get("settings", {}).items() if k != MOUNT_OPTIONS}
        options = found.pop("mount_options")
        return found | {"settings": before | ({MOUNT_OPTIONS: options} if options else {})}


class NewPrimaryStorageForm(PrimaryStorageForm):
    """`owner` says at once how far it reaches: "zone:...", "cluster:..." or "host:..."."""

    owner = forms.ChoiceField(
        label=_("Reached from"),
        help_text=_("All hosts of a zone, or of a cluster. A folder of one host begins at that host's page."),
    )
    driver = _driver()

    field_order = ("owner", "name", "driver", "server", "path")

    def body(self) -> dict[str, Any]:
        found = super().body()
        scope, _colon, uuid = str(found.pop("owner")).partition(":")
        near = {} if scope == "zone" else {scope: uuid}
        return {"zone": self.zone_of.get(f"{scope}:{uuid}", ""), "scope": scope, **near, **found}

    zone_of: Mapping[str, str] = {}
    """The public id of the zone that each owner lies in."""
