"""The Celery application: it carries job ids, never the truth about a job."""

import os
import sys
import warnings
from typing import Any

from celery import Celery
from celery.exceptions import SecurityWarning
from celery.signals import celeryd_init, task_postrun, task_prerun

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cloudportal.settings")

app = Celery("cloudportal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(CELERY_DB_REUSE_MAX=sys.maxsize)  # see keep_connections
app.autodiscover_tasks(["workers"])


@celeryd_init.connect
def require_keyring(**_: Any) -> None:
    from apps.accounts import secrets  # noqa: PLC0415 - only once settings are there

    secrets.require_keyring()


@celeryd_init.connect
def keep_connections(**_: Any) -> None:
    """A worker's process does one thing at a time: it keeps one database connection for all its tasks,
    checked before each of them. Celery would close it after each, and PostgreSQL's pool with it: a new
    connection has to log in and to learn the tables again, which takes longer than most steps."""
    from django.conf import settings  # noqa: PLC0415 - the web process has no use for this

    database: dict[str, Any] = settings.DATABASES["default"]  # type: ignore[assignment]
    database.get("OPTIONS", {}).pop("pool", None)
    database["CONN_MAX_AGE"] = None


@celeryd_init.connect
def accept_being_root(**_: Any) -> None:
    """Libvirt's socket and the disks' folders are root's. Celery warns of that at each start, and has no
    setting against it; whoever reads the logs should find there what is amiss only."""
    warnings.filterwarnings("ignore", "You're running the worker with superuser privileges", SecurityWarning)


@task_prerun.connect
@task_postrun.connect
def drop_broken_connections(**_: Any) -> None:
    from django.db import close_old_connections  # noqa: PLC0415 - only once settings are there

    if not app.conf.task_always_eager:
        close_old_connections()
