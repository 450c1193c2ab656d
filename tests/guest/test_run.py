"""Rules of the commands that builders call: what went wrong and what to do is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from guest.elf import interpreter_and_libraries
from guest.packages import read_list
from guest.run import BuildFailed, find_tool, run

GUEST = Path(__file__).resolve().parents[2] / "guest"


def test_a_missing_program_is_named_with_the_package_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    with pytest.raises(BuildFailed, match=r"qemu-img is missing.*apt-get install qemu-utils"):
        find_tool("qemu-img")


def test_a_command_that_fails_says_what_it_said() -> None:
    with pytest.raises(BuildFailed, match=r"sh ended with exit code 3: no such disk"):
        run(["sh", "-c", "echo no such disk >&2; exit 3"])


def test_a_text_file_is_no_program() -> None:
    with pytest.raises(BuildFailed, match="not a 64-bit"):
        interpreter_and_libraries(b"#!/bin/sh\n")


@pytest.mark.parametrize("name", ["tiny/packages.txt", "debian/packages.txt", "debian/tools.txt"])
def test_every_package_of_a_guest_has_its_reason(name: str) -> None:
    packages = read_list(GUEST / name)
    assert len(packages) >= 5
    assert all(reason for reason in packages.values())
