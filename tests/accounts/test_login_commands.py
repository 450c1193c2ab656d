"""The way in from the portal's machine, when nothing else is."""

from __future__ import annotations

import io
import sys

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from apps.accounts.models import User
from apps.accounts.services import create_root_domain
from tests import factories

pytestmark = pytest.mark.django_db
PASSWORD = "seven blue bicycles"


def run(monkeypatch: pytest.MonkeyPatch, *argv: str, typed: str = PASSWORD) -> str:
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{typed}\n"))
    call_command(*argv, stdout=out)
    return out.getvalue()


def enter(name: str, password: str = PASSWORD) -> int:
    return int(Client().post("/login/", {"username": name, "password": password}).status_code)


def test_a_local_super_admin_is_made_and_gets_in(monkeypatch: pytest.MonkeyPatch) -> None:
    create_root_domain()
    said = run(monkeypatch, "set_password", "--user", "rescue", "--stdin", "--super-admin")
    assert PASSWORD not in said
    rescue = User.objects.get(username="rescue")
    assert rescue.is_super_admin
    assert enter("rescue") == 302


def test_a_password_that_is_set_ends_sessions_and_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    user = factories.make_user(factories.make_account())
    client = Client()
    client.force_login(user)
    assert [enter(user.username, "wrong") for _ in range(5)][-1] == 429
    run(monkeypatch, "set_password", "--user", user.username.upper(), "--stdin")
    assert client.get("/api/v1/me/").status_code == 401
    assert enter(user.username) == 302


def test_what_cannot_be_done_is_told_and_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    create_root_domain()
    with pytest.raises(CommandError, match="no active user"):
        run(monkeypatch, "set_password", "--user", "nobody", "--stdin")
    with pytest.raises(CommandError, match="too short"):
        run(monkeypatch, "set_password", "--user", "rescue", "--stdin", "--super-admin", typed="short")
    assert not User.objects.filter(username="rescue").exists()
    with pytest.raises(CommandError, match="no user"):
        run(monkeypatch, "unlock_login", "--user", "nobody")


def test_a_lock_is_lifted_by_name_or_by_address(monkeypatch: pytest.MonkeyPatch) -> None:
    user = factories.make_user(factories.make_account())
    user.set_password(PASSWORD)
    user.save()
    for whom in (("--user", user.username), ("--address", "127.0.0.1")):
        assert [enter(user.username, "wrong") for _ in range(5)][-1] == 429
        assert run(monkeypatch, "unlock_login", *whom) == "1 names and addresses can be tried again\n"
        assert enter(user.username) == 302
