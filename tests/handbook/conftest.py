from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import translation

from tests.documentation import build_once


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    return build_once(tmp_path_factory, worker_id)


@pytest.fixture(autouse=True)
def _in_english() -> Iterator[None]:
    """Whatever language a test before it left behind."""
    with translation.override("en"):
        yield
