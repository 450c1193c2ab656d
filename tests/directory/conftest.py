"""A demo campus on a slapd of this run, and its directory as a row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from apps.accounts.actor import Actor
from apps.accounts.directory import connection, services
from apps.accounts.models import Directory
from bootstrap import campus
from bootstrap.slapd import PrivateSlapd
from tests.directory.campus import Campus

SYSTEM = Actor.system("test")


@pytest.fixture(scope="session")
def campus_server() -> Iterator[Campus]:
    """Read-only for tests; who changes entries uses `own_campus`."""
    with Campus() as found:
        yield found


@pytest.fixture
def own_campus() -> Iterator[Campus]:
    """One that the test may change, stop and start."""
    with Campus() as found:
        yield found


@pytest.fixture(autouse=True)
def no_server_is_remembered() -> None:
    connection._down.clear()


@pytest.fixture
def directory_of() -> Callable[..., Directory]:
    def make(server: Campus, **given: Any) -> Directory:
        return services.create_directory(SYSTEM, **(server.settings() | given))

    return make


__all__ = ["PrivateSlapd", "campus"]
