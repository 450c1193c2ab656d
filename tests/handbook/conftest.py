"""The documentation, built once for all processes of a test run."""

from __future__ import annotations

import fcntl
from pathlib import Path

import pytest
from django.conf import settings

from handbook.build import CURRENT, build


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The folder of the built pages. Processes of one run share it."""
    shared = (
        tmp_path_factory.getbasetemp() if worker_id == "master" else tmp_path_factory.getbasetemp().parent
    )
    folder = shared / "docs"
    with (shared / "docs.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / CURRENT).exists():
            build(settings.BASE_DIR, folder)
    return (folder / CURRENT).resolve()
