"""Whatever is done to sealed events by somebody who has the database, verifying finds it and says where."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from apps.accounts.actor import Actor
from apps.accounts.models import User
from apps.jobs.audit import chain, heads, sealer
from apps.jobs.audit.checking import Problem, verify
from apps.jobs.models import Event, Person, Segment
from apps.jobs.people import erase_names
from tests import factories
from tests.jobs.audit.conftest import ROWS, SEGMENTS, write

pytestmark = [pytest.mark.django_db, pytest.mark.databases]
SYSTEM = Actor.system("a test")


def codes() -> set[str]:
    return {problem.code for problem in verify().problems}


def test_what_nobody_touched_is_in_order(sealed: list[Event], ada: User) -> None:
    write(ada, 3)
    found = verify()
    assert found.problems == []
    assert (found.segments, found.rows, found.waiting, found.unfiled) == (SEGMENTS, SEGMENTS * ROWS, 3, 0)
    assert found.sealed_at == sealed[-1].at
    assert found.waiting_since is not None


CHANGES: list[tuple[str, Any]] = [
    ("kind", "vm.stop"),
    ("phase", "failed"),
    ("at", timezone.now() - timedelta(days=1)),
    ("actor", None),
    ("actor_label", "system"),
    ("token_name", "ci"),
    ("target_type", "host"),
    ("target_uuid", None),
    ("target_name", "x"),
    ("target_person", None),
    ("account_uuid", "6f1c2a34-0000-4000-8000-000000000001"),
    ("job_uuid", "6f1c2a34-0000-4000-8000-000000000001"),
    ("request_id", "another-one"),
    ("data", {"number": 99}),
    ("changes", {"name": ["a", "b"]}),
    ("uuid", "6f1c2a34-0000-4000-8000-000000000001"),
]


@pytest.mark.parametrize(("column", "value"), CHANGES, ids=[name for name, _value in CHANGES])
def test_a_changed_column_is_found(column: str, value: Any, sealed: list[Event]) -> None:
    changed = sealed[ROWS + 1]
    Event.objects.filter(pk=changed.pk).update(**{column: value})
    assert verify().problems == [Problem("event_changed", 2, changed.pk)]


def test_who_did_it_from_where_and_as_whom_is_sealed(sealed: list[Event]) -> None:
    other = Person.of(None, "192.0.2.1")
    other.save()
    for column in ("actor", "address", "behalf"):
        Event.objects.filter(pk=sealed[0].pk).update(**{column: other})
        assert verify().problems == [Problem("event_changed", 1, sealed[0].pk)]


def test_a_removed_row_is_found(sealed: list[Event]) -> None:
    for gone in (sealed[0], sealed[ROWS], sealed[-1]):
        Event.objects.filter(pk=gone.pk).delete()
    assert {problem.row for problem in verify().problems} == {sealed[0].pk, sealed[ROWS].pk, sealed[-1].pk}
    assert codes() == {"event_removed"}


def test_an_added_row_is_found(sealed: list[Event]) -> None:
    gone = sealed[ROWS + 1]
    Event.objects.filter(pk=gone.pk).delete()
    for key in (gone.pk, -gone.pk):
        Event.objects.create(pk=key, kind="x", phase="done", target_type="cloud")
    found = [Problem("event_inserted", 1, -gone.pk), Problem("event_changed", 2, gone.pk)]
    assert verify().problems == found


def test_a_row_that_took_anothers_place_is_found(sealed: list[Event]) -> None:
    first, second = sealed[0], sealed[1]
    Event.objects.filter(pk=first.pk).update(id=-1)
    assert codes() == {"event_removed", "event_inserted"}
    assert second.pk not in {problem.row for problem in verify().problems}


def test_an_end_that_was_cut_off_is_found_and_nothing_is_sealed_over_it(sealed: list[Event]) -> None:
    last = Segment.objects.get(number=SEGMENTS)
    Event.objects.filter(pk__gte=last.first).delete()
    last.delete()
    assert verify().problems == [Problem("cut_off", SEGMENTS)]
    write(factories.make_user(), 1)
    with pytest.raises(heads.RecordDiffers):
        sealer.seal(at_once=True)
    assert Segment.objects.count() == SEGMENTS - 1


def test_a_segment_that_is_gone_is_found(sealed: list[Event]) -> None:
    middle = Segment.objects.get(number=2)
    Event.objects.filter(pk__gte=middle.first, pk__lte=middle.last).delete()
    middle.delete()
    assert Problem("segment_missing", 2) in verify().problems


def forge(segment: Segment) -> None:
    """What somebody does who knows how the chain is made and has no key: hash all of it anew."""
    previous = Segment.objects.filter(number=segment.number - 1).first()
    rows = list(chain.rows_between(previous.last if previous else 0, segment.last))
    made = chain.segment_of(previous, rows)
    columns = {
        name: getattr(made, name) for name in ("head", "previous", "rows", "manifest", "first", "last_at")
    }
    Segment.objects.filter(pk=segment.pk).update(**columns)


def test_a_chain_that_was_hashed_anew_does_not_fit_its_signatures_and_the_file(sealed: list[Event]) -> None:
    Event.objects.filter(pk=sealed[0].pk).update(data={})
    for segment in Segment.objects.order_by("number"):
        forge(segment)
    assert {(each.code, each.segment) for each in verify().problems} == {
        (code, number) for code in ("signature", "head_differs") for number in (1, 2, 3)
    }


def test_not_even_the_key_helps_against_the_file(sealed: list[Event]) -> None:
    Event.objects.filter(pk=sealed[-1].pk).delete()
    Segment.objects.filter(number=SEGMENTS).delete()
    rows = list(chain.rows_between(Segment.objects.get(number=2).last, sealed[-1].pk))
    chain.segment_of(Segment.objects.get(number=2), rows).save()
    assert verify().problems == [Problem("head_differs", SEGMENTS)]


def without_line(number: int) -> Callable[[list[str]], list[str]]:
    return lambda lines: [line for line in lines if json.loads(line).get("segment") != number]


@pytest.mark.parametrize(
    ("edit", "found"),
    [
        (without_line(1), "head_missing"),
        (lambda lines: [], "no_file"),
        (lambda lines: [lines[0].replace('"rows": 4', '"rows": 5'), *lines[1:]], "line_unsigned"),
        (lambda lines: [*lines, "hello"], "line_unsigned"),
    ],
)
def test_a_file_that_was_edited_is_found(
    edit: Callable[[list[str]], list[str]], found: str, sealed: list[Event], heads_file: Path
) -> None:
    lines = heads_file.read_text().splitlines()
    assert len(lines) == SEGMENTS
    heads_file.write_text("".join(f"{line}\n" for line in edit(lines)))
    assert found in codes()


def test_a_manifest_that_was_edited_is_found(sealed: list[Event]) -> None:
    segment = Segment.objects.get(number=2)
    Segment.objects.filter(pk=segment.pk).update(manifest=bytes(segment.manifest)[:40])
    assert Problem("segment_changed", 2) in verify().problems


def test_rows_that_were_dropped_behind_the_files_back_are_found(sealed: list[Event]) -> None:
    segment = Segment.objects.get(number=1)
    Event.objects.filter(pk__lte=segment.last).delete()
    Segment.objects.filter(pk=segment.pk).update(pruned_at=timezone.now(), manifest=b"")
    assert verify().problems == [Problem("pruned_unsigned", 1)]


def test_a_name_that_was_replaced_is_found_and_one_that_was_erased_is_not(
    sealed: list[Event], ada: User
) -> None:
    erase_names(SYSTEM, ada)
    assert verify().problems == []
    assert sealed[0].actor is not None
    person = Person.objects.get(pk=sealed[0].actor.pk)
    Person.objects.filter(pk=person.pk).update(words="eve")
    assert verify().problems == [Problem("words_changed", row=person.pk)]


def test_users_accounts_and_jobs_go_and_the_chain_holds(ada: User) -> None:
    account = factories.make_account()
    ada.accounts.add(account)
    job = events_job(ada, account)
    sealer.seal(at_once=True)
    job.delete()
    ada.delete()
    account.delete()
    assert verify().problems == []


def events_job(user: User, account: Any) -> Any:
    from apps.jobs import events
    from apps.jobs.models import Job

    about = {"target_type": "account", "target_uuid": account.uuid, "target_name": account.name}
    job = Job.objects.create(kind="x", user=user, actor_label=user.username, account=account, **about)
    events.record_of_job(job, Event.Phase.SUBMITTED, actor=Actor(user))
    events.record_of_job(job, Event.Phase.DONE)
    return job


def test_the_command_says_where_and_exits_with_1(sealed: list[Event], ada: User) -> None:
    write(ada, 2)
    out = StringIO()
    call_command("audit", "verify", stdout=out)
    assert "12 events in 3 segments" in out.getvalue()
    assert "2 events not yet sealed" in out.getvalue()
    assert "nothing amiss" in out.getvalue()
    Event.objects.filter(pk=sealed[0].pk).delete()
    with pytest.raises(SystemExit) as ended:
        call_command("audit", "verify", "--json", stdout=(out := StringIO()))
    assert ended.value.code == 1
    told = json.loads(out.getvalue())
    assert [(each["code"], each["row"]) for each in told["problems"]] == [("event_removed", sealed[0].pk)]
    assert told["not_sealed"] == 2
