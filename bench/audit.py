"""Google's audit of a page: the lowest of performance, accessibility and best practices, 0 to 100."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from bench.chromium import program

HERE = Path(__file__).resolve().parent / "lighthouse"
CATEGORIES = ("performance", "accessibility", "best-practices")
FLAGS = "--headless --no-sandbox --disable-gpu --disable-background-networking --disable-component-update"
SECONDS = 180


def scores(url: str, session: str, folder: Path) -> dict[str, float]:
    """Category -> points, as on a phone of middling speed."""
    out = folder / "lighthouse.json"
    headers = folder / "headers.json"  # in a file: a session is nothing for a list of processes
    headers.touch(0o600)
    headers.write_text(json.dumps({"Cookie": f"sessionid={session}"}))
    command = [
        str(HERE / "node_modules" / ".bin" / "lighthouse"),
        url,
        "--quiet",
        "--output=json",
        f"--output-path={out}",
        f"--only-categories={','.join(CATEGORIES)}",
        f"--extra-headers={headers}",
        f"--chrome-flags={FLAGS}",
    ]
    environment = {**os.environ, "CHROME_PATH": program()}
    subprocess.run(command, env=environment, check=True, timeout=SECONDS)
    found = json.loads(out.read_text())["categories"]
    return {name: 100 * found[name]["score"] for name in CATEGORIES}
