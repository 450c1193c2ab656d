"""Google's audit of a page: the lowest of performance, accessibility and best practices, 0 to 100."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from playwright.sync_api import sync_playwright

from bench.chromium import FLAGS, program
from bootstrap.installation import some_free_port

HERE = Path(__file__).resolve().parent / "lighthouse"
CATEGORIES = ("performance", "accessibility", "best-practices")
SECONDS = 180


def scores(url: str, session: str, folder: Path) -> dict[str, float]:
    """Category -> points, as on a phone of middling speed. The browser is somebody's who is logged in: a
    header with the cookie would reach the page and not what the page asks for afterwards."""
    port, out = some_free_port(18200), folder / "lighthouse.json"
    command = [
        str(HERE / "node_modules" / ".bin" / "lighthouse"),
        url,
        "--quiet",
        "--output=json",
        f"--output-path={out}",
        f"--only-categories={','.join(CATEGORIES)}",
        f"--port={port}",
        "--disable-storage-reset",
    ]
    flags = [*FLAGS, f"--remote-debugging-port={port}"]
    with sync_playwright() as playwright:
        chromium = playwright.chromium
        browser = chromium.launch_persistent_context(folder / "reader", executable_path=program(), args=flags)
        browser.add_cookies([{"name": "sessionid", "value": session, "domain": "127.0.0.1", "path": "/"}])
        subprocess.run(command, check=True, timeout=SECONDS)
        browser.close()
    found = json.loads(out.read_text())["categories"]
    return {name: 100 * found[name]["score"] for name in CATEGORIES}
