"""Every component in every state, for whoever builds a page."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.actor import Actor
from apps.compute.states import PowerState, State
from apps.core.messages import explain
from apps.jobs.models import Event, JobState
from apps.jobs.steps import StepNow
from apps.portal.copy_as import ApiRequest, Secret, portal_of, snippets
from apps.portal.jobs.progress import Progress
from apps.portal.pages import page
from apps.portal.style.sample_list import sample_list
from apps.storage.models import Template
from apps.zones.models import HostState

_KINDS: dict[str, list[Any]] = {
    "vm": list(State),
    "power": list(PowerState),
    "host": list(HostState),
    "job": list(JobState),
    "template": list(Template.State),
    "phase": list(Event.Phase),
    "enabled": [True, False],
}
_REQUEST = ApiRequest(
    "POST", "virtual-machines/", {"name": "web", "user_data": Secret("CLOUDPORTAL_USER_DATA")}
)


@page
def style(request: HttpRequest, actor: Actor) -> HttpResponse:
    context = {
        "kinds": _KINDS.items(),
        "buttons": _buttons(),
        "form": _form(),
        "progress": _progress(),
        "problem": explain("insufficient_capacity", {}),
        "meters": [10, 60, 85, 100, 130],
        "cells": _cells(),
        "rows": [{"label": f"{_('Zone')} {n}", "percent": 20 * n, "text": f"{20 * n} %"} for n in (1, 2, 4)],
        "snippets": snippets(_REQUEST, portal_of(request)),
        "moment": timezone.now(),
        "list": sample_list(),
    }
    return render(request, "portal/style/page.html", context)


def _buttons() -> list[dict[str, object]]:
    why_not = _("Stop the machine first.")
    return [
        {"label": _("Create VM"), "tone": "primary", "icon": "plus-lg"},
        {"label": _("Change"), "tone": "secondary", "icon": "pencil"},
        {"label": _("Move to trash"), "tone": "danger", "icon": "trash3"},
        {"label": _("Change size"), "tone": "secondary", "why_not": why_not},
        {"label": _("Open"), "tone": "secondary", "href": "#buttons"},
    ]


class _Form(forms.Form):
    name = forms.CharField(widget=forms.TextInput(attrs={"class": "form-control"}))
    kind = forms.ChoiceField(widget=forms.Select(attrs={"class": "form-select"}))
    several = forms.MultipleChoiceField(widget=forms.CheckboxSelectMultiple, required=False)
    protect = forms.BooleanField(required=False)


def _form() -> forms.Form:
    """With a fault in it: a name that is missing."""
    form = _Form({"kind": "1"})
    labels = {
        "name": _("Name"),
        "kind": _("Size"),
        "several": _("SSH keys"),
        "protect": _("Protect from deletion"),
    }
    for name, label in labels.items():
        form.fields[name].label = label
    form.fields["name"].help_text = _("Letters, digits and hyphens.")
    for name in ("kind", "several"):
        form.fields[name].choices = [("1", "1"), ("2", "2")]  # type: ignore[attr-defined]
    return form


def _progress() -> Progress:
    rows = [
        (_("Reserve CPU and memory"), "undone", 0.1, 0.1),
        (_("Choose a host"), "done", 0.3, 0.2),
        (_("Copy the disk"), "now", None, 12.5),
        (_("Connect the network"), "failed", 1.2, 0.4),
        (_("Start"), "next", None, 2.0),
    ]
    return Progress([StepNow("", *row) for row in rows])


def _cells() -> list[dict[str, str]]:
    looks = {"1": "12", "2": "55", "3": "82", "4": "97", "bad": "!", "off": "–"}
    return [
        {"href": "#heat", "text": text, "look": look, "says": f"{_('Host')} {text}"}
        for look, text in looks.items()
    ]
