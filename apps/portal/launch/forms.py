"""The forms of the launch wizard. They only carry texts: what may be is the document's rules to say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.forms.utils import ErrorDict
from django.utils.translation import gettext as now
from django.utils.translation import gettext_lazy as _

from apps.launch.draft import DEFAULTS, field_of, line_of
from apps.launch.findings import Findings, Level
from apps.launch.told import told_finding

Says = Any  # a text, or one that is translated when it is shown


def _text(label: Says, help_text: Says = "", *, required: bool = True, **attrs: Any) -> forms.CharField:
    widget = forms.TextInput(
        attrs={"class": "form-control", "spellcheck": "false", "autocomplete": "off", **attrs}
    )
    return forms.CharField(label=label, help_text=help_text, required=required, max_length=500, widget=widget)


def _area(
    label: Says, help_text: Says = "", *, required: bool = False, look: str = "", **attrs: Any
) -> forms.CharField:
    widget = forms.Textarea(
        attrs={
            "class": f"form-control {look}".strip(),
            "rows": 4,
            "spellcheck": "false",
            "autocomplete": "off",
            **attrs,
        }
    )
    return forms.CharField(label=label, help_text=help_text, required=required, strip=False, widget=widget)


def _choice(label: Says, choices: list[tuple[str, Says]], help_text: Says = "") -> forms.ChoiceField:
    widget = forms.Select(attrs={"class": "form-select"})
    return forms.ChoiceField(label=label, choices=choices, help_text=help_text, widget=widget)


def _number(label: Says, help_text: Says) -> forms.CharField:
    return _text(label, help_text, inputmode="numeric")


PROTOCOLS: list[tuple[str, Says]] = [
    ("directory", _("A folder on the hosts")),
    ("nfs", _("NFS: a folder that a server exports")),
    ("gluster", _("GlusterFS: a volume that several servers hold")),
]


def _server() -> forms.CharField:
    return _text(_("Server"), _("Its address or its name."), placeholder="10.1.0.5")


class StepForm(forms.Form):
    """Texts of one step, with the defaults of a new cloud. A field that is "required" says so to the
    reader; it is the document's rules that judge it."""

    step = ""
    use_required_attribute = False

    def __init__(
        self, data: Mapping[str, str] | None = None, *, kept: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(data, initial={**DEFAULTS[self.step], **(kept or {})})

    def full_clean(self) -> None:
        """Nothing is judged here; faults come by `tell`."""
        self._errors = ErrorDict(renderer=self.renderer)
        self.cleaned_data: dict[str, Any] = {}

    def texts(self) -> dict[str, str]:
        """What was typed, whatever it is worth; browsers end lines as Windows does, and never send a NUL,
        which no database keeps."""
        texts = {name: str(self.data.get(name, "")) for name in DEFAULTS[self.step]}
        kept = {name: text.replace("\r\n", "\n").replace("\0", "\ufffd") for name, text in texts.items()}
        return {name: text.strip() for name, text in kept.items()}

    def _shown(self, name: str, texts: Mapping[str, str]) -> str | None:
        """The field beside which a fault of this one is told."""
        return name if name in self.fields else None

    def tell(self, findings: Findings, *, silent_on_blank: bool = False) -> None:
        """Put what was found beside the fields it came from. While somebody types, fields that are still
        blank are left alone."""
        texts = self.texts()
        for finding in findings:
            step, name = field_of(finding.place)
            if step != self.step or finding.level is not Level.REFUSED:
                continue
            if silent_on_blank and not texts.get(name):
                continue
            told = told_finding(finding)
            said = f"{told['detail']} {told['remedy']}".strip()
            if line := line_of(finding):
                said = now("Line %(n)s: %(words)s") % {"n": line, "words": said}
            self.add_error(self._shown(name, texts), said)


class ZoneForm(StepForm):
    step = "zone"
    region = _text(_("Region"), _("Where in the world it is, such as a city. A region holds zones."))
    name = _text(_("Zone"), _("One site or data centre: what fails together. Users choose a zone."))
    public_dns = _text(
        _("Name servers of machines"),
        _("Up to three IPv4 addresses, with commas between. Machines ask these to look names up."),
        required=False,
        placeholder="10.0.0.2, 9.9.9.9",
    )
    internal_dns = _text(
        _("Name servers of the system"),
        _("Only if the portal's own system is to ask others than machines do."),
        required=False,
    )


class PodForm(StepForm):
    step = "pod"
    name = _text(_("Pod"), _("A rack or a room: hosts on one network."))
    gateway = _text(
        _("Gateway"),
        _("The router of that network, by which machines reach others."),
        placeholder="10.1.0.1",
    )
    netmask = _text(_("Netmask"), _("How large the network is: 255.255.255.0 holds 254 addresses."))
    guest_start = _text(
        _("First address for machines"),
        _("Machines get addresses from here on. Nobody else may use this range, a DHCP server neither."),
        placeholder="10.1.0.100",
    )
    guest_end = _text(_("Last address for machines"), _("Up to and with this one."), placeholder="10.1.0.200")
    reserved_start = _text(
        _("First reserved address"),
        _("Addresses that the portal keeps for a system of its own. Leave it blank if you are not sure."),
        required=False,
    )
    reserved_end = _text(_("Last reserved address"), required=False)
    bridge = _text(
        _("Bridge on the hosts"),
        _("Machines are plugged into this bridge. It has to be there on every host: the portal makes none."),
    )


class ClusterForm(StepForm):
    step = "cluster"
    name = _text(_("Cluster"), _("Hosts that are alike and share their storage."))
    hypervisor = _choice(
        _("What runs the machines"),
        [
            ("kvm", _("KVM: real hosts with Linux")),
            ("simulator", _("Simulator: for trying the portal out, without any host")),
        ],
        _("It cannot be changed later: another kind is another cluster."),
    )
    arch = _choice(
        _("Processor"),
        [("x86_64", _("x86_64 (Intel, AMD)")), ("aarch64", _("aarch64 (ARM)"))],
        _("Hosts of another kind are not taken into use."),
    )
    cpu_overcommit_percent = _number(
        _("CPU overcommit in percent"),
        _("200 promises each core twice: usual, since machines are mostly idle. 100 promises it once."),
    )
    memory_overcommit_percent = _number(
        _("Memory overcommit in percent"),
        _("100 is safe. With more, a host may run out of memory and slow down or end machines."),
    )


class HostForm(StepForm):
    step = "host"
    where = _choice(
        _("Where the hosts are"),
        [
            ("network", _("On the network, at addresses of their own")),
            ("here", _("This machine, the portal's own")),
        ],
    )
    hosts = _area(
        _("Hosts"),
        _("One a line: its address, or a name and its address."),
        required=True,
        placeholder="kvm1 10.1.0.11\nkvm2 10.1.0.12",
    )
    username = _text(
        _("User"), _("Who the portal logs in as over SSH: root, or a user that may use libvirt.")
    )
    port = _number(_("SSH port"), _("22 unless you changed it."))
    key = _choice(
        _("The key that logs in"),
        [("portal", _("The portal's own key")), ("own", _("A private key of mine"))],
    )
    private_key = _area(
        _("Private key"),
        _("In OpenSSH or PEM format, without a passphrase. It is kept encrypted and never shown again."),
    )
    count = _number(
        _("How many simulated hosts"), _("Each has 32 cores and 128 GiB of memory that do not exist.")
    )

    def _shown(self, name: str, texts: Mapping[str, str]) -> str | None:
        """With the portal's own machine there is no list of hosts on the page."""
        here = name == "hosts" and texts.get("where") == "here"
        return "where" if here else super()._shown(name, texts)


class PrimaryForm(StepForm):
    step = "primary"
    name = _text(_("Primary storage"), _("Where the disks of machines lie."))
    protocol = _choice(_("What it is"), PROTOCOLS)
    scope = _choice(
        _("Who reaches it"),
        [
            ("cluster", _("All hosts of the cluster share it")),
            ("zone", _("All hosts of the zone share it")),
            ("host", _("Each host has a folder of its own")),
        ],
        _("Machines move only between hosts that share their storage."),
    )
    server = _server()
    path = _text(_("Path"), _("The folder on the hosts, which has to be there; or what the server exports."))


class SecondaryForm(StepForm):
    step = "secondary"
    name = _text(_("Secondary storage"), _("Where images lie that machines are made from."))
    protocol = _choice(_("What it is"), PROTOCOLS)
    server = _server()
    path = _text(
        _("Path"),
        _("A folder that the portal and the hosts all reach under this path; or what the server exports."),
    )


FORMS: dict[str, type[StepForm]] = {
    form.step: form for form in (ZoneForm, PodForm, ClusterForm, HostForm, PrimaryForm, SecondaryForm)
}

TITLES: dict[str, Says] = {
    "zone": _("Zone"),
    "pod": _("Pod"),
    "cluster": _("Cluster"),
    "host": _("Hosts"),
    "primary": _("Primary storage"),
    "secondary": _("Secondary storage"),
    "review": _("Review"),
    "launch": _("Launch"),
}

LEADS: dict[str, Says] = {
    "zone": _("A zone is one site. Everything else lies in it: networks, hosts, storage and machines."),
    "pod": _("A pod is one network with the hosts on it. Its machines get addresses from a range of it."),
    "cluster": _("A cluster is a group of equal hosts. It says how much of them may be promised."),
    "host": _("Hosts are the computers that run machines. Each is asked for its key before it is used."),
    "primary": _("Disks of running machines need room that is quick."),
    "secondary": _("Images are copied from here to the primary storage when they are first used."),
    "review": _("This is what will be made. Nothing has been changed so far, and nobody was contacted."),
}


class HostWayForm(forms.Form):
    """How a host is reached: what is corrected when it could not be."""

    address = _text(_("Address"))
    port = forms.IntegerField(
        label=_("SSH port"),
        min_value=1,
        max_value=65535,
        widget=forms.NumberInput(attrs={"class": "form-control"}),
    )
    username = _text(_("User"))
    private_key = _area(_("Private key"), _("Leave it blank to keep the key that is used now."))


class DocumentForm(forms.Form):
    document = _area(
        _("Document"),
        _("Paste the zone's YAML here, or choose a file."),
        rows=16,
        look="font-monospace",
    )
    file = forms.FileField(
        label=_("File"), required=False, widget=forms.FileInput(attrs={"class": "form-control"})
    )
