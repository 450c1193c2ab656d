"""My tokens: made here, shown once, revoked."""

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

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.accounts.models import Account, ApiToken, User
from apps.accounts.tokens import EVERYTHING, issue_token, revoke_token
from apps.core.errors import NotFound
from apps.portal.account.tabs import tabs
from apps.portal.pages import page
from apps.portal.service_forms import ServiceForm, asked, line

DAYS = ((7, _("A week")), (30, _("A month")), (90, _("Three months")), (365, _("A year")))


class TokenForm(ServiceForm):
    name = line(_("Name"), help_text=_("What the token is for: you tell it from others by it."))
    days = forms.TypedChoiceField(label=_("Valid for"), choices=DAYS, coerce=int, initial=90)
    verbs = forms.CharField(
        label=_("What it may do"),
        initial=EVERYTHING,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "autocapitalize": "none"}),
        help_text=_(
            "One a line: a star for all that you may, *.read to look only, vm.* for all of machines, "
            "vm.start for one act. It never lets a program do more than you may."
        ),
    )
    accounts = forms.ModelMultipleChoiceField(
        Account.objects.none(),
        label=_("Only in these accounts"),
        required=False,
        to_field_name="uuid",
        widget=forms.CheckboxSelectMultiple,
    )
    field_order = ("name", "days", "verbs", "accounts")

    def __init__(self, accounts: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["accounts"]
        field.queryset = accounts
        field.help_text = _t("Without a choice: in every account of yours.")
        if not accounts.exists():
            del self.fields["accounts"]

    def given(self) -> dict[str, Any]:
        """The choice of no account is a choice of all."""
        verbs = [word for word in str(self.cleaned_data["verbs"]).replace(",", " ").split() if word]
        accounts = self.cleaned_data.get("accounts")
        return {
            "name": self.cleaned_data["name"],
            "days": self.cleaned_data["days"],
            "verbs": verbs,
            "accounts": list(accounts) if accounts else None,
        }

    def body(self) -> dict[str, Any]:
        verbs = str(self["verbs"].value() or "").replace(",", " ").split()
        accounts = self["accounts"].value() if "accounts" in self.fields else None
        return {
            "name": self["name"].value() or "",
            "days": int(self["days"].value()) if str(self["days"].value()).isdigit() else 90,
            "verbs": verbs,
            "accounts": [str(uuid) for uuid in accounts] if accounts else None,
        }


def own_tokens(user: User) -> Any:
    return ApiToken.objects.filter(user=user).prefetch_related("accounts").order_by("-created_at", "pk")


@page
def token_list(request: HttpRequest, actor: Actor) -> HttpResponse:
    assert actor.user is not None  # noqa: S101 - a page's reader is a user
    context = {"tabs": tabs("account-tokens"), "rows": own_tokens(actor.user)}
    return render(request, "portal/account/tokens.html", context)


@page
def token_new(request: HttpRequest, actor: Actor) -> HttpResponse:
    assert actor.user is not None  # noqa: S101 - a page's reader is a user
    accounts = policy.visible(actor, Account.objects.filter(users=actor.user)).order_by("name_sort", "pk")
    form = TokenForm(accounts, request.POST if request.method == "POST" else None)
    back = reverse("portal:account-tokens")
    return made_or_asked(request, actor, form, user=actor.user, back=back)


def made_or_asked(
    request: HttpRequest, actor: Actor, form: TokenForm, *, user: User, back: str
) -> HttpResponse:
    """The form, or the page that shows the new token, which no session and no address keeps."""

    def make(**given: Any) -> tuple[ApiToken, str]:
        return issue_token(actor, user=user, **given)

    made = form.tried(make) if request.method == "POST" else None
    if made:
        row, text = made
        context = {"row": row, "text": text, "back": back}
        return render(request, "portal/account/token_made.html", context)
    more = {"user": str(user.uuid)} if user.is_service else {}
    api = asked(request, "POST", "tokens/", form, **more)
    context = {"form": form, "back": back, "owner": user if user.is_service else None, **api}
    return render(request, "portal/account/token_new.html", context, status=422 if form.errors else 200)


@page
def token_revoke(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    """One's own token; those of others are revoked where they are shown."""
    row = ApiToken.objects.filter(user=actor.user, uuid=uuid).first()
    if row is None:
        raise NotFound(kind="token")
    if request.method != "POST":
        api = asked(request, "DELETE", f"tokens/{row.uuid}/")
        context = {"row": row, "back": reverse("portal:account-tokens"), **api}
        return render(request, "portal/account/token_revoke.html", context)
    revoke_token(actor, row)
    messages.success(request, _t("The token %(name)s was revoked.") % {"name": row.name})
    return redirect("portal:account-tokens")
