"""Where files for browsers were collected, pages name them by their content and browsers keep them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

ASK = """
import gzip, re, django
django.setup()
from django.test import Client
page = Client().get("/login/", headers={"host": "localhost"}).content.decode()
name = re.search(r"/static/portal/portal\\.[0-9a-f]{12}\\.js", page)[0]
answer = Client().get(name, headers={"host": "localhost", "accept-encoding": "gzip"})
print(answer.status_code, answer["Content-Encoding"], answer["Cache-Control"])
script = gzip.decompress(answer.getvalue())
module = re.search(rb'import ?"\\./(why-not\\.[0-9a-f]{12}\\.js)"', script)[1]
print(Client().get("/static/portal/" + module.decode(), headers={"host": "localhost"}).status_code)
"""


@pytest.mark.servers
def test_collected_files_are_named_by_their_content_compressed_and_kept(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "CLOUDPORTAL_VAR": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "cloudportal.settings",
    }

    def run(*command: str) -> str:
        program = [sys.executable, *command]
        root = settings.BASE_DIR
        done = subprocess.run(program, env=environment, cwd=root, check=True, capture_output=True, text=True)
        return done.stdout

    run(
        "manage.py",
        "collectstatic",
        "--no-input",
        "--ignore",
        "vendor/icons/*",
        "--ignore",
        "rest_framework/*",
    )
    assert run("-c", ASK).split("\n")[:2] == ["200 gzip max-age=315360000, public, immutable", "200"]
