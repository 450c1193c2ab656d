"""What a worker says as it starts."""

from __future__ import annotations

import os
import warnings

import pytest
from celery import platforms, signals
from celery.exceptions import SecurityWarning

from cloudportal.celery import app


def test_a_worker_of_root_starts_without_a_warning_and_keeps_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        signals.celeryd_init.send(sender="worker", instance=None, conf=app.conf, options={})
        platforms.check_privileges(app.conf.accept_content)  # type: ignore[attr-defined]
        warnings.warn("something else", SecurityWarning, stacklevel=1)
    assert [str(warning.message) for warning in said] == ["something else"]
