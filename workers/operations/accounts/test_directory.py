"""Test the connection to a directory: what was found is kept with it, good or bad."""

from __future__ import annotations

from functools import cached_property, partial
from typing import Any, Literal

from apps.accounts.directory.config import DirectoryConfig
from apps.accounts.directory.rows import config_of
from apps.accounts.directory.services import keep_test
from apps.accounts.models import Directory
from apps.core.errors import NotFound
from workers.operation import Operation, Outcome, Step

CALLS = 12
"""Calls that one server may be asked for, each with the directory's deadline."""


def without_library(config: DirectoryConfig) -> dict[str, Any]:
    """What a test finds where nobody can speak LDAP."""
    unknown = {"ok": False, "steps": [], "reason": "resolve_no_library"}
    return {"ok": False, "servers": [{"server": uri, **unknown} for uri in config.servers]}


class TryServers(Step):
    no_undo = "it only looks"

    def do(self, op: TestDirectory) -> Outcome:
        config = config_of(op.directory)
        try:
            from apps.accounts.directory.probe import probe  # noqa: PLC0415 - the library is not everywhere
        except ImportError:
            op.memo["found"] = without_library(config)
            return None
        deadline = config.deadline_seconds * CALLS * len(config.servers)
        op.memo["found"] = op.world.local("test_directory", partial(probe, config), deadline=deadline)
        return None


class TestDirectory(Operation):
    kind = "directory.test"
    steps = (TryServers,)
    __test__ = False  # its name is not that of a test

    @cached_property
    def directory(self) -> Directory:
        directory = Directory.objects.filter(uuid=self.job.target_uuid).first()
        if directory is None:
            raise NotFound(kind="directory")
        return directory

    def succeeded(self) -> None:
        keep_test(self.directory, self.memo["found"])

    def resolved(self) -> Literal["done", "failed"]:
        """It only looks: there is nothing to settle."""
        return "failed"

    def failed(self, error: dict[str, Any]) -> None:
        """What was found before still stands."""
