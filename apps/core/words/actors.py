"""How pages and the API name who is no person: the system, with why it acts."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

PREFIX = "system: "
"""What every such label begins with as it is kept; its reason follows."""

REASONS: dict[str, str | Promise] = {
    "a machine needs the template": _("a machine needs the image"),
    "a password was forgotten": _("a password was forgotten"),
    "a quota is nearly used up": _("a quota is nearly used up"),
    "a command on the portal's machine": _("a command on the portal's machine"),
    "directory": _("the directory"),
    "host sync": _("what hosts report"),
    "its end has come": _("its end has come"),
    "its place is removed": _("its place is removed"),
    "nobody is left": _("nobody is left"),
    "quotas are looked over": _("quotas are looked over"),
    "retention": _("the time for which events are kept"),
    "the demo campus": _("the demo campus"),
    "the directory is followed": _("the directory is followed"),
    "the project's last day": _("the project's last day"),
    "the time in the trash is over": _("the time in the trash is over"),
    "the time of grace is over": _("the time of grace is over"),
    "the user is removed": _("the user is removed"),
    "too many failed logins": _("too many failed logins"),
    "who answered for it no longer has it": _("who answered for it no longer has it"),
    "who gave it no longer has it": _("who gave it no longer has it"),
}
"""A reason without words, such as the name of a command, is told as it is."""


def shown_label(label: str) -> str:
    """A kept label in the reader's language; the name of a person stays as it is."""
    if not label.startswith(PREFIX):
        return label
    reason = label.removeprefix(PREFIX)
    return gettext("system: %(reason)s") % {"reason": REASONS.get(reason, reason)}


def kept_label(text: str) -> str:
    """The label that is shown so in the reader's language: what somebody read is what they look for."""
    return next((PREFIX + reason for reason in REASONS if shown_label(PREFIX + reason) == text), text)
