"""Words for the values that a message names: states and resources."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.core.words.says import Text

STATES: dict[str, Text] = {
    "Starting": _("Starting"),
    "Running": _("Running"),
    "Stopping": _("Stopping"),
    "Stopped": _("Stopped"),
    "Migrating": _("Migrating"),
    "Error": _("Error"),
    "Destroyed": _("Destroyed"),
    "Expunging": _("Expunging"),
    "Creating": _("Creating"),
    "Ready": _("Ready"),
    "Deleting": _("Deleting"),
    "Deleted": _("Deleted"),
    "waiting": _("Waiting"),
    "pending": pgettext_lazy("job", "Running"),
    "undoing": _("Undoing"),
    "resolving": _("Resolving"),
    "done": _("Done"),
    "failed": _("Failed"),
    "cancelled": _("Cancelled"),
    "stuck": _("Stuck"),
}

RESOURCES: dict[str, Text] = {
    "machines": _("virtual machines"),
    "vcpus": _("vCPUs"),
    "memory_mib": _("memory in MiB"),
    "volumes": _("volumes"),
    "storage_gib": _("storage in GiB"),
    "snapshots": _("snapshots"),
    "snapshot_gib": _("snapshots in GiB"),
    "templates": _("images"),
    "networks": _("networks"),
    "addresses": _("IP addresses"),
    "public_addresses": _("public IP addresses"),
}

TERMS: dict[str, dict[str, Text]] = {"state": STATES, "wanted": STATES, "resource": RESOURCES}
"""By the name of the parameter; its value is one of these, or several with commas between."""
