"""A demo campus on a slapd of this run, and its directory as a row. What talks to a directory is left out
where the LDAP library is not installed: `make test` brings it, `make test-fast` takes no headers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from apps.accounts.actor import Actor
from apps.accounts.directory import services
from apps.accounts.models import Directory

if TYPE_CHECKING:
    from tests.directory.campus import Campus

SYSTEM = Actor.system("test")
SPEAKS_LDAP = find_spec("ldap") is not None
_WITHOUT = {"test_api.py", "test_pages.py", "test_without_library.py"}
_files = {path.name for path in Path(__file__).parent.glob("test_*.py")}
collect_ignore = [] if SPEAKS_LDAP else sorted(_files - _WITHOUT)


@pytest.fixture(scope="session")
def campus_server() -> Iterator[Campus]:
    """Read-only for tests; who changes entries uses `own_campus`."""
    from tests.directory.campus import Campus

    with Campus() as found:
        yield found


@pytest.fixture
def own_campus() -> Iterator[Campus]:
    """One that the test may change, stop and start."""
    from tests.directory.campus import Campus

    with Campus() as found:
        yield found


@pytest.fixture(autouse=True)
def no_server_is_remembered() -> None:
    if SPEAKS_LDAP:
        from apps.accounts.directory import connection

        connection._down.clear()


@pytest.fixture
def directory_of() -> Callable[..., Directory]:
    def make(server: Campus, **given: Any) -> Directory:
        return services.create_directory(SYSTEM, **(server.settings() | given))

    return make
