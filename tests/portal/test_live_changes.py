"""What a feed finds between two looks, whatever the order in which things are committed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from apps.accounts.actor import Actor
from apps.compute.states import State
from apps.jobs import changes, events
from apps.jobs.changes import Change, Feed, changes_since
from apps.jobs.models import Event, Job, JobState
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.databases]
SYSTEM = Actor.system("test")


def make_job(**columns: Any) -> Job:
    account = columns.pop("account", None) or factories.make_account()
    defaults = {"kind": "vm.start", "actor_label": "someone", "target_type": "virtual-machine"}
    target = columns.pop("target_uuid", None) or account.uuid
    return Job.objects.create(**(defaults | columns), account=account, target_uuid=target)


def about(job: Job, **more: Any) -> Change:
    return Change(job.target_type, job.target_uuid, job.account_id, job=job.uuid, **more)


@pytest.fixture
def feed() -> Feed:
    found = Feed()
    assert found.look() == set()
    return found


def test_what_was_there_before_is_no_news(feed: Feed) -> None:
    job = make_job()
    events.record(SYSTEM, "test", job.account)
    assert Feed().look() == set()
    assert feed.look()
    assert feed.look() == set()


def test_a_new_job_its_steps_and_its_end_are_each_found_once(feed: Feed) -> None:
    job = make_job()
    assert feed.look() == {about(job)}
    Job.objects.filter(pk=job.pk).update(trail=["PickHost"], midstep=True)
    assert feed.look() == {about(job, progress=True)}
    assert feed.look() == set()
    Job.objects.filter(pk=job.pk).update(state=JobState.DONE, finished_at=timezone.now())
    assert feed.look() == {about(job)}
    assert feed.look() == set()


def test_a_job_that_only_renews_its_lease_is_no_news(feed: Feed) -> None:
    job = make_job()
    feed.look()
    Job.objects.filter(pk=job.pk).update(due=timezone.now() + timedelta(seconds=30), claims=3)
    assert feed.look() == set()


def test_what_lies_in_the_queue_is_not_read_again_and_is_found_when_it_moves(feed: Feed) -> None:
    long_ago = timezone.now() - timedelta(hours=1)
    waiting = make_job(due=long_ago)
    assert feed.look() == set()
    Job.objects.filter(pk=waiting.pk).update(due=timezone.now(), midstep=True)
    assert feed.look() == {about(waiting)}


def test_a_change_of_a_child_names_its_parent(feed: Feed) -> None:
    parent = make_job(kind="vm.deploy_batch")
    assert parent.account
    child = make_job(account=parent.account, parent=parent, target_uuid=parent.account.uuid)
    assert about(child, parent=parent.uuid) in feed.look()


def test_an_event_is_found_once(feed: Feed) -> None:
    account = factories.make_account()
    event = events.record(SYSTEM, "test", account)
    found = Change("account", event.target_uuid, account.pk, event=True)
    assert feed.look() == {found}
    assert feed.look() == set()


def test_an_event_that_is_committed_after_a_later_one_is_found_too(feed: Feed) -> None:
    first, second = (events.record(SYSTEM, "test", factories.make_account()) for _ in range(2))
    Event.objects.filter(pk=first.pk).delete()
    assert {change.target for change in feed.look()} == {second.target_uuid}
    assert feed.look() == set()
    first.save(force_insert=True)
    assert {change.target for change in feed.look()} == {first.target_uuid}
    assert feed.look() == set()


def test_a_key_that_never_comes_is_given_up(feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    gap, after = (events.record(SYSTEM, "test", factories.make_account()) for _ in range(2))
    Event.objects.filter(pk=gap.pk).delete()
    feed.look()
    assert feed._events._low < after.pk
    monkeypatch.setattr(changes, "PATIENCE_SECONDS", 0.0)
    events.record(SYSTEM, "test", factories.make_account())
    feed.look()
    assert feed._events._low > after.pk
    assert not feed._events._seen


def test_nothing_is_lost_when_the_database_stops_answering_half_way(
    feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = events.record(SYSTEM, "test", factories.make_account())

    def fails() -> set[Change]:
        raise OperationalError

    with monkeypatch.context() as patch:
        patch.setattr(feed._jobs, "look", fails)
        with pytest.raises(OperationalError):
            feed.look()
    assert {change.target for change in feed.look()} == {event.target_uuid}


def test_who_comes_again_is_told_what_changed_since(feed: Feed) -> None:
    job, old = make_job(), make_job(due=timezone.now() - timedelta(hours=1))
    event = events.record(SYSTEM, "test", old.account)
    Event.objects.filter(pk=events.record(SYSTEM, "test", job.account).pk).update(
        at=timezone.now() - timedelta(minutes=10)
    )
    found = changes_since(timezone.now(), set())
    assert found == {about(job), Change("account", event.target_uuid, old.account_id, event=True)}


def test_a_quiet_job_that_has_ended_is_told_to_who_asks_for_it_by_name() -> None:
    job = make_job(state=JobState.DONE, finished_at=timezone.now())
    assert changes_since(timezone.now(), set()) == set()
    assert changes_since(timezone.now(), {job.uuid}) == {about(job)}
    assert changes_since(timezone.now() + timedelta(hours=1), {job.uuid}) == set()


def test_too_much_is_told_as_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "RECENT_EVENTS", 2)
    for _ in range(2):
        events.record(SYSTEM, "test", factories.make_account())
    assert changes_since(timezone.now(), set()) is None


def test_a_look_costs_a_few_queries_whatever_lies_there(
    feed: Feed, django_assert_max_num_queries: Any
) -> None:
    zone = factories.make_zone()
    vm = factories.make_vm(zone, state=State.STOPPED)
    for _ in range(30):
        make_job(account=vm.account, target_uuid=vm.uuid)
        events.record(SYSTEM, "test", vm)
    with django_assert_max_num_queries(3):
        assert len(feed.look()) == 31
