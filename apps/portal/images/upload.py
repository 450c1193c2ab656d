"""A new template from a file: a form that a browser sends as it comes, gigabytes and all.

The file goes to disk while it arrives, up to the largest template, and only from people who may register
one; the check against forged requests is done after the reader of files is in place, and before anything
is made of them.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.accounts.models import Account
from apps.accounts.rest import parse_uuid
from apps.portal.copy_as import ApiRequest, portal_of, snippets
from apps.portal.images.forms import NewTemplateForm
from apps.portal.pages import page
from apps.portal.quota_after import Bar, bars_after
from apps.portal.working import working_id
from apps.storage.api import CappedUpload
from apps.storage.models import Template
from apps.storage.services_templates import ONE, new_template, register_template, staged_upload, storage_of


@csrf_exempt  # until the handler stands; `_form` checks
@page
def template_new(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    policy.require_somewhere(actor, "template.register")
    if request.method != "POST":
        return _form(request, actor)
    handler = CappedUpload(request)
    request.upload_handlers = [handler]
    try:
        return _form(request, actor)
    finally:
        for file in handler.opened:
            file.close()


@csrf_protect
def _form(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    if request.method != "POST":
        form = NewTemplateForm(
            actor,
            initial={
                "zone": request.GET.get("zone", ""),
                "account": request.GET.get("account") or working_id(request) or _own(actor),
            },
        )
    else:
        form = NewTemplateForm(actor, request.POST, request.FILES)
        template = form.tried(lambda **given: _register(actor, **given))
        if template is not None:
            return redirect("portal:template", template.uuid)
    api = ApiRequest("POST", "templates/", form.body(), file="image.qcow2")
    context = {
        "form": form,
        "bars": _bars(actor, form),
        "asked": api,
        "snippets": snippets(api, portal_of(request)),
    }
    return render(request, "portal/images/new.html", context, status=422 if form.errors else 200)


def _bars(actor: Actor, form: NewTemplateForm) -> list[Bar]:
    """Of the account that is chosen in the form now."""
    chosen = parse_uuid(str(form["account"].value() or ""))
    account = policy.visible(actor, Account.objects.filter(uuid=chosen)).first() if chosen else None
    if account is None or not policy.may(actor, "quota.read", account):
        return []
    return bars_after(account, ONE, member_id=actor.user_id)


def _own(actor: Actor) -> str:
    """The reader's first account: an image is nobody else's unless that was chosen."""
    own = Account.objects.filter(pk__in=actor.account_ids).order_by("name_sort", "pk").first()
    return str(own.uuid) if own else ""


def _register(actor: Actor, *, file: Any, zone: Any, **given: Any) -> Template:
    template = new_template(actor, secondary_storage=storage_of(zone), **given)
    with staged_upload(template, file):
        return register_template(actor, template=template)[0]
