"""My account: who I am here, my password, where I am logged in."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters

from apps.accounts import passwords, sessions
from apps.accounts.actor import Actor
from apps.accounts.models import Membership, User
from apps.core.errors import CloudError
from apps.portal.account.tabs import tabs
from apps.portal.events.shown import views_of
from apps.portal.pages import complain, page
from apps.portal.session.forms import NewPasswordForm
from apps.portal.session.forms import password as password_field


class OwnPasswordForm(NewPasswordForm):
    secrets = {**NewPasswordForm.secrets, "present_password": "CLOUDPORTAL_PASSWORD"}
    present_password = password_field(_("Present password"))
    field_order = ("present_password", "new_password", "again")


def _user(actor: Actor) -> User:
    assert actor.user is not None  # noqa: S101 - a page's reader is a user
    return actor.user


@page
def overview(request: HttpRequest, actor: Actor) -> HttpResponse:
    user = _user(actor)
    rows = (
        Membership.objects.filter(user=user).select_related("account", "role").order_by("account__name_sort")
    )
    context = {
        "tabs": tabs("account"),
        "me": user,
        "memberships": rows,
        "is_local": passwords.is_local(user),
        "views": views_of(user),
    }
    return render(request, "portal/account/overview.html", context)


@sensitive_post_parameters("present_password", "new_password", "again")
@page
def password(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The present password is asked for unless there is none yet and the reader came by a link just now."""
    user = _user(actor)
    asks = passwords.needs_present(request, user)
    data = request.POST if request.method == "POST" else None
    form = OwnPasswordForm(data) if asks else NewPasswordForm(data)

    def change(new_password: str, present_password: str = "") -> User:
        return passwords.change_own_password(request, actor, present=present_password, new=new_password)

    if data is not None and form.done(change):
        messages.success(request, _t("The password was changed. Your other sessions have ended."))
        return redirect("portal:account-password")
    local, has = passwords.is_local(user), user.has_usable_password()
    context = {
        "tabs": tabs("account-password"),
        "form": form,
        "is_local": local,
        "has_password": has,
        "needs_link": local and asks and not has,
    }
    status = 422 if form.errors else 200
    return render(request, "portal/account/password.html", context, status=status)


@page
def session_list(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Where the reader is logged in; the session of this browser is marked."""
    rows = list(sessions.sessions_of(_user(actor)))
    key = sessions.stored_key(request.session.session_key or "")
    for row in rows:
        row.is_this = row.session_key == key  # type: ignore[attr-defined]
    context = {"tabs": tabs("account-sessions"), "rows": rows, "others": len(rows) > 1}
    return render(request, "portal/account/sessions.html", context)


@page
def session_end(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    row = sessions.find(_user(actor), uuid)
    if request.method != "POST":
        return render(request, "portal/account/session_end.html", {"row": row})
    sessions.revoke(actor, row)
    messages.success(request, _t("The session was ended."))
    return redirect("portal:account-sessions")


@page
def others_end(request: HttpRequest, actor: Actor) -> HttpResponse:
    if request.method != "POST":
        return render(request, "portal/account/others_end.html")
    try:
        count = sessions.revoke_all(actor, _user(actor), but_key=request.session.session_key or "")
    except CloudError as error:
        complain(request, error)
    else:
        text = ngettext("%(n)s session was ended.", "%(n)s sessions were ended.", count)
        messages.success(request, text % {"n": count})
    return redirect("portal:account-sessions")
