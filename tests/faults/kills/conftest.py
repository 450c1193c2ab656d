from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cloud import LabCloud
from tests.faults.kills.work import ENVIRONMENT
from tests.lab import Lab
from tests.stack import Stack


@pytest.fixture(scope="package")
def whole_cloud(lab: Lab) -> Iterator[LabCloud]:
    """A portal of real processes over the lab's hosts. One process does the work, so that a kill hits
    the job that a test has in mind, and no other."""
    folder = Path(tempfile.mkdtemp(prefix="cpkills-"))
    try:
        with Stack(folder / "stack", short_workers=1, environment=ENVIRONMENT) as stack:
            yield LabCloud(stack, lab)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def cloud(whole_cloud: LabCloud) -> Iterator[LabCloud]:
    """The same without a machine in it, before and after."""
    whole_cloud.remove_machines()
    yield whole_cloud
    whole_cloud.remove_machines()
