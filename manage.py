#!/usr/bin/env python3
"""Django's command line for this project, with what `make up` or `make demo` was given."""

import os
import sys
from pathlib import Path

from bootstrap.installation import Installation

ROOT = Path(__file__).resolve().parent


def take_on(var: Path) -> None:
    """Work on what the installation there works on: its database, its Redis. What the caller's own
    environment says stands."""
    if Installation.is_anothers(var):
        sys.exit(f"{var} belongs to another user; repair with: sudo {' '.join(sys.argv)}")
    installation = Installation(ROOT, var)
    if installation.exists:
        for name, value in installation.environment().items():
            os.environ.setdefault(name, value)


if __name__ == "__main__":
    os.umask(0o077)
    take_on(Path(os.environ.get("CLOUDPORTAL_VAR") or ROOT / "var").resolve())
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cloudportal.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
