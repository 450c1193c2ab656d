"""Django's own check of a deployment finds nothing in settings as a site in production has them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from apps.accounts.management.commands.init_secrets import create_signing_key
from tests.architecture.tree import ROOT

PRODUCTION = {
    "CLOUDPORTAL_SECURE": "1",
    "CLOUDPORTAL_HOSTS": "cloud.example.org",
    "CLOUDPORTAL_URL": "https://cloud.example.org",
    "EMAIL_URL": "smtp+tls://user:secret@mail.example.org:587",
}


def checked(folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    create_signing_key(folder / "secrets" / "django.key")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DJANGO_")}
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env={**kept, "CLOUDPORTAL_VAR": str(folder), **PRODUCTION, **more},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_deployment_check_passes(tmp_path: Path) -> None:
    done = checked(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("setting", "finding"), [("CLOUDPORTAL_SECURE", "security.W012"), ("CLOUDPORTAL_DEBUG", "security.W018")]
)
def test_it_sees_what_is_not_for_production(tmp_path: Path, setting: str, finding: str) -> None:
    """A planted fault: without TLS, or with Django's error pages, it does not pass."""
    done = checked(tmp_path, **{setting: "1" if setting == "CLOUDPORTAL_DEBUG" else "0"})
    assert done.returncode == 1
    assert finding in done.stderr
