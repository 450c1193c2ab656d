"""The fault matrix as two numbers: how many faults were injected, and how many of those runs ended
otherwise than their operation declares. It runs in a database of its own beside the configured one."""

from __future__ import annotations

import time
from typing import Any

from django.db import connection

from tests.faults import scenarios
from tests.faults.cell import Image
from tests.faults.matrix import Report, run_scenario
from tests.faults.scenario import SCENARIOS
from tests.faults.site import build_site, environment

assert scenarios


def run() -> tuple[dict[str, float], dict[str, Any]]:
    """Every scenario; samples hold its cells, seconds and leaks."""
    name = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        total, samples = _every_scenario()
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)
    return {"fault_matrix_cells": total.cells, "fault_matrix_leaks": len(total.leaks)}, samples


def _every_scenario() -> tuple[Report, dict[str, Any]]:
    total, samples = Report(), {}
    with environment():
        site = build_site()
        base = Image(site)
        for scenario in SCENARIOS.values():
            begun = time.monotonic()
            report = run_scenario(scenario, site, base)
            total += report
            samples[scenario.name] = {
                "cells": report.cells,
                "seconds": round(time.monotonic() - begun, 2),
                "leaks": report.leaks,
            }
        base.forget()
    return total, samples
