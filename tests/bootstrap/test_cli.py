import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bootstrap import cli
from bootstrap.failures import CheckFailed
from bootstrap.installation import Installation
from tests.architecture.tree import ROOT


def test_every_target_of_the_makefile_is_a_command_and_the_reverse() -> None:
    (line,) = re.findall(r"^COMMANDS := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert sorted(line.split()) == sorted(cli.COMMANDS)


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["help"]) == 0
    said = capsys.readouterr().out
    assert all(f"make {name}" in said for name in cli.COMMANDS)


def test_an_unknown_command_is_refused() -> None:
    assert cli.main(["upp"]) == 2


def test_a_failed_check_says_the_repair_and_ends_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: object) -> None:
        raise CheckFailed("the bridge is gone", repair="make up", details="line one\nline two")

    monkeypatch.setitem(cli.COMMANDS, "status", (fail, ""))
    assert cli.main(["status"]) == 1
    said = capsys.readouterr().err
    assert "FAILED: the bridge is gone" in said
    assert "| line two" in said
    assert "Repair: make up" in said


def test_purge_leaves_alone_a_folder_that_holds_no_installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout, elsewhere = tmp_path / "checkout", tmp_path / "elsewhere"
    for folder in (checkout / "var", elsewhere):
        folder.mkdir(parents=True)
        (folder / "thesis").touch()
    monkeypatch.setattr(cli, "ROOT", checkout)
    monkeypatch.setattr(cli, "VAR", elsewhere)
    monkeypatch.setenv("PURGE", "1")
    assert cli.main(["down"]) == 0
    assert (elsewhere / "thesis").exists()
    assert (checkout / "var" / "thesis").exists()
    monkeypatch.setattr(cli, "VAR", checkout / "var")
    assert cli.main(["down"]) == 0
    assert not (checkout / "var").exists()


def test_nothing_is_installed_among_other_peoples_files(tmp_path: Path) -> None:
    (tmp_path / "thesis").touch()
    with pytest.raises(CheckFailed, match="holds something else: thesis"):
        Installation(tmp_path / "checkout", tmp_path).create()
    assert [path.name for path in tmp_path.iterdir()] == ["thesis"]


def test_an_installation_that_was_broken_off_early_is_gone_on_with(tmp_path: Path) -> None:
    installation = Installation(ROOT, tmp_path / "var")
    installation.create()
    settings = {"DJANGO_SETTINGS_MODULE": "cloudportal.settings"}
    environment = os.environ | installation.environment() | settings
    begin = [sys.executable, "manage.py", "init_secrets"]
    subprocess.run(begin, cwd=ROOT, env=environment, capture_output=True, check=True)
    assert not installation.exists
    installation.create()


def test_the_command_line_works_on_what_the_installation_works_on(tmp_path: Path) -> None:
    installation = Installation(ROOT, tmp_path / "var")
    installation.remember_environment({"DATABASE_URL": f"sqlite:///{tmp_path}/other.sqlite3"})
    installation.create()
    installation.save()
    plain = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
    environment = {**plain, "CLOUDPORTAL_VAR": str(installation.var)}
    asked = "from django.conf import settings; print(settings.DATABASES['default']['NAME'])"
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", asked]
    environment["DJANGO_SETTINGS_MODULE"] = "cloudportal.settings"
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"{tmp_path}/other.sqlite3"


@pytest.mark.parametrize("module", ["__init__", "__main__"])
def test_an_older_python_can_read_what_refuses_it(module: str) -> None:
    ast.parse((ROOT / "bootstrap" / f"{module}.py").read_text(), feature_version=(3, 6))
