"""Streams of "this changed": who hears of what, for how long, and at what cost."""

from __future__ import annotations

import asyncio
import json
import signal
import threading
import time
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from apps.accounts.actor import Actor
from apps.accounts.models import Account, Membership, Session, User
from apps.compute.models import VirtualMachine
from apps.compute.states import State
from apps.jobs import events
from apps.jobs.changes import Feed
from apps.jobs.models import Event
from apps.portal.live import hub, stream
from tests import factories
from tests.portal.browsing import client_of
from tests.portal.live_client import Site, in_database

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.databases]
SYSTEM = Actor.system("test")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(hub, "RECHECK_SECONDS", 0.01)
    monkeypatch.setattr(stream, "BEAT_SECONDS", 0.05)


@pytest.fixture
def account() -> Account:
    return factories.make_account()


@pytest.fixture
def vm(account: Account) -> VirtualMachine:
    return factories.make_vm(factories.make_zone(), account=account, state=State.STOPPED)


def now() -> str:
    return str(int(time.time() * 1000) + 6000)  # beyond what is told again for safety


def run(scenario: Coroutine[Any, Any, None]) -> None:
    asyncio.run(scenario)


def touch(row: Any) -> Any:
    return events.record(SYSTEM, "test", row)


def test_a_member_hears_of_the_machine_and_of_the_lists_it_is_in(
    account: Account, vm: VirtualMachine
) -> None:
    client = client_of(factories.make_user(account))

    async def scenario() -> None:
        async with Site().open(client, f"vm:{vm.uuid}", "list:machines", "list:hosts", since=now()) as page:
            await page.hears("hello")
            assert page.told() == set()
            await in_database(lambda: touch(vm))
            await page.is_told(f"vm:{vm.uuid}")
            assert page.told() == {f"vm:{vm.uuid}", "list:machines"}

    run(scenario())


def test_a_strangers_stream_says_nothing_of_others_nor_whether_they_exist(vm: VirtualMachine) -> None:
    own = factories.make_vm(vm.zone, state=State.STOPPED)
    client = client_of(factories.make_user(own.account))
    nobody = f"vm:{vm.account.uuid}"

    async def scenario() -> None:
        wanted = (f"vm:{vm.uuid}", nobody, f"vm:{own.uuid}", "list:machines", "list:events", "list:hosts")
        async with Site().open(client, *wanted, since=now()) as page:
            await in_database(lambda: touch(vm))
            await in_database(lambda: touch(vm.zone))
            await in_database(lambda: touch(own))
            await page.is_told(f"vm:{own.uuid}")
            assert page.told() == {f"vm:{own.uuid}", "list:machines", "list:events"}
            assert all(one.id.isdigit() for one in page.heard)
        async with Site().open(client, f"vm:{vm.uuid}", nobody) as page:
            await page.hears("beat")
            assert page.told() == set()

    run(scenario())


def test_a_strangers_change_does_not_reach_a_list(vm: VirtualMachine) -> None:
    client = client_of(factories.make_user(factories.make_account()))

    async def scenario() -> None:
        async with Site().open(client, "list:machines", "list:events", "list:jobs", since=now()) as page:
            await page.hears("hello")
            site_feed = Feed()
            await in_database(site_feed.look)
            await in_database(lambda: touch(vm))
            assert await in_database(site_feed.look)
            beats = len(page.heard)
            await page.until(lambda: len(page.heard) > beats + 2)
            assert page.told() == set()

    run(scenario())


def test_an_operator_hears_of_everybody(vm: VirtualMachine) -> None:
    client = client_of(factories.make_user(super_admin=True))

    async def scenario() -> None:
        wanted = (f"vm:{vm.uuid}", "list:machines", f"zone:{vm.zone.uuid}")
        async with Site().open(client, *wanted, since=now()) as page:
            await page.hears("hello")
            await in_database(lambda: touch(vm))
            await in_database(lambda: touch(vm.zone))
            await page.is_told(f"zone:{vm.zone.uuid}")
            assert page.told() == set(wanted)

    run(scenario())


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"topics": ["vm:nonsense"]}, 422, "invalid_input"),
        ({"topics": ["planet:earth"]}, 422, "invalid_input"),
        ({"topics": ["list:secrets"]}, 422, "invalid_input"),
        ({"topics": []}, 422, "invalid_input"),
        ({"topics": ["list:jobs"] * 500}, 422, "invalid_input"),
        ({"topics": ["list:jobs"], "since": "yesterday"}, 422, "invalid_input"),
        ({"topics": ["list:jobs"], "since": "9" * 15}, 422, "invalid_input"),
        ({"topics": ["list:jobs"], "host": "elsewhere.example"}, 400, "malformed_request"),
        ({"topics": ["list:jobs"], "method": "POST"}, 405, "method_not_allowed"),
    ],
)
def test_what_cannot_be_followed_is_refused_with_its_reason(
    account: Account, query: dict[str, Any], status: int, code: str
) -> None:
    client = client_of(factories.make_user(account))

    async def scenario() -> None:
        asked = dict(query)
        async with Site().open(client, *asked.pop("topics"), **asked) as page:
            assert (page.status, json.loads(page.body)["code"]) == (status, code)
            assert json.loads(page.body)["remedy"]

    run(scenario())


def test_nobody_listens_without_a_session(account: Account) -> None:
    gone = client_of(factories.make_user(account))
    gone.logout()

    async def scenario() -> None:
        for client in (None, Client(), gone):
            async with Site().open(client, "list:jobs") as page:
                assert (page.status, json.loads(page.body)["code"]) == (401, "not_authenticated")

    run(scenario())


def test_logging_out_and_being_deactivated_end_the_stream(account: Account) -> None:
    user = factories.make_user(account)

    async def ends(act: Any) -> None:
        client = logged_in_later = await in_database(lambda: client_of(user))
        async with Site().open(client, "list:jobs", since=now()) as page:
            await page.hears("hello")
            await in_database(lambda: act(logged_in_later))
            assert (await page.hears("end")).data == "login"
            await page.until(lambda: page.ended)

    async def scenario() -> None:
        await ends(lambda client: client.logout())
        await ends(lambda _client: Session.objects.update(expire_date="2000-01-01T00:00:00Z"))
        await ends(lambda _client: User.objects.filter(pk=user.pk).update(is_active=False))

    run(scenario())


def test_other_rights_end_the_stream_and_count_when_it_comes_again(vm: VirtualMachine) -> None:
    user = factories.make_user(vm.account)
    client = client_of(user)

    async def scenario() -> None:
        async with Site().open(client, f"vm:{vm.uuid}", since=now()) as page:
            await page.hears("hello")
            await in_database(lambda: Membership.objects.filter(user=user).delete())
            assert (await page.hears("end")).data == "again"
        async with Site().open(client, f"vm:{vm.uuid}", since=now()) as page:
            await page.hears("hello")
            await in_database(lambda: touch(vm))
            beats = len(page.heard)
            await page.until(lambda: len(page.heard) > beats + 3)
            assert page.told() == set()

    run(scenario())


def test_who_comes_again_is_told_at_once_what_it_missed(account: Account, vm: VirtualMachine) -> None:
    client = client_of(factories.make_user(account))
    other = factories.make_vm(vm.zone, account=account, state=State.STOPPED)
    Event.objects.all().delete()

    async def scenario() -> None:
        wanted = (f"vm:{vm.uuid}", f"vm:{other.uuid}")
        async with Site().open(client, *wanted, since=now()) as page:
            last = (await page.hears("beat")).id
        await in_database(lambda: touch(vm))
        async with Site().open(client, *wanted, since=last) as page:
            await page.is_told(f"vm:{vm.uuid}")
            assert page.told() == {f"vm:{vm.uuid}"}
        async with Site().open(client, *wanted, since="1000") as page:
            await page.is_told(f"vm:{other.uuid}")
            assert page.told() == set(wanted)

    run(scenario())


def test_beats_say_that_the_stream_lives_and_stop_while_the_database_is_silent(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_of(factories.make_user(account))
    monkeypatch.setattr(hub, "STALE_SECONDS", 0.1)
    look = Feed.look
    silent = threading.Event()

    def sometimes(feed: Feed) -> Any:
        if silent.is_set():
            raise OperationalError
        return look(feed)

    monkeypatch.setattr(Feed, "look", sometimes)

    async def scenario() -> None:
        async with Site().open(client, "list:jobs", since=now()) as page:
            await page.hears("beat")
            silent.set()
            await page.until(lambda: page.body.endswith(b":\n\n:\n\n"))
            silent.clear()
            beats = len(page.heard)
            await page.until(lambda: len(page.heard) > beats)

    run(scenario())


def test_a_database_that_does_not_answer_is_said_at_once(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_of(factories.make_user(account))
    monkeypatch.setattr(stream, "FIRST_LOOK_SECONDS", 0.05)

    def fails(_feed: Feed) -> Any:
        raise OperationalError

    monkeypatch.setattr(Feed, "look", fails)

    async def scenario() -> None:
        async with Site().open(client, "list:jobs") as page:
            assert (page.status, json.loads(page.body)["code"]) == (503, "database_unavailable")

    run(scenario())


def test_streams_take_neither_a_thread_nor_a_connection_each_and_are_bounded(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_of(factories.make_user(account))
    monkeypatch.setattr(hub, "MAX_STREAMS_PER_USER", 30)

    async def scenario() -> None:
        site = Site()
        async with AsyncExitStack() as stack:
            pages = [await stack.enter_async_context(site.open(client, "list:jobs")) for _ in range(30)]
            named = [one.name for one in threading.enumerate() if one.name.startswith("live")]
            assert len(named) <= 5, named
            async with site.open(client, "list:jobs") as refused:
                assert (refused.status, json.loads(refused.body)["code"]) == (429, "throttled")
            await in_database(lambda: touch(account))
            assert {page.status for page in pages} == {200}
        assert site.hub.listeners == set()
        async with site.open(client, "list:jobs") as page:
            assert page.status == 200

    run(scenario())


def test_the_watcher_stops_when_nobody_listens_and_starts_for_the_next(account: Account) -> None:
    client = client_of(factories.make_user(account))

    async def scenario() -> None:
        site = Site()
        for _round in range(2):
            async with site.open(client, "list:events", since=now()) as page:
                await page.hears("hello")
                await in_database(lambda: touch(factories.make_vm(factories.make_zone(), account=account)))
                await page.is_told("list:events")
            watcher = site.hub._watcher
            assert watcher is not None
            async with asyncio.timeout(20):
                await watcher

    run(scenario())


def test_a_process_that_ends_sends_its_pages_to_the_next_one(account: Account) -> None:
    client = client_of(factories.make_user(account))

    async def scenario() -> None:
        site = Site()
        heard: list[int] = []
        before = signal.signal(signal.SIGTERM, lambda number, _frame: heard.append(number))
        try:
            started = asyncio.Event()
            down = asyncio.Event()

            async def receive() -> dict[str, Any]:
                if not started.is_set():
                    return {"type": "lifespan.startup"}
                await down.wait()
                return {"type": "lifespan.shutdown"}

            async def send(message: Any) -> None:
                assert message["type"].endswith("complete")
                started.set()

            lifespan = asyncio.create_task(site.live({"type": "lifespan"}, receive, send))
            await started.wait()
            async with site.open(client, "list:jobs", since=now()) as page:
                await page.hears("hello")
                signal.raise_signal(signal.SIGTERM)
                assert (await page.hears("end")).data == "again"
                await page.until(lambda: page.ended)
            assert heard == [signal.SIGTERM]
            down.set()
            await lifespan
        finally:
            signal.signal(signal.SIGTERM, before)

    run(scenario())
