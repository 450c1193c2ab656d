"""Under one Idempotency-Key nothing is done twice, and nothing else is answered."""

from __future__ import annotations

import io
import threading
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from apps.accounts.actor import Actor
from apps.accounts.models import IdempotencyKey, User
from apps.accounts.tokens import issue_token
from apps.compute.models import VirtualMachine
from apps.jobs.models import Job
from apps.storage.models import Template
from apps.zones.models import Region
from tests import factories
from tests.api.client import Api, code
from tests.api.conftest import Cast, make_cast


def test_the_same_deploy_twice_is_one_job(cast: Cast) -> None:
    before = VirtualMachine.objects.count()
    first = cast.member.post("virtual-machines/", cast.wanted(), idempotency_key="k1")
    again = cast.member.post("virtual-machines/", cast.wanted(), idempotency_key="k1")
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json() == first.json()
    assert again["Location"] == first["Location"]
    assert again["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first
    assert VirtualMachine.objects.count() == before + 1
    assert Job.objects.filter(kind="vm.deploy").count() == 1


def test_another_body_or_path_under_the_key_is_refused(cast: Cast) -> None:
    cast.member.post("virtual-machines/", cast.wanted(), idempotency_key="k1")
    before = VirtualMachine.objects.count()
    for path, body in (
        ("virtual-machines/", cast.wanted(name="other")),
        ("virtual-machines/", cast.wanted(user_data="#cloud-config\n{}")),
        ("virtual-machines/batch/", cast.wanted(count=1)),
    ):
        answer = cast.member.post(path, body, idempotency_key="k1")
        assert code(answer) == (422, "idempotency_mismatch", "Idempotency-Key")
    assert VirtualMachine.objects.count() == before


def test_keys_belong_to_their_user(cast: Cast) -> None:
    for api in (cast.member, cast.other):
        assert api.post("virtual-machines/", cast.wanted(), idempotency_key="k1").status_code == 202
    assert Job.objects.filter(kind="vm.deploy").count() == 2


def narrowed(user: User, **limits: Any) -> Api:
    api = Api(user)
    _row, text = issue_token(Actor.system("a test"), user=user, name="narrow", **limits)
    api.headers["Authorization"] = f"Token {text}"
    return api


def test_what_was_answered_is_not_told_to_a_token_that_may_something_else(cast: Cast) -> None:
    user = cast.member.user
    assert user is not None
    mine, foreign = list(user.accounts.all()), [factories.make_account()]
    body = {**cast.wanted(), "account": str(mine[0].uuid)}
    assert cast.member.post("virtual-machines/", body, idempotency_key="k1").status_code == 202
    less: list[dict[str, Any]] = [{"verbs": ["account.read"]}, {"accounts": foreign}, {"accounts": mine}]
    for limits in less:
        answer = narrowed(user, **limits).post("virtual-machines/", body, idempotency_key="k1")
        assert code(answer) == (422, "idempotency_mismatch", "Idempotency-Key")
    assert narrowed(user).post("virtual-machines/", body, idempotency_key="k1").status_code == 202
    assert Job.objects.filter(kind="vm.deploy").count() == 1


def test_a_token_that_follows_another_of_the_same_limits_is_answered_alike(cast: Cast) -> None:
    user = cast.member.user
    assert user is not None
    mine = list(user.accounts.all())
    body = {**cast.wanted(), "account": str(mine[0].uuid)}
    answers = [
        narrowed(user, verbs=verbs, accounts=mine).post("virtual-machines/", body, idempotency_key="k1")
        for verbs in (["vm.*", "*.read"], ["*.read", "vm.*"])
    ]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json() == answers[1].json()


def test_a_refused_request_leaves_its_key_free(cast: Cast) -> None:
    refused = cast.operator.post("regions/", {"name": cast.zone.region.name}, idempotency_key="k1")
    assert refused.status_code == 409
    assert cast.operator.post("regions/", {"name": "new"}, idempotency_key="k1").status_code == 201


def test_every_kind_of_act_takes_a_key(cast: Cast) -> None:
    vm = f"virtual-machines/{cast.vm.uuid}/"
    acts: list[tuple[Api, str, str, Any]] = [
        (cast.operator, "POST", "regions/", {"name": "new"}),
        (cast.member, "PATCH", vm, {"name": "renamed"}),
        (cast.member, "DELETE", f"ssh-keys/{cast.key.uuid}/", None),
        (cast.member, "POST", f"{vm}start/", {}),
    ]
    for api, method, path, body in acts:
        first = api.send(method, path, body, idempotency_key=f"{method}-{path}")
        again = api.send(method, path, body, idempotency_key=f"{method}-{path}")
        assert first.status_code == again.status_code < 300
        assert again["Idempotency-Replayed"] == "true"
    assert Region.objects.filter(name="new").count() == 1


def test_an_upload_is_registered_once(cast: Cast) -> None:
    def upload(name: str) -> Any:
        form = {"name": name, "zone": str(cast.zone.uuid), "file": io.BytesIO(b"QFI")}
        return cast.operator.upload("templates/", form, idempotency_key="k1")

    first, again, other = upload("new"), upload("new"), upload("other")
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json()["id"] == first.json()["id"]
    assert code(other)[:2] == (422, "idempotency_mismatch")
    assert Template.objects.filter(name="new").count() == 1
    incoming = [path.name for path in (Path(cast.storage.path) / "incoming").iterdir()]
    assert incoming == [first.json()["id"]]


@pytest.mark.parametrize("key", ["", " ", "a b", "ä", "x" * 256, "a\tb"])
def test_a_key_that_is_none_is_refused(cast: Cast, key: str) -> None:
    if not key.isascii():
        key = key.encode().decode("latin-1")
    answer = cast.operator.post("regions/", {"name": "new"}, idempotency_key=key)
    assert code(answer) == (400, "malformed_request", "Idempotency-Key")
    assert not Region.objects.filter(name="new").exists()


def test_what_is_kept_of_a_request_does_not_tell_its_body(cast: Cast) -> None:
    """User data counts as secret: only a keyed digest of the request is stored."""
    body = cast.wanted(user_data="#!/bin/sh\necho sentinel-4711")
    cast.member.post("virtual-machines/", body, idempotency_key="k1")
    row = IdempotencyKey.objects.get()
    assert len(row.fingerprint) == 64
    assert "sentinel-4711" not in str(row.answer)


@pytest.mark.databases
@pytest.mark.django_db(transaction=True)
def test_two_at_once_are_one(tmp_path: Any) -> None:
    cast = make_cast(str(tmp_path))
    answers: list[Any] = []
    ready = threading.Barrier(4)

    def ask() -> None:
        api = Api()
        api.headers = dict(cast.member.headers)
        ready.wait(10)
        try:
            answers.append(api.post("virtual-machines/", cast.wanted(), idempotency_key="k1"))
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [answer.status_code for answer in answers] == [202] * 4
    assert len({answer.json()["job"]["id"] for answer in answers}) == 1
    assert Job.objects.filter(kind="vm.deploy").count() == 1
