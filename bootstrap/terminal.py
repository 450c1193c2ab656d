"""What the installer says, and the commands it runs while saying it.

Output of commands goes to a log file; the terminal shows a heartbeat while they run and the
end of that output only when they fail.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bootstrap.failures import CheckFailed

HEARTBEAT_SECONDS = 10.0
TAIL_BYTES = 4000


def say(text: str = "") -> None:
    print(text, flush=True)


def report(failure: CheckFailed) -> None:
    """Print a failed check with its remedy to stderr."""
    sys.stdout.flush()
    lines = [f"FAILED: {failure.what}"]
    if failure.details:
        lines += ["  | " + line for line in failure.details.strip().splitlines()[-25:]]
    lines.append(f"  Repair: {failure.repair}")
    print("\n".join(lines), file=sys.stderr, flush=True)


class Heartbeat:
    """While the block runs, says every ten seconds how long it has been at it, with `note()` if given."""

    def __init__(self, what: str, note: Callable[[], str] = lambda: "") -> None:
        self._what = what
        self._note = note
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def _beat(self) -> None:
        begun = time.monotonic()
        while not self._done.wait(HEARTBEAT_SECONDS):
            note = self._note()
            say(f"      ... {self._what}: {time.monotonic() - begun:.0f} s" + (f", {note}" if note else ""))

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()


def last_line(log: Path) -> str:
    """The last line written to a log, at most 90 characters: what a long command is doing now."""
    lines = tail(log).strip().splitlines()
    return lines[-1].strip()[:90] if lines else ""


def tail(log: Path, limit: int = TAIL_BYTES) -> str:
    if not log.exists():
        return ""
    with log.open("rb") as stream:
        stream.seek(0, os.SEEK_END)
        stream.seek(max(0, stream.tell() - limit))
        return stream.read().decode(errors="replace")


def run(
    argv: Sequence[str | Path],
    *,
    what: str,
    repair: str,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    umask: int = -1,
) -> None:
    """Run a command with its output in `log`; a non-zero exit raises CheckFailed with the log's end."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output, Heartbeat(what, lambda: last_line(log)):
        start = output.tell()
        done = subprocess.run(
            [str(part) for part in argv],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=env,
            cwd=cwd,
            umask=umask,
            check=False,
        )
    if done.returncode:
        written = log.read_bytes()[start:].decode(errors="replace")
        raise CheckFailed(
            f"{what} (exit code {done.returncode}; log: {log})", repair=repair, details=written[-TAIL_BYTES:]
        )


def capture(
    argv: Sequence[str | Path],
    *,
    what: str,
    repair: str,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> str:
    """A command's stdout. Nothing is logged: this is how secrets are fetched."""
    done = subprocess.run(
        [str(part) for part in argv],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=env,
        cwd=cwd,
        check=False,
    )
    if done.returncode:
        raise CheckFailed(what, repair=repair, details=done.stderr)
    return done.stdout


def succeeds(
    argv: Sequence[str | Path], *, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> bool:
    """Whether a quiet command exits with 0; a program that is not there counts as no."""
    try:
        done = subprocess.run(
            [str(part) for part in argv],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=env,
            cwd=cwd,
            check=False,
        )
    except FileNotFoundError:
        return False
    return done.returncode == 0
