import grp
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from bootstrap.kvm_device import KvmDevice


@pytest.fixture
def device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A device of root's alone, on a machine whose group kvm is our own."""
    monkeypatch.setattr(grp, "getgrnam", lambda _: SimpleNamespace(gr_gid=os.getegid()))
    made = tmp_path / "kvm"
    made.touch(0o600)
    return made


def test_a_device_that_only_root_may_open_is_given_to_the_group(device: Path) -> None:
    step = KvmDevice(device)
    assert step.needed() == "give it to the group kvm"
    step.do()
    assert step.needed() is None
    assert device.stat().st_mode & 0o777 == 0o660
    assert "open" in step.prove()


def test_a_device_that_is_open_already_is_left_alone(device: Path) -> None:
    device.chmod(0o666)
    assert KvmDevice(device).needed() is None


def test_a_machine_without_the_device_needs_nothing(tmp_path: Path) -> None:
    step = KvmDevice(tmp_path / "kvm")
    assert step.needed() is None
    assert step.prove() == "none; QEMU emulates"


def test_a_device_that_cannot_be_given_away_is_only_reported(
    device: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "chown", refuse)
    step = KvmDevice(device)
    step.do()
    assert step.prove().startswith("closed")
