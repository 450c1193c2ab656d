"""The documentation for tests, built once for all processes of a run."""

from __future__ import annotations

import fcntl
from pathlib import Path

import pytest
from django.conf import settings

from handbook.build import CURRENT, build


def build_once(factory: pytest.TempPathFactory, worker: str) -> Path:
    """The folder of the built pages. Processes of one run share it."""
    own = factory.getbasetemp()
    folder = (own if worker == "master" else own.parent) / "docs"
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / CURRENT).exists():
            build(settings.BASE_DIR, folder)
    return (folder / CURRENT).resolve()
