"""What all tests share: secrets of this run, and the fixtures of the lab."""

from __future__ import annotations

import pytest
from django.conf import settings

from apps.accounts.secrets import create_keyring
from apps.compute.placement import survey
from apps.jobs import usual

pytest_plugins = ["tests.lab.fixtures", "tests.at_once"]


@pytest.fixture(scope="session", autouse=True)
def keyring() -> None:
    create_keyring(settings.KEYRING_PATH)


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees what another one left in a process-wide cache."""
    usual._kept.clear()
    monkeypatch.setattr(survey, "KEEP_SECONDS", 0.0)
