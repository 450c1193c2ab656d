"""The one page that creates machines, its live dry run, and a key pair made on the way."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters

from apps.accounts import idempotency, policy
from apps.accounts.actor import Actor
from apps.accounts.models import Account
from apps.compute.models import SshKeyPair
from apps.compute.services.create import create_machines
from apps.compute.services.offerings import generate_ssh_key
from apps.core import constraints
from apps.core.errors import CloudError
from apps.core.names import hostname_of
from apps.portal.copy_as import portal_of, snippets
from apps.portal.machines.create_check import Verdict, request_of, verdict_of
from apps.portal.machines.create_choices import Choices, choices_of
from apps.portal.machines.create_form import MachineForm
from apps.portal.pages import page, told
from apps.portal.working import working_id

PRIVATE_KEY = "application/x-pem-file"


@sensitive_post_parameters("user_data", "new_public_key")
@page
def machine_create(request: HttpRequest, actor: Actor) -> HttpResponse:
    if request.method != "POST":
        return _page(request, actor, *_begun(request, actor))
    form, choices = _posted(actor, request.POST)
    if form.is_valid():
        try:
            return redirect(_created(actor, form))
        except CloudError as error:
            form.refuse(error)
            unrefused, choices = _posted(actor, request.POST)
            return _page(request, actor, form, choices, status=422, judged=unrefused)
    return _page(request, actor, form, choices, status=422)


@sensitive_post_parameters("user_data", "new_public_key")
@page
def machine_check(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The form as it stands, judged. With htmx only what changes on the page; without it the page with
    everything that was typed. “do=generate” makes a key pair and hands its private key over."""
    if request.method != "POST":
        return redirect("portal:machine-create")
    data = request.POST.copy()
    if data.get("do") == "generate":
        return _generate(request, actor, data)
    for name, value in parse_qsl(data.get("use", "")):
        if name in {"offering", "zone", "template", "count"}:
            data[name] = value
    form, choices = _posted(actor, data)
    if request.headers.get("HX-Request"):
        context = _context(request, actor, form, choices)
        context["choices_changed"] = data.get("shown_for") != choices.shown_for
        return render(request, "portal/machines/create_checked.html", context)
    return _page(request, actor, form, choices)


def _generate(request: HttpRequest, actor: Actor, data: QueryDict) -> HttpResponse:
    """The private key as a file: the page that asked stays as it is."""
    form, choices = _posted(actor, data)
    try:
        account = policy.find(actor, Account.objects.all(), data.get("account", ""), place="account")
        name = data.get("new_key_name", "").strip() or f"{actor.label} {timezone.now():%Y-%m-%d %H:%M:%S}"
        row, private = generate_ssh_key(actor, account=account, name=name)
    except CloudError as error:
        said = told(error)
        form.errors.clear()  # only this was asked
        form.add_error("new_key_name", f"{said.detail} {said.remedy}".strip())
        return _page(request, actor, form, choices, status=422)
    return private_key_file(private, row)


def private_key_file(private: str, key: SshKeyPair) -> HttpResponse:
    """A download that nothing keeps; X-SSH-Key names its public half."""
    headers = {
        "Content-Disposition": f'attachment; filename="{hostname_of(key.name)}.pem"',
        "X-SSH-Key": str(key.uuid),
    }
    return HttpResponse(private, content_type=PRIVATE_KEY, headers=headers)


def _texts(data: QueryDict) -> dict[str, str]:
    return {name: str(data[name]) for name in data}


def _begun(request: HttpRequest, actor: Actor) -> tuple[MachineForm, Choices]:
    """A form of defaults; what the address names is chosen, and the account that the reader works in."""
    choices = choices_of(actor, {"account": working_id(request), **_texts(request.GET)})
    return MachineForm(actor, choices), choices


def _posted(actor: Actor, data: QueryDict) -> tuple[MachineForm, Choices]:
    """The form as it was sent. Where zone or account are others than those that the page showed images
    and keys for, the image is the one of the same name there."""
    choices = choices_of(actor, _texts(data), data.getlist("ssh_keys"))
    shown_for = data.get("shown_for")
    if shown_for is not None and shown_for != choices.shown_for:
        data = data.copy()
        data["template"] = str(choices.image.uuid) if choices.image else ""
        data.setlist("ssh_keys", [str(key.uuid) for key in choices.chosen_keys])
    return MachineForm(actor, choices, data), choices


def _context(
    request: HttpRequest,
    actor: Actor,
    form: MachineForm,
    choices: Choices,
    judged: MachineForm | None = None,
) -> dict[str, Any]:
    """`judged` is the form as it was before it was refused: what would help is still to be told."""
    judged = judged or (form if form.is_bound else _as_sent(actor, form, choices))
    verdict: Verdict = verdict_of(actor, judged)
    order = judged.order() if judged.is_valid() else None
    return {
        "form": form,
        "choices": choices,
        "chosen": order,
        "picked": _picked(form),
        "verdict": verdict,
        "snippets": snippets(request_of(order), portal_of(request)) if order else None,
        "advanced_open": any(name in form.errors for name in ADVANCED) or not _is_usable(choices),
        "new_key_open": "new_key_name" in form.errors or "new_public_key" in form.errors,
    }


def _is_usable(choices: Choices) -> bool:
    return choices.offer is not None and choices.offer.is_usable


ADVANCED = ("zone", "account", "count", "strategy", "host", "delete_protection", "user_data")


def _as_sent(actor: Actor, form: MachineForm, choices: Choices) -> MachineForm:
    """The form of defaults as it would be sent, to be judged before anything is typed."""
    data = QueryDict(mutable=True)
    for name, value in choices.initial().items():
        data.setlist(name, value if isinstance(value, list) else [value])
    return MachineForm(actor, choices, data)


def _picked(form: MachineForm) -> dict[str, str]:
    return {name: str(form[name].value() or "") for name in ("template", "offering")}


def _page(
    request: HttpRequest,
    actor: Actor,
    form: MachineForm,
    choices: Choices,
    *,
    status: int = 200,
    judged: MachineForm | None = None,
) -> HttpResponse:
    context = _context(request, actor, form, choices, judged)
    return render(
        request, "portal/machines/create.html", {**context, "refused": status != 200}, status=status
    )


def _created(actor: Actor, form: MachineForm) -> str:
    """Where to go once the form has made what it asks for, now or when it was sent before."""

    def act() -> dict[str, str]:
        vms, job = create_machines(actor, form.order())
        return {"vm": str(vms[0].uuid), "job": str(job.uuid), "count": str(len(vms))}

    key = form.key()
    try:
        answer, _now = idempotency.once(actor, key, key, act)
    except IntegrityError as error:  # what was chosen was removed meanwhile
        raise constraints.refusal(error) from None
    if answer["count"] == "1":
        return reverse("portal:machine", args=[answer["vm"]])
    return reverse("portal:job", args=[answer["job"]])
