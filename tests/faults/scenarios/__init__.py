"""The scenarios, a file for each app. Importing this package knows them all."""

from tests.faults.scenarios import accounts, compute, directories, follow, storage, zones

__all__ = ["accounts", "compute", "directories", "follow", "storage", "zones"]
