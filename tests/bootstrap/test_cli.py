import ast
import re

import pytest

from bootstrap import cli
from bootstrap.failures import CheckFailed
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


@pytest.mark.parametrize("module", ["__init__", "__main__"])
def test_an_older_python_can_read_what_refuses_it(module: str) -> None:
    ast.parse((ROOT / "bootstrap" / f"{module}.py").read_text(), feature_version=(3, 6))
