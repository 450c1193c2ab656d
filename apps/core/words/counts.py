"""How many of what, in the reader's language."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import ngettext


def counted(kind: str, number: int) -> str:
    """ "3 hosts". `kind` is a model's verbose name."""
    texts = {
        "region": ngettext("%(n)s region", "%(n)s regions", number),
        "zone": ngettext("%(n)s zone", "%(n)s zones", number),
        "pod": ngettext("%(n)s pod", "%(n)s pods", number),
        "cluster": ngettext("%(n)s cluster", "%(n)s clusters", number),
        "host": ngettext("%(n)s host", "%(n)s hosts", number),
        "network": ngettext("%(n)s network", "%(n)s networks", number),
        "IP address": ngettext("%(n)s IP address", "%(n)s IP addresses", number),
        "primary storage": ngettext("%(n)s primary storage", "%(n)s primary storages", number),
        "secondary storage": ngettext("%(n)s secondary storage", "%(n)s secondary storages", number),
        "template": ngettext("%(n)s image", "%(n)s images", number),
        "template copy": ngettext("%(n)s copy of an image", "%(n)s copies of images", number),
        "virtual machine": ngettext("%(n)s virtual machine", "%(n)s virtual machines", number),
        "volume": ngettext("%(n)s volume", "%(n)s volumes", number),
        "NIC": ngettext("%(n)s network card", "%(n)s network cards", number),
        "account": ngettext("%(n)s account", "%(n)s accounts", number),
        "domain": ngettext("%(n)s domain", "%(n)s domains", number),
        "membership": ngettext("%(n)s membership", "%(n)s memberships", number),
        "token": ngettext("%(n)s token", "%(n)s tokens", number),
        "SSH key pair": ngettext("%(n)s SSH key", "%(n)s SSH keys", number),
    }
    other = _("%(n)s of another kind")
    return texts.get(kind, other) % {"n": number}
