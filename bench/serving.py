"""A web process of its own, on loopback, as the supervisor starts one."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from bench.stack import ROOT
from bootstrap.installation import some_free_port

READY_SECONDS = 60.0


@contextmanager
def web() -> Iterator[int]:
    """The port that answers, for as long as the context lasts."""
    port = some_free_port(18100)
    command = [sys.executable, "-m", "uvicorn", "cloudportal.asgi:application", "--no-access-log"]
    command += ["--log-level", "warning", "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ, start_new_session=True)
    try:
        _await(f"http://127.0.0.1:{port}/login/")
        yield port
    finally:
        process.terminate()
        process.wait(timeout=30)


def _await(url: str) -> None:
    limit = time.monotonic() + READY_SECONDS
    while time.monotonic() < limit:
        with suppress(urllib.error.URLError, OSError), urllib.request.urlopen(url, timeout=2):
            return
        time.sleep(0.1)
    raise RuntimeError(f"{url} does not answer")
