"""How tests are run: no stage lasts for ever, and what fails is said when it fails."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from bootstrap import quality


def test_a_command_that_takes_too_long_is_killed_if_it_does_not_end_when_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quality, "END_SECONDS", 0.5)
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    begun = time.monotonic()
    assert quality.timed([sys.executable, "-c", deaf], cwd=tmp_path, limit=1.0)[1] < 0
    assert time.monotonic() - begun < 30


def run_tests(folder: Path, *tests: str, limit: float | None = None) -> int:
    """The exit code of pytest on these tests, with what ours add to it."""
    (folder / "test_them.py").write_text("import pytest, time\n\n" + "\n\n".join(tests))
    options: list[str | Path] = [
        "-q",
        "-s",
        "-p",
        "tests.at_once",
        "-p",
        "no:django",
        "-p",
        "no:cacheprovider",
    ]
    places: list[str | Path] = ["-c", "/dev/null", "--rootdir", folder, folder]
    return quality.timed(
        [sys.executable, "-m", "pytest", *options, *places], cwd=Path(__file__).parents[2], limit=limit
    )[1]


def test_a_stage_that_hangs_clears_up_and_says_what_failed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    server = "@pytest.fixture\ndef server():\n    yield\n    print('cleared up', flush=True)"
    fails = "def test_first():\n    assert 1 == 2, 'the reason'"
    hangs = "def test_second(server):\n    time.sleep(100)"
    assert run_tests(tmp_path, server, fails, hangs, limit=5.0) != 0
    said = capfd.readouterr().out
    assert "cleared up" in said
    assert "1 failed" in said


def test_a_failure_is_said_before_the_next_test_runs(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    fails = "def test_first():\n    assert 1 == 2, 'the reason'"
    assert run_tests(tmp_path, fails, "def test_second():\n    print('begun', flush=True)") == 1
    said = capfd.readouterr().out
    assert 0 < said.index("the reason") < said.index("begun"), said
