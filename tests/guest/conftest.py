"""The images, built once into a cache that outlives the test run."""

from __future__ import annotations

from pathlib import Path

import pytest

from guest.debian import build as build_debian
from guest.tiny import build

CACHE = Path(__file__).resolve().parents[2] / "var/cache/guest"


@pytest.fixture(scope="session")
def image() -> Path:
    return build(CACHE / "tiny.qcow2", CACHE, lambda _: None)


@pytest.fixture(scope="session")
def debian_image() -> Path:
    return build_debian(CACHE / "debian.qcow2", CACHE, lambda _: None)
