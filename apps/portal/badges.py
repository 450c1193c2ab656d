"""One word, one colour and one icon for each state, on every page. Tones: ok, busy, bad, off, info."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from apps.accounts.models import Project, ProjectState, Standing
from apps.accounts.project_dates import WARN_DAYS
from apps.compute.states import PowerState, State
from apps.jobs.models import Event, JobState
from apps.storage.models import Template
from apps.zones.models import HostState


@dataclass(frozen=True)
class Badge:
    label: str | Promise
    tone: str
    icon: str


_LOOKS: dict[str, dict[str, tuple[str, str]]] = {
    "project": {
        ProjectState.ACTIVE: ("ok", "check-circle-fill"),
        ProjectState.SUSPENDED: ("off", "pause-fill"),
        ProjectState.ENDED: ("bad", "hourglass-split"),
    },
    "vm": {
        State.RUNNING: ("ok", "play-fill"),
        State.STOPPED: ("off", "stop-fill"),
        State.ERROR: ("bad", "exclamation-octagon-fill"),
        State.DESTROYED: ("off", "trash3"),
        State.STARTING: ("busy", "arrow-repeat"),
        State.STOPPING: ("busy", "arrow-repeat"),
        State.MIGRATING: ("busy", "arrow-repeat"),
        State.EXPUNGING: ("busy", "arrow-repeat"),
    },
    "power": {
        PowerState.RUNNING: ("ok", "power"),
        PowerState.PAUSED: ("busy", "pause-fill"),
        PowerState.OFF: ("off", "power"),
        PowerState.MISSING: ("bad", "question-diamond"),
        PowerState.UNKNOWN: ("off", "question-circle"),
    },
    "host": {
        HostState.UP: ("ok", "check-circle-fill"),
        HostState.CONNECTING: ("busy", "arrow-repeat"),
        HostState.DISCONNECTED: ("bad", "wifi-off"),
        HostState.ALERT: ("bad", "exclamation-triangle-fill"),
    },
    "job": {
        JobState.WAITING: ("busy", "hourglass-split"),
        JobState.PENDING: ("busy", "arrow-repeat"),
        JobState.UNDOING: ("busy", "arrow-counterclockwise"),
        JobState.RESOLVING: ("busy", "arrow-repeat"),
        JobState.DONE: ("ok", "check-circle-fill"),
        JobState.FAILED: ("bad", "exclamation-octagon-fill"),
        JobState.CANCELLED: ("off", "slash-circle"),
        JobState.STUCK: ("bad", "exclamation-triangle-fill"),
    },
    "template": {
        Template.State.READY: ("ok", "check-circle-fill"),
        Template.State.CREATING: ("busy", "arrow-repeat"),
        Template.State.ERROR: ("bad", "exclamation-octagon-fill"),
        Template.State.DELETING: ("busy", "arrow-repeat"),
        Template.State.DELETED: ("off", "trash3"),
    },
    "standing": {
        Standing.ACTIVE: ("ok", "check-circle-fill"),
        Standing.DISABLED: ("off", "slash-circle"),
        Standing.CLOSING: ("bad", "hourglass-split"),
    },
    "phase": {
        Event.Phase.DONE: ("ok", "check-circle-fill"),
        Event.Phase.SUBMITTED: ("info", "arrow-right"),
        Event.Phase.FAILED: ("bad", "exclamation-octagon-fill"),
        Event.Phase.CANCELLED: ("off", "slash-circle"),
        Event.Phase.STUCK: ("bad", "exclamation-triangle-fill"),
        Event.Phase.OBSERVED: ("info", "eye"),
    },
}
_CHOICES: dict[str, type[TextChoices]] = {
    "project": ProjectState,
    "vm": State,
    "power": PowerState,
    "host": HostState,
    "job": JobState,
    "template": Template.State,
    "phase": Event.Phase,
    "standing": Standing,
}
_ENABLED = {
    True: Badge(_("Enabled"), "ok", "check-circle-fill"),
    False: Badge(_("Disabled"), "off", "slash-circle"),
}


def days_left(project: Project) -> Badge | None:
    """A warning while the last day is as near as people are warned of it; nothing else."""
    days = project.days_left()
    if days is None or not 0 <= days <= max(WARN_DAYS):
        return None
    text = ngettext("%(n)s day left", "%(n)s days left", days) % {"n": days} if days else _("Its last day")
    return Badge(text, "busy", "hourglass-split")


def badge_of(kind: str, value: object) -> Badge:
    """How the portal shows this state. KeyError for a kind or a state that is none."""
    if kind == "enabled":
        return _ENABLED[bool(value)]
    choices = dict(_CHOICES[kind].choices)
    tone, icon = _LOOKS[kind][str(value)]
    return Badge(choices[str(value)], tone, icon)
