from __future__ import annotations

from pathlib import Path

import pytest

from tests.documentation import build_once


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    return build_once(tmp_path_factory, worker_id)
