"""Sealing takes what is settled, in the order of its keys, once, and goes on wherever it was stopped."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from apps.accounts import secrets
from apps.accounts.actor import Actor
from apps.accounts.models import User
from apps.core.errors import PermissionDenied, StateConflict
from apps.jobs.audit import heads, pruning, sealer
from apps.jobs.audit.checking import state, verify
from apps.jobs.models import Event, Person, Sealer, Segment
from tests import factories
from tests.jobs.audit.conftest import ROWS, SEGMENTS, write
from workers import sealing

pytestmark = [pytest.mark.django_db, pytest.mark.databases]
SYSTEM = Actor.system("a test")


def test_a_few_events_wait_and_many_do_not(ada: User) -> None:
    write(ada, ROWS + 1)
    assert sealer.seal() == ROWS
    assert sealer.seal() == 0
    Event.objects.filter(pk__gt=Segment.objects.get().last).update(at=timezone.now() - timedelta(seconds=61))
    assert sealer.seal() == 1
    assert (state().number, state().waiting) == (2, 0)


def test_segments_follow_each_other_without_a_gap(sealed: list[Event], heads_file: Path) -> None:
    rows = list(Segment.objects.order_by("number"))
    assert [row.number for row in rows] == [1, 2, 3]
    assert [row.previous for row in rows] == ["0" * 64, rows[0].head, rows[1].head]
    assert [(row.first, row.last) for row in rows] == [
        (sealed[begin].pk, sealed[begin + ROWS - 1].pk) for begin in (0, ROWS, 2 * ROWS)
    ]
    lines = [json.loads(line) for line in heads_file.read_text().splitlines()]
    assert [line["head"] for line in lines] == [row.head for row in rows]
    assert heads_file.stat().st_mode & 0o777 == 0o600


def test_only_one_seals_at_a_time(ada: User) -> None:
    write(ada, 1)
    with sealer.leased():
        with pytest.raises(sealer.NotOurs):
            sealer.seal(at_once=True)
        assert sealing.seal_events() == 0
        with pytest.raises(CommandError) as refused:
            call_command("audit", "seal")
        assert refused.value.returncode == 2
    assert sealer.seal(at_once=True) == 1


def test_who_lost_the_lease_writes_nothing(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was stopped for longer than its lease between two statements, and another one went on."""
    write(ada, ROWS * 2)
    made = sealer._next

    def robbed(upto: int, *, at_once: bool) -> Segment | None:
        segment = made(upto, at_once=at_once)
        if segment is not None and segment.number == 2:
            Sealer.objects.update(lease=uuid4(), due=timezone.now() + timedelta(minutes=1))
        return segment

    monkeypatch.setattr(sealer, "_next", robbed)
    with pytest.raises(sealer.NotOurs):
        sealer.seal(at_once=True)
    assert Segment.objects.count() == 1
    assert Sealer.objects.get().lease is not None


def test_a_sealer_that_died_is_followed_by_another(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    write(ada, ROWS)
    written = heads.append_missing
    calls = []

    def killed() -> int:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt  # the segment is committed, its head not yet in the file
        return written()

    monkeypatch.setattr(heads, "append_missing", killed)
    with pytest.raises(KeyboardInterrupt):
        sealer.seal(at_once=True)
    monkeypatch.setattr(heads, "append_missing", written)
    Sealer.objects.update(lease=uuid4(), due=timezone.now() - timedelta(seconds=1))
    found = verify()
    assert (found.unfiled, [each.code for each in found.problems]) == (1, ["no_file"])
    assert sealer.seal(at_once=True) == 0
    assert verify().problems == []


def test_a_line_that_was_left_half_is_written_again(sealed: list[Event], heads_file: Path, ada: User) -> None:
    whole = heads_file.read_bytes()
    heads_file.write_bytes(whole[:-20])
    assert verify().unfiled == 1
    write(ada, 1)
    sealer.seal(at_once=True)
    assert heads_file.read_bytes().startswith(whole)
    assert verify().problems == []


def test_a_database_that_was_put_back_is_not_sealed_over(
    sealed: list[Event], heads_file: Path, ada: User
) -> None:
    Event.objects.filter(pk__gt=sealed[ROWS - 1].pk).delete()
    Segment.objects.filter(number__gt=1).delete()
    write(ada, 1)
    assert sealing.seal_events() == 0
    assert state().trouble == "cut_off"
    heads_file.rename(heads_file.with_suffix(".before"))  # what the guide says
    assert sealer.seal(at_once=True) == 1
    assert (state().trouble, verify().problems) == ("", [])


def age(number: int, days: int) -> None:
    """As if the first segments had been sealed so long ago: signed and filed with that time."""
    Event.objects.update(at=timezone.now() - timedelta(days=days))
    Segment.objects.all().delete()
    heads.path().unlink()
    sealer.seal(at_once=True)
    assert Segment.objects.count() == number


def test_old_segments_are_dropped_whole_and_their_heads_stay(sealed: list[Event], ada: User) -> None:
    age(SEGMENTS, 40)
    fresh = write(ada, 2)
    assert pruning.prune(SYSTEM, days=30) == SEGMENTS * ROWS
    assert not Event.objects.filter(pk__lt=fresh[0].pk).exists()
    assert Segment.objects.exclude(pruned_at=None).count() == SEGMENTS
    found = verify()
    assert (found.problems, found.pruned, found.rows) == ([], SEGMENTS, 0)
    sealer.seal(at_once=True)
    assert verify().problems == []
    assert Event.objects.get(kind="audit.prune").data == {"days": 30, "rows": SEGMENTS * ROWS}
    assert Person.objects.filter(words=ada.username).exists()


def test_names_of_whom_no_event_speaks_any_more_go_with_it(sealed: list[Event]) -> None:
    age(SEGMENTS, 40)
    assert Person.objects.exists()
    pruning.prune(SYSTEM, days=30)
    assert not Person.objects.exists()


def test_what_is_young_or_not_whole_is_kept(sealed: list[Event]) -> None:
    assert pruning.prune(SYSTEM, days=30) == 0
    assert Event.objects.count() == SEGMENTS * ROWS
    assert not Event.objects.filter(kind="audit.prune").exists()


def test_a_segment_that_was_touched_is_not_dropped(sealed: list[Event]) -> None:
    age(SEGMENTS, 40)
    touched = Event.objects.order_by("pk")[ROWS]
    Event.objects.filter(pk=touched.pk).update(kind="y")
    with pytest.raises(StateConflict) as refused:
        pruning.prune(SYSTEM, days=30)
    assert refused.value.params == {"reason": "seal_broken", "segment": 2}
    assert Event.objects.filter(pk=touched.pk).exists()
    assert sealing.prune_events() == 0


def test_retention_is_a_setting_and_dropping_the_operators(sealed: list[Event], settings: Any) -> None:
    age(SEGMENTS, 40)
    assert sealing.prune_events() == 0
    with pytest.raises(PermissionDenied):
        pruning.prune(Actor(factories.make_user()), days=30)
    settings.AUDIT_KEEP_DAYS = 30
    assert sealing.prune_events() == SEGMENTS * ROWS


def test_a_rotated_key_stays_as_long_as_its_heads(sealed: list[Event], ada: User) -> None:
    secrets.add_active_key()
    secrets.forget_old_keys()
    assert verify().problems == []
    write(ada, 1)
    sealer.seal(at_once=True)
    assert len(set(Segment.objects.values_list("key", flat=True))) == 2
    assert verify().problems == []


def test_the_command_seals_and_drops(ada: User) -> None:
    write(ada, 2)
    call_command("audit", "seal", stdout=(out := StringIO()))
    assert "2 events sealed" in out.getvalue()
    call_command("audit", "prune", "--days", "30", stdout=(out := StringIO()))
    assert "0 events dropped" in out.getvalue()
    with pytest.raises(CommandError):
        call_command("audit", "prune", "--days", "0")
    call_command("audit", "erase", ada.username, stdout=(out := StringIO()))
    assert "1 texts erased" in out.getvalue()
