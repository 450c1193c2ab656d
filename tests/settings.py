"""The site's settings for tests: a folder of its own, in memory if the machine has one there and gone at
the end, and a broker in memory."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

_MEMORY = "/dev/shm"
_folder = tempfile.mkdtemp(
    prefix="cloudportal-test-", dir=_MEMORY if os.access(_MEMORY, os.W_OK | os.X_OK) else None
)
_owner = os.getpid()


def _remove() -> None:
    if os.getpid() == _owner:
        shutil.rmtree(_folder, ignore_errors=True)


atexit.register(_remove)
os.environ["CLOUDPORTAL_VAR"] = _folder

from cloudportal.settings import *  # noqa: E402, F403

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):  # noqa: F405
    DATABASES["default"]["TEST"] = {"NAME": f"{_folder}/test.sqlite3"}  # noqa: F405 - in memory WAL has no part
STATIC_ROOT.mkdir(exist_ok=True)  # noqa: F405 - files come from where they are written, but it is looked for
CELERY_BROKER_URL = "memory://"
LANGUAGE_CODE = "en"
PASSWORD_HASHERS = ["tests.hashing.QuickArgon2"]
