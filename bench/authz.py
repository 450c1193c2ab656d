"""Every cell of the matrix of rights: each endpoint asked by each role in each place.

Runs against the database of Django's settings, in a transaction that is taken back.
"""

from __future__ import annotations

import logging
import tempfile
import time
from pathlib import Path

from django.test.utils import setup_test_environment, teardown_test_environment

from bootstrap.terminal import say
from tests.matrix import tables
from tests.matrix.cast import Cast
from tests.matrix.harness import Harness, cells_of
from tests.matrix.line import Line
from tests.matrix.world import world

Measured = tuple[dict[str, float], dict[str, list[float]]]


def authz(lines: list[Line]) -> Measured:
    """How many cells were tried, and how many answered otherwise than the table."""
    samples, leaks = [], []
    with tempfile.TemporaryDirectory() as folder, world(Path(folder)) as cloud:
        harness = Harness(cloud, Cast(cloud))
        for line in lines:
            begun = time.perf_counter()
            leaks += harness.leaks(cells_of(line))
            samples.append((time.perf_counter() - begun) * 1000)
    for leak in leaks:
        say(f"      {leak}")
    figures = {"authz_cells": float(harness.tried), "authz_leaks": float(len(leaks))}
    return figures, {"authz_line_ms": samples}


def run() -> Measured:
    setup_test_environment()
    logging.disable(logging.WARNING)  # thousands of refusals are what it is about
    try:
        return authz(tables.ALL)
    finally:
        logging.disable(logging.NOTSET)
        teardown_test_environment()
