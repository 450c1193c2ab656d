"""A body that is too long is refused before it is taken in."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.test import Client, RequestFactory

from apps.accounts.actor import Actor
from apps.accounts.authentication import sender_may
from apps.accounts.models import User
from apps.accounts.tokens import issue_token
from apps.core.asgi import Message
from cloudportal.body_limit import SMALL_BYTES, BodyLimit
from tests import factories


class Server:
    """What an ASGI server does, with a body in pieces; notes how many the application asked for."""

    def __init__(self, path: str, pieces: list[bytes], *, announced: int | None = None) -> None:
        headers = [(b"host", b"testserver")]
        if announced is not None:
            headers.append((b"content-length", str(announced).encode()))
        self.scope = {"type": "http", "method": "POST", "path": path, "headers": headers}
        self.pieces, self.sent, self.taken = pieces, list[Message](), 0

    async def receive(self) -> Message:
        piece = self.pieces[self.taken]
        self.taken += 1
        return {"type": "http.request", "body": piece, "more_body": self.taken < len(self.pieces)}

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    def ask(self, application: Any = None) -> tuple[int, bytes]:
        asyncio.run(BodyLimit(application or reader)(self.scope, self.receive, self.send))
        return self.sent[0]["status"], self.sent[1]["body"]


async def reader(scope: Message, receive: Any, send: Any) -> None:
    """An application that reads the body and says how long it was; silent if the client goes."""
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size += len(message["body"])
        more = message["more_body"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(size).encode()})


@pytest.fixture(autouse=True)
def who(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether an upload comes from somebody who may; the last entry counts."""
    answers = [True]
    monkeypatch.setattr("cloudportal.body_limit.sender_may", lambda _request, _kind: answers[-1])
    return answers


def test_a_small_body_passes_in_any_number_of_pieces() -> None:
    server = Server("/api/v1/regions/", [b"x" * 1000] * 2000)
    assert server.ask() == (200, b"2000000")


def test_an_announced_length_is_refused_before_a_byte_is_taken() -> None:
    server = Server("/api/v1/regions/", [b"x"], announced=SMALL_BYTES + 1)
    status, body = server.ask()
    assert (status, server.taken) == (413, 0)
    problem = json.loads(body)
    assert problem["code"] == "request_too_large"
    assert problem["params"] == {"limit": SMALL_BYTES}


def test_a_body_that_does_not_end_is_refused_at_the_limit() -> None:
    server = Server("/login/link/", [b"x" * 65536] * 100_000)
    assert server.ask()[0] == 413
    assert server.taken == SMALL_BYTES // 65536 + 1


@pytest.mark.parametrize(("path", "status"), [("/api/v1/templates/", 200), ("/api/v1/templates/x/", 413)])
def test_only_uploads_of_templates_may_be_long(path: str, status: int) -> None:
    server = Server(path, [b"x" * 65536] * 100, announced=6_553_600)
    assert server.ask()[0] == status


def test_an_upload_has_a_limit_too() -> None:
    server = Server("/api/v1/templates/", [b"x"], announced=settings.TEMPLATE_MAX_BYTES * 2)
    assert server.ask()[0] == 413


def test_of_a_strangers_upload_nothing_is_read_and_the_connection_ends(who: list[bool]) -> None:
    who.append(False)
    server = Server("/api/v1/templates/", [b"x" * 65536] * 100_000)
    assert server.ask() == (200, b"0")
    assert server.taken == 0
    assert (b"connection", b"close") in server.sent[0]["headers"]


def test_the_portal_tells_a_stranger_who_uploads_to_log_in(who: list[bool]) -> None:
    who.append(False)
    server = Server("/api/v1/templates/", [b"x" * 65536] * 100_000, announced=6_553_600_000)
    status, body = server.ask(get_asgi_application())
    assert (status, server.taken) == (401, 0)
    assert json.loads(body)["code"] == "not_authenticated"


@pytest.mark.django_db
def test_whoever_may_not_register_templates_is_told_before_anything_is_read() -> None:
    member = factories.make_user(factories.make_account())
    _row, token = issue_token(Actor.system("test"), user=member, name="upload")

    def may(kind: str) -> bool:
        headers = {"Authorization": f"Token {token}"}
        return sender_may(RequestFactory().post("/api/v1/templates/", headers=headers), kind)

    assert not may("template.register")
    assert may("vm.deploy")
    answer = Client().post("/api/v1/templates/", headers={"Authorization": f"Token {token}"})
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")


@pytest.mark.django_db
def test_whoever_may_is_known_by_a_valid_token_or_a_session() -> None:
    user = factories.make_user(super_admin=True)
    _row, token = issue_token(Actor.system("test"), user=user, name="upload")
    client = Client()
    client.force_login(user)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value

    def known(**headers: str) -> bool:
        return sender_may(RequestFactory().post("/api/v1/templates/", headers=headers), "template.register")

    by_token = {"Authorization": f"Token {token}"}
    by_session = {"Cookie": f"{settings.SESSION_COOKIE_NAME}={session}"}
    assert known(**by_token)
    assert known(**by_session)
    assert not known()
    assert not known(Authorization="Token nobody")
    assert not known(Authorization="Token a b c")
    assert not known(Cookie=f"{settings.SESSION_COOKIE_NAME}=nothing")
    User.objects.update(is_active=False)
    assert not known(**by_token)
    assert not known(**by_session)
