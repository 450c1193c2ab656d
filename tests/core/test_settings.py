"""What the environment says of the database is what the portal connects with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHOW = """
import json
from cloudportal.settings import DATABASES
print(json.dumps(DATABASES["default"]["OPTIONS"]))
"""


def options(url: str, folder: Path) -> dict[str, object]:
    """What a new process reads from this address of a database, without connecting to it."""
    environment = os.environ | {"DATABASE_URL": url, "CLOUDPORTAL_VAR": str(folder)}
    environment["CLOUDPORTAL_DEBUG"] = "1"
    done = subprocess.run(
        [sys.executable, "-c", SHOW], cwd=ROOT, env=environment, check=True, capture_output=True, text=True
    )
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_what_the_address_of_a_postgresql_asks_for_is_kept(tmp_path: Path) -> None:
    asked = "sslmode=verify-full&options=-c%20search_path%3Dportal"
    found = options(f"postgres://user:password@db.example.org/name?{asked}", tmp_path)
    assert found["sslmode"] == "verify-full"
    assert found["options"] == "-c jit=off -c search_path=portal"


def test_a_sqlite_database_is_locked_from_the_beginning_of_a_transaction(tmp_path: Path) -> None:
    assert options(f"sqlite:///{tmp_path}/db.sqlite3", tmp_path)["transaction_mode"] == "IMMEDIATE"
