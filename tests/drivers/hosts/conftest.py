"""`place`: where commands run, once on this machine and once on a lab host over SSH."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from tests.lab import Lab
from workers.drivers.hosts.local import LocalCommands
from workers.drivers.hosts.ssh import SshCommands


@dataclass(frozen=True)
class Place:
    """`folder` is an empty folder there."""

    commands: LocalCommands | SshCommands
    folder: str


@pytest.fixture
def remote(lab: Lab) -> Iterator[Place]:
    commands = SshCommands(lab.address(0))
    folder = f"{lab.work}/{uuid4().hex}"
    commands.run(["mkdir", folder])
    yield Place(commands, folder)
    commands.remove(folder)
    commands.close()


@pytest.fixture(params=["local", pytest.param("ssh", marks=pytest.mark.lab)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "local":
        return Place(LocalCommands(), str(tmp_path))
    made: Place = request.getfixturevalue("remote")
    return made
