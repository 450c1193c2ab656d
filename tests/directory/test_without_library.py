"""The portal runs where the LDAP library is not installed: `make demo` brings none."""

from __future__ import annotations

import subprocess
import sys

from django.conf import settings

SCRIPT = """
import importlib, os, pkgutil, sys
for name in ("ldap", "django_auth_ldap", "ldap.dn", "ldap.filter"):
    sys.modules[name] = None
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
import django
django.setup()
import workers.operations, workers.tasks, cloudportal.urls
from django.urls import get_resolver
print(len(get_resolver().url_patterns))
"""


def test_neither_the_web_process_nor_a_worker_needs_it() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=settings.BASE_DIR, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) > 0
