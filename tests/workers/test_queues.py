"""Which messages workers take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings

from apps.jobs.kinds import all_kinds
from bootstrap.installation import Installation
from bootstrap.portal import Portal
from bootstrap.python_env import PythonEnvironment
from tests.architecture.tree import ROOT

BEAT: dict[str, Any] = settings.CELERY_BEAT_SCHEDULE


def test_every_queue_that_is_written_to_has_a_worker(tmp_path: Path) -> None:
    installation = Installation(ROOT, tmp_path / "var")
    programs = Portal(installation, PythonEnvironment(ROOT, tmp_path / "pip.log")).programs()
    taken = {program.argv[program.argv.index("-Q") + 1] for program in programs if "-Q" in program.argv}
    written = {entry["options"]["queue"] for entry in BEAT.values()}
    written |= {kind.queue for kind in all_kinds().values()} | {settings.CELERY_TASK_DEFAULT_QUEUE}
    assert written == taken
