import os
import subprocess
import sys
from pathlib import Path

import pytest

from bootstrap import privileges
from bootstrap.failures import CheckFailed


def test_our_variables_and_the_way_to_the_network_go_through_sudo() -> None:
    names = ["PATH", "CLOUDPORTAL_SECURE", "PIP_CERT", "https_proxy", "AWS_SECRET", "DATABASE_URL"]
    assert privileges.passed_on(names) == ["CLOUDPORTAL_SECURE", "DATABASE_URL", "PIP_CERT", "https_proxy"]


def test_the_same_command_runs_again_and_no_value_is_in_its_arguments(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ran: list[list[str]] = []
    monkeypatch.setattr(privileges, "is_root", lambda: False)
    monkeypatch.setattr(privileges, "succeeds", lambda _: True)
    monkeypatch.setattr(os, "execvp", lambda _, argv: ran.append(argv))
    monkeypatch.setattr(sys, "argv", ["bootstrap", "up"])
    monkeypatch.setenv("DATABASE_URL", "postgres://u:planted@h/d")
    privileges.become_root()
    ((sudo, preserved, *command),) = ran
    assert (sudo, command) == ("sudo", [sys.executable, "-m", "bootstrap", "up"])
    assert "DATABASE_URL" in preserved
    assert "planted" not in preserved


def test_without_sudo_the_repair_is_a_command_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(privileges, "is_root", lambda: False)
    monkeypatch.setattr(privileges, "succeeds", lambda _: False)
    monkeypatch.setattr(sys, "argv", ["bootstrap", "test"])
    with pytest.raises(CheckFailed) as caught:
        privileges.become_root()
    assert caught.value.repair == "su -c 'make test'"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root owns what it may give back")
def test_under_sudo_the_checkout_is_given_back_and_the_installation_stays_roots(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (".venv/bin/python", "apps/__pycache__/x.pyc", "var/cache/tiny.qcow2", "var/site.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "link").symlink_to("/etc/hostname")
    monkeypatch.setenv("SUDO_UID", "1234")
    monkeypatch.setenv("SUDO_GID", "1234")
    privileges.give_back(tmp_path)
    listed = subprocess.run(
        ["find", ".", "-mindepth", "1", "-user", "0"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert listed.stdout.split() == ["./var/site.json"]
    assert Path("/etc/hostname").stat().st_uid == 0
