"""The world and its cast, made once for a file of tests and taken back."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from tests.matrix.cast import Cast
from tests.matrix.harness import Harness
from tests.matrix.world import world


@pytest.fixture(scope="module")
def harness(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Harness]:
    with django_db_blocker.unblock(), world(tmp_path_factory.mktemp("matrix")) as cloud:
        logging.disable(logging.WARNING)  # thousands of refusals are what it is about
        yield Harness(cloud, Cast(cloud))
        logging.disable(logging.NOTSET)
