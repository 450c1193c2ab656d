"""How a user gets in: where they are logged in, their tokens, a lock after failed logins, a new password."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _t

from apps.accounts import lockout, passwords, policy, sessions, tokens
from apps.accounts.actor import Actor
from apps.accounts.models import ApiToken, User
from apps.core.errors import NotFound
from apps.portal.account.tokens import own_tokens
from apps.portal.copy_as import portal_of
from apps.portal.pages import page
from apps.portal.service_forms import asked

CAN = ("session.read", "session.revoke", "token.read", "token.revoke", "password.reset", "login.unlock")


def _user(actor: Actor, uuid: UUID, *permissions: str) -> tuple[User, dict[str, bool]]:
    """The user and what the actor may do here. Who may nothing of it finds no such page, and who may not
    do what it is for is told so."""
    user: User = policy.find(actor, User.objects.filter(kind=User.Kind.PERSON), uuid)
    can = {name: policy.may(actor, name, user) for name in CAN}
    if not any(can.values()):
        raise NotFound(kind="user")
    for name in permissions:
        policy.require(actor, name, user)
    return user, can


@page
def access(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    user, can = _user(actor, uuid)
    context = {
        "person": user,
        "can": {name.replace(".", "_"): yes for name, yes in can.items()},
        "rows": sessions.sessions_of(user) if can["session.read"] else [],
        "tokens": own_tokens(user) if can["token.read"] else [],
        "locks": lockout.locks_of(user) if can["login.unlock"] else [],
        "is_local": passwords.is_local(user),
    }
    return render(request, "portal/access/page.html", context)


def _ask(request: HttpRequest, template: str, user: User, api: dict[str, Any], **more: Any) -> HttpResponse:
    return render(request, f"portal/access/{template}.html", {"person": user, **api, **more})


@page
def sessions_end(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    user, _can = _user(actor, uuid, "session.revoke")
    if request.method != "POST":
        api = asked(request, "POST", "sessions/revoke/", user=str(user.uuid))
        return _ask(request, "end", user, api)
    count = sessions.revoke_all(actor, user)
    messages.success(request, _t("Sessions that were ended: %(n)s.") % {"n": count})
    return redirect("portal:user-access", uuid)


@page
def password_link(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    """The link is shown here and nowhere else: no session and no address keeps it."""
    user, _can = _user(actor, uuid, "password.reset")
    if request.method != "POST":
        return _ask(request, "password", user, asked(request, "POST", "password/link/", user=str(user.uuid)))
    path = passwords.create_password_link(actor, user=user)
    link = portal_of(request).rstrip("/") + path
    context = {"person": user, "link": link, "minutes": passwords.RESET_MINUTES}
    return render(request, "portal/access/password_made.html", context)


@page
def unlock(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    user, _can = _user(actor, uuid, "login.unlock")
    if request.method != "POST":
        return _ask(request, "unlock", user, asked(request, "POST", "login/unlock/", user=str(user.uuid)))
    lockout.unlock_user(actor, user)
    messages.success(request, _t("%(name)s can try to log in again.") % {"name": user.username})
    return redirect("portal:user-access", uuid)


@page
def token_revoke(request: HttpRequest, actor: Actor, uuid: UUID, token: UUID) -> HttpResponse:
    user, _can = _user(actor, uuid, "token.revoke")
    row = ApiToken.objects.filter(user=user, uuid=token).first()
    if row is None:
        raise NotFound(kind="token")
    if request.method != "POST":
        return _ask(request, "token", user, asked(request, "DELETE", f"tokens/{row.uuid}/"), row=row)
    tokens.revoke_token(actor, row)
    messages.success(request, _t("The token %(name)s was revoked.") % {"name": row.name})
    return redirect("portal:user-access", uuid)
