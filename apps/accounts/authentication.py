"""How an API request says who it comes from: a bearer token, or the browser's session with CSRF."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.accounts.models import ApiToken, User
from apps.accounts.sessions import SessionStore
from apps.accounts.tokens import limits_of, token_of
from apps.core.middleware import token_name

MAX_TOKEN = 200


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Token <token>`. Unknown, expired, and an inactive user's are told alike."""

    keyword = "Token"

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        words = get_authorization_header(request).split()
        if not words or words[0].lower() != self.keyword.lower().encode():
            return None
        if len(words) != 2 or len(words[1]) > MAX_TOKEN:
            raise AuthenticationFailed
        try:
            token = token_of(words[1].decode("ascii"))
        except UnicodeDecodeError:
            token = None
        if token is None:
            raise AuthenticationFailed
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return self.keyword


def actor_of(request: Request) -> Actor:
    """Who sent the request, kept to what their token is kept to; the request's events name the token."""
    assert isinstance(request.user, User)  # noqa: S101 - IsAuthenticated saw to it
    token = request.auth
    if not isinstance(token, ApiToken):
        return Actor(request.user)
    token_name.set(token.name)
    return Actor(request.user, limits=limits_of(token))


def sender_may(request: HttpRequest, kind: str) -> bool:
    """Whether the headers alone name an active user, by a token or a session, who may do `kind` at all."""
    try:
        found = TokenAuthentication().authenticate(Request(request))
    except AuthenticationFailed:
        return False
    if found is None:
        request.session = SessionStore(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
        user = get_user(request)
        return isinstance(user, User) and policy.somewhere(Actor(user), kind)
    user, token = found
    return policy.somewhere(Actor(user, limits=limits_of(token)), kind)


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "apps.accounts.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "“Token” and a blank before the token itself.",
        }
