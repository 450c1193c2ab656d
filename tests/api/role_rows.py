"""A row of the table of roles, and those of credentials: sessions, tokens, passwords, service accounts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from apps.accounts.models import Session, User
from tests.api.conftest import Cast

Prepare = Callable[[Cast], object]
Body = Callable[[Cast], Any]


@dataclass(frozen=True)
class Row:
    method: str
    path: str
    operator: int
    member: int
    other: int
    body: Body | None = None
    prepare: Prepare | None = None


def robot(cast: Cast) -> User:
    """The service account of the member's account."""
    return User.objects.get_or_create(username="robot", kind="service", service_of=cast.account)[0]


def wanted_robot(cast: Cast) -> dict[str, object]:
    return {"username": "another", "account": str(cast.account.uuid)}


def session(cast: Cast) -> Session:
    """The member's."""
    keys = {"session_key": "a", "user": cast.users["member"], "session_data": ""}
    return Session.objects.get_or_create(**keys, defaults={"expire_date": "2999-01-01T00:00:00Z"})[0]


CREDENTIALS = [
    Row("GET", "sessions/", 200, 200, 200),
    Row("GET", "sessions/?user={member}", 200, 200, 404),
    Row("GET", "sessions/{session}/", 200, 200, 404),
    Row("DELETE", "sessions/{session}/", 204, 204, 404),
    Row("POST", "sessions/revoke/", 200, 200, 200),
    Row("POST", "sessions/revoke/", 200, 200, 404, lambda cast: {"user": str(cast.users["member"].uuid)}),
    Row("GET", "tokens/", 200, 200, 200),
    Row("GET", "tokens/?user={member}", 200, 200, 404),
    Row("GET", "tokens/{token}/", 200, 200, 404),
    Row("POST", "tokens/", 201, 201, 201, lambda cast: {"name": "new", "verbs": ["vm.read"]}),
    Row(
        "POST",
        "tokens/",
        201,
        201,
        404,
        lambda cast: {"name": "new", "accounts": [str(cast.account.uuid)]},
    ),
    Row("POST", "tokens/", 201, 404, 404, lambda cast: {"name": "new", "user": str(robot(cast).uuid)}),
    Row("DELETE", "tokens/{token}/", 204, 204, 404),
    Row("GET", "service-accounts/", 200, 200, 200),
    Row("POST", "service-accounts/", 201, 403, 404, wanted_robot),
    Row("GET", "service-accounts/{robot}/", 200, 404, 404),
    Row("DELETE", "service-accounts/{robot}/", 204, 404, 404),
    Row("POST", "password/", 403, 403, 403, lambda cast: {"new_password": "seven blue bicycles"}),
    Row("POST", "password/link/", 201, 403, 404, lambda cast: {"user": str(cast.users["member"].uuid)}),
    Row("POST", "login/unlock/", 200, 403, 404, lambda cast: {"user": str(cast.users["member"].uuid)}),
]
