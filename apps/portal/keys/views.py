"""One SSH key: stored, made, looked at, forgotten."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.accounts.models import Account
from apps.compute.models import SshKeyPair, VirtualMachine
from apps.compute.services.offerings import create_ssh_key, delete_ssh_key, generate_ssh_key
from apps.core.errors import CloudError
from apps.portal.copy_as import ApiRequest, Secret, portal_of, snippets
from apps.portal.machines.create_choices import accounts_of
from apps.portal.machines.create_views import private_key_file
from apps.portal.pages import complain, page, told
from apps.portal.working import working_id

SHOWN = 20
PUBLIC_KEY = Secret("CLOUDPORTAL_PUBLIC_KEY")


class KeyForm(forms.Form):
    """It only parses: what a key is, is the service's to say."""

    name = forms.CharField(label=_("Name"), max_length=400, help_text=_("By which you tell it from others."))
    account = forms.ModelChoiceField(Account.objects.none(), label=_("Account"), empty_label=None)
    public_key = forms.CharField(
        label=_("Public key"),
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "autocomplete": "off"}),
        help_text=_("The one line of a file such as id_ed25519.pub."),
    )

    def __init__(self, actor: Actor, data: QueryDict | None = None, account: str = "") -> None:
        shown = accounts_of(actor, data.get("account") if data else account)
        first = account or (str(shown[0].uuid) if shown else "")
        super().__init__(data, initial={"account": first})
        field: Any = self.fields["account"]
        field.queryset, field.to_field_name = policy.visible(actor, Account.objects.all()), "uuid"
        field.widget.choices = [(str(row.uuid), row.name) for row in shown]
        self.fields["public_key"].required = not data or data.get("do") != "generate"
        for each in self.fields.values():
            kind = "form-select" if isinstance(each.widget, forms.Select) else "form-control"
            each.widget.attrs["class"] = kind


@page
def key_create(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Store a key that was pasted, or make a pair and hand its private key over (“do=generate”)."""
    if request.method != "POST":
        form = KeyForm(actor, account=request.GET.get("account") or working_id(request))
        return render(request, "portal/keys/create.html", _create_context(request, form))
    form = KeyForm(actor, request.POST)
    if form.is_valid():
        given = {"account": form.cleaned_data["account"], "name": form.cleaned_data["name"]}
        try:
            if request.POST.get("do") == "generate":
                row, private = generate_ssh_key(actor, **given)
                return private_key_file(private, row)
            row = create_ssh_key(actor, public_key=form.cleaned_data["public_key"], **given)
            return redirect("portal:ssh-key", row.uuid)
        except CloudError as error:
            said = told(error)
            place = error.place if error.place in form.fields else None
            form.add_error(place, f"{said.detail} {said.remedy}".strip())
    return render(request, "portal/keys/create.html", _create_context(request, form), status=422)


def _create_context(request: HttpRequest, form: KeyForm) -> dict[str, Any]:
    """The form, and the request that stores what it says; a key that was not pasted yet is read from the
    environment."""
    body = {
        "name": form["name"].value() or _t("my key"),
        "public_key": form["public_key"].value() or PUBLIC_KEY,
        "account": form["account"].value() or None,
    }
    return {"form": form, "snippets": snippets(ApiRequest("POST", "ssh-keys/", body), portal_of(request))}


def _key(actor: Actor, uuid: UUID) -> SshKeyPair:
    return policy.find(actor, SshKeyPair.objects.select_related("account"), uuid)


def _used_by(actor: Actor, key: SshKeyPair) -> dict[str, Any]:
    """The latest machines that were made with the key, and whether there are more."""
    rows = policy.visible(actor, VirtualMachine.objects.filter(ssh_keys=key).order_by("-id"))
    found = list(rows[: SHOWN + 1])
    return {"machines": found[:SHOWN], "more_machines": len(found) > SHOWN}


@page
def key_page(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    key = _key(actor, uuid)
    body = {"name": key.name, "public_key": key.public_key, "account": str(key.account.uuid)}
    told_as = snippets(ApiRequest("POST", "ssh-keys/", body), portal_of(request))
    return render(request, "portal/keys/page.html", {"key": key, "snippets": told_as, **_used_by(actor, key)})


@page
def key_delete(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    key = _key(actor, uuid)
    policy.require(actor, "ssh_key.delete", key)
    if request.method != "POST":
        told_as = snippets(ApiRequest("DELETE", f"ssh-keys/{key.uuid}/"), portal_of(request))
        context = {"key": key, "snippets": told_as, **_used_by(actor, key)}
        return render(request, "portal/keys/delete.html", context)
    try:
        delete_ssh_key(actor, key)
    except CloudError as error:
        complain(request, error)
        return redirect("portal:ssh-key", uuid)
    messages.success(request, _t("The key %(name)s was deleted.") % {"name": key.name})
    return redirect("portal:ssh-keys")
