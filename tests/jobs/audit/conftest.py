"""A record of a few segments, and its file of heads in a folder of the test's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from apps.accounts.actor import Actor
from apps.accounts.models import User
from apps.jobs import events
from apps.jobs.audit import sealer
from apps.jobs.models import Event
from tests import factories

SEGMENTS, ROWS = 3, 4


@pytest.fixture(autouse=True)
def heads_file(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    settings.AUDIT_HEADS_FILE = tmp_path / "audit" / "heads.jsonl"
    settings.AUDIT_SEAL_SECONDS = 60.0
    monkeypatch.setattr(sealer, "ROWS", ROWS)
    path: Path = settings.AUDIT_HEADS_FILE
    return path


@pytest.fixture
def ada() -> User:
    return factories.make_user()


def write(user: User, number: int) -> list[Event]:
    return [events.record(Actor(user), "x", user, number=each) for each in range(number)]


@pytest.fixture
def sealed(ada: User) -> list[Event]:
    """The events of SEGMENTS segments of ROWS each."""
    rows = write(ada, SEGMENTS * ROWS)
    assert sealer.seal(at_once=True) == SEGMENTS * ROWS
    return rows
