"""pytest plugin: `lab` and `lab_host`, one lab for the whole session.

Loaded by `pytest_plugins = ["tests.lab.fixtures"]` in tests/conftest.py. CLOUDPORTAL_LAB names
the root of a lab that is up already (`python -m tests.lab up`): it is then used and left running.
CLOUDPORTAL_LAB_HOSTS is how many hosts a lab of the session's own gets.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import Lab, LabHost

_FOLDER = "cplab-"


@pytest.hookimpl(tryfirst=True)  # before groups become part of the tests' names
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The lab is used by one process; what a browser shows without it may run in another meanwhile.
    Without root there can be no lab; `make test` insists on root, so this skips nothing there."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group("lab" if item.get_closest_marker("lab") else "no lab"))
    if os.geteuid() == 0:
        return
    skip = pytest.mark.skip(reason="real test hosts need root")
    for item in items:
        if item.get_closest_marker("lab"):
            item.add_marker(skip)


def _remove_orphans() -> None:
    """Take down the labs of test sessions that were killed: the folder's name holds their pid."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_FOLDER}*"):
        pid = folder.name.removeprefix(_FOLDER).partition("-")[0]
        if folder.stat().st_uid == os.geteuid() and not Path(f"/proc/{pid}").exists():
            Lab(folder).down()


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """A lab of CLOUDPORTAL_LAB_HOSTS (3) hosts. A test that harms a host revives it at its end."""
    if existing := os.environ.get("CLOUDPORTAL_LAB"):
        yield Lab(Path(existing)).attach()
        return
    _remove_orphans()
    root = Path(tempfile.mkdtemp(prefix=f"{_FOLDER}{os.getpid()}-"))
    try:
        with Lab(root, int(os.environ.get("CLOUDPORTAL_LAB_HOSTS", "3"))) as lab:
            yield lab
    finally:
        shutil.rmtree(root, ignore_errors=True)


@pytest.fixture(scope="session")
def lab_host(lab: Lab) -> LabHost:
    """The first host of the lab; `lab.address(0)` is how the drivers reach it."""
    return lab.hosts[0]
