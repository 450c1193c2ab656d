"""How tests are run: no stage lasts for ever, and what fails is said when it fails."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from bootstrap import quality

ENDS_WELL_WHEN_INTERRUPTED = """
import time
try:
    time.sleep(60)
except KeyboardInterrupt:
    print("cleared up")
"""


def test_a_command_that_takes_too_long_is_interrupted_and_never_good(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    seconds, code = quality.timed([sys.executable, "-c", ENDS_WELL_WHEN_INTERRUPTED], cwd=tmp_path, limit=1.0)
    assert code != 0
    assert seconds < 30
    assert "cleared up" in capfd.readouterr().out


def test_what_does_not_heed_the_interruption_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quality, "END_SECONDS", 0.5)
    deaf = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); time.sleep(60)"
    begun = time.monotonic()
    assert quality.timed([sys.executable, "-c", deaf], cwd=tmp_path, limit=1.0)[1] < 0
    assert time.monotonic() - begun < 30


def test_a_failure_is_said_before_the_next_test_runs(tmp_path: Path) -> None:
    tests = [
        "def test_first():\n    assert 1 == 2, 'seen at once'",
        "def test_second():\n    print('begun', flush=True)",
    ]
    (tmp_path / "test_two.py").write_text("\n\n".join(tests))
    options = [
        "-q",
        "-s",
        "-p",
        "tests.at_once",
        "-p",
        "no:django",
        "-p",
        "no:cacheprovider",
        "-c",
        "/dev/null",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "--rootdir", str(tmp_path), str(tmp_path)],
        cwd=Path(__file__).parents[2],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert 0 < done.stdout.index("seen at once") < done.stdout.index("begun"), done.stdout
