"""Service accounts: users of programs, which only tokens stand for."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from apps.accounts import policy, service_accounts
from apps.accounts.actor import Actor
from apps.accounts.models import Account, ApiToken, User
from apps.accounts.tokens import revoke_token
from apps.core.errors import NotFound
from apps.portal.account.tokens import TokenForm, made_or_asked, own_tokens
from apps.portal.pages import page
from apps.portal.service_forms import ServiceForm, asked, line


class ServiceAccountForm(ServiceForm):
    username = line(_("Name"), help_text=_("Events name it by this: backup-robot, for example."), code=True)
    account = forms.ModelChoiceField(
        Account.objects.none(), label=_("Account"), empty_label=None, to_field_name="uuid"
    )

    def __init__(self, actor: Actor, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["account"]
        field.queryset = accounts_to_make_in(actor)


def accounts_to_make_in(actor: Actor) -> Any:
    where = policy.scope_of(Account).where(actor.reach("service_account.create"))
    return policy.visible(actor, Account.objects.filter(where)).order_by("name_sort", "pk")


@page
def service_list(request: HttpRequest, actor: Actor) -> HttpResponse:
    rows = service_accounts.visible_to(actor).order_by("username")[:200]
    may = policy.somewhere(actor, "service_account.create")
    return render(request, "portal/account/services.html", {"rows": rows, "may_create": may})


@page
def service_new(request: HttpRequest, actor: Actor) -> HttpResponse:
    policy.require_somewhere(actor, "service_account.create")
    form = ServiceAccountForm(actor, request.POST if request.method == "POST" else None)

    def make(**given: Any) -> User:
        return service_accounts.create_service_account(actor, **given)

    made = form.tried(make) if request.method == "POST" else None
    if made:
        return redirect("portal:service-account", made.uuid)
    context = {"form": form, **asked(request, "POST", "service-accounts/", form)}
    return render(request, "portal/account/service_new.html", context, status=422 if form.errors else 200)


@page
def service_page(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    """The account with its tokens; POST revokes the one that “token” names."""
    user = service_accounts.find(actor, uuid)
    if request.method == "POST":
        uuids = [found] if (found := _uuid(request.POST.get("token"))) else []
        row = ApiToken.objects.filter(user=user, uuid__in=uuids).first()
        if row is None:
            raise NotFound(kind="token")
        revoke_token(actor, row)
        messages.success(request, _t("The token %(name)s was revoked.") % {"name": row.name})
        return redirect("portal:service-account", uuid)
    can = {
        verb: policy.may(actor, f"service_account.{verb}", user.service_of)
        for verb in ("issue_token", "revoke_token", "remove")
    }
    context = {"row": user, "tokens": own_tokens(user), "can": can}
    return render(request, "portal/account/service.html", context)


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None


@page
def service_token(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    user = service_accounts.find(actor, uuid)
    policy.require(actor, "service_account.issue_token", user.service_of)
    form = TokenForm(Account.objects.none(), request.POST if request.method == "POST" else None)
    back = reverse("portal:service-account", args=[uuid])
    return made_or_asked(request, actor, form, user=user, back=back)


@page
def service_remove(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    user = service_accounts.find(actor, uuid)
    policy.require(actor, "service_account.remove", user.service_of)
    if request.method != "POST":
        api = asked(request, "DELETE", f"service-accounts/{uuid}/")
        return render(request, "portal/account/service_remove.html", {"row": user, **api})
    service_accounts.remove_service_account(actor, user)
    messages.success(request, _t("The service account %(name)s was removed.") % {"name": user.username})
    return redirect("portal:service-accounts")
