"""Secrets and names that are given to services leave no trace in the record of events.

A sentinel is put into each service that takes a secret; then every table of the record is read as it is.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from apps.accounts import members, services, tokens
from apps.accounts.actor import Actor
from apps.accounts.models import User
from apps.compute.services.deploy import VmRequest, deploy_vm
from apps.jobs import events
from apps.jobs.audit import chain
from apps.zones.models import Cluster
from apps.zones.services import hosts
from tests import factories
from tests.architecture.tree import ROOT
from tests.zones.test_services import private_key

pytestmark = [pytest.mark.django_db, pytest.mark.databases]
OPERATOR = Actor.system("a test")
SENTINEL = "s3ntinel-6f1c2a34"


def record() -> str:
    """All that is kept of events, as the database has it, the words about people included."""
    texts = []
    with connection.cursor() as cursor:
        for table in ("jobs_event", "jobs_person", "jobs_segment", "jobs_sealer"):
            cursor.execute(f"SELECT * FROM {table}")
            texts.append(str(cursor.fetchall()))
    return "".join(texts)


def of_a_token(user: User) -> str:
    return tokens.issue_token(OPERATOR, user=user, name="ci")[1]


def of_a_login_link(user: User) -> str:
    return tokens.create_login_link(OPERATOR, user=user).partition("#")[2]


def of_a_machine(user: User) -> str:
    account = user.accounts.get()
    zone = factories.make_zone()
    wanted = VmRequest(
        account=account,
        zone=zone,
        name="web",
        offering=factories.make_offering(),
        template=factories.make_template(zone, account),
        user_data=f"#!/bin/sh\n# {SENTINEL}\n",
    )
    deploy_vm(Actor(user), wanted)
    return SENTINEL


def of_a_host(_user: User) -> str:
    key = private_key()
    cluster = Cluster.objects.get(pod__zone=factories.make_zone())
    host, _job = hosts.add_host(OPERATOR, cluster=cluster, name="h1", address="10.0.0.9", private_key=key)
    hosts.change_host(OPERATOR, host, private_key="")
    return key.splitlines()[2]


SERVICES: list[Callable[[User], str]] = [of_a_token, of_a_login_link, of_a_machine, of_a_host]


@pytest.mark.parametrize("given", SERVICES, ids=lambda each: each.__name__)
def test_a_secret_leaves_no_trace(given: Callable[[User], str]) -> None:
    secret = given(factories.make_user(factories.make_account()))
    assert len(secret) > 10
    assert secret not in record()


def test_the_sentinel_is_found_where_it_was_let_in() -> None:
    """The harness sees what a careless service would do."""
    events.record(OPERATOR, "x", None, remark=SENTINEL)
    assert SENTINEL in record()
    events.record(OPERATOR, "x", None, password=SENTINEL, deep={"rows": [{"bind_password": SENTINEL}]})
    assert record().count(SENTINEL) == 1


def test_what_is_sealed_of_an_event_has_no_name_in_it() -> None:
    user = services.create_user(
        OPERATOR, username=SENTINEL, full_name=f"Ada {SENTINEL}", email=f"{SENTINEL}@campus.gr"
    )
    account = factories.make_account()
    members.add_member(OPERATOR, account, user=user)
    tokens.issue_token(Actor(user), user=user, name="ci")
    services.set_active(OPERATOR, user, active=False)
    rows = list(chain.rows_between(chain.BEFORE, 10**9))
    assert len(rows) >= 5
    assert [row.content for row in rows if SENTINEL.encode() in row.content] == []


NAMES = {"username", "full_name", "email"}


def careless(path: Path) -> list[str]:
    """Calls of `record` that hand over a person's name as a text, instead of the person."""
    found = []
    for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(call, ast.Call) or not _is_record(call.func):
            continue
        for keyword in call.keywords:
            value = keyword.value
            told = [value, *getattr(value, "elts", [])]
            if any(isinstance(each, ast.Attribute) and each.attr in NAMES for each in told):
                found.append(f"{path.name}:{call.lineno} {keyword.arg}")
    return found


def _is_record(func: Any) -> bool:
    return (
        isinstance(func, ast.Attribute)
        and func.attr == "record"
        and getattr(func.value, "id", "")
        in {
            "audit",
            "events",
        }
    )


def test_people_are_handed_over_as_people(tmp_path: Path) -> None:
    """Pass the user itself, or `Personal(user, words)`: only then can the name be erased."""
    planted = tmp_path / "planted.py"
    planted.write_text("audit.record(actor, 'x', row, user=user.username, mails=[user.email], n=1)\n")
    assert careless(planted) == ["planted.py:1 user", "planted.py:1 mails"]
    paths = [*(ROOT / "apps").rglob("*.py"), *(ROOT / "workers").rglob("*.py")]
    assert [line for path in paths for line in careless(path)] == []
