"""The scenarios, a file for each app. Importing this package knows them all."""

from tests.faults.scenarios import compute, follow, storage, zones

__all__ = ["compute", "follow", "storage", "zones"]
