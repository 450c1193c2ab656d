"""What a run may claim: every figure measured, every bar held, every floor as it is on an idle machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import report as bench_report
from bench.bars import BARS, combine, missed
from bench.floors import FLOORS, exceeded
from bench.report import Report, machine
from bench.samples import Result

GOOD = {
    "deploy_overhead_ratio": 1.25,
    "batch10_ratio": 1.3,
    "batch10_vs_virtclone_ratio": 0.6,
    "placement_p95_ms_10k": 14.9,
    "placement_overcommits": 0.0,
    "quota_races": 0.0,
    "ldap_sync_queries_per_change": 5.0,
    "vm_list_queries": 12.0,
    "vm_list_p95_ms": 199.9,
    "vm_list_ratio_100k": 1.5,
    "policy_filter_ratio": 1.3,
    "zone_plan_ms": 1999.0,
    "dispatch_p99_ratio": 3.0,
    "sync_calls_per_host": 1.0,
    "sync_ratio": 1.5,
    "sim_deploys_per_s": 1.0,
    "audit_write_ratio": 0.95,
    "sse_pages": 500.0,
    "sse_delay_p95_ms": 999.0,
    "page_lcp_ms": 1999.0,
    "page_interaction_ms": 199.0,
    "lighthouse_min": 95.0,
    "axe_violations": 0.0,
    "untranslated": 0.0,
    "authz_cells": 3001.0,
    "authz_leaks": 0.0,
    "fault_matrix_cells": 1.0,
    "fault_matrix_leaks": 0.0,
}
BAD = {
    "deploy_overhead_ratio": 1.251,
    "batch10_ratio": 1.31,
    "batch10_vs_virtclone_ratio": 0.61,
    "placement_p95_ms_10k": 15.0,
    "placement_overcommits": 1.0,
    "quota_races": 1.0,
    "ldap_sync_queries_per_change": 5.01,
    "vm_list_queries": 13.0,
    "vm_list_p95_ms": 200.0,
    "vm_list_ratio_100k": 1.51,
    "policy_filter_ratio": 1.31,
    "zone_plan_ms": 2000.0,
    "dispatch_p99_ratio": 3.01,
    "sync_calls_per_host": 2.0,
    "sync_ratio": 1.51,
    "audit_write_ratio": 0.949,
    "sse_pages": 499.0,
    "sse_delay_p95_ms": 1000.0,
    "page_lcp_ms": 2000.0,
    "page_interaction_ms": 200.0,
    "lighthouse_min": 94.0,
    "axe_violations": 1.0,
    "untranslated": 1.0,
    "authz_cells": 3000.0,
    "authz_leaks": 1.0,
    "fault_matrix_leaks": 1.0,
}


def report(*databases: Result) -> Report:
    names = ("sqlite", "postgresql")
    return Report(dict(zip(names, databases, strict=False)), seconds=1.0, machine={})


def test_the_bars_are_those_agreed() -> None:
    assert {bar.key for bar in BARS} == set(GOOD)
    assert missed(GOOD) == []


@pytest.mark.parametrize("key", BAD)
def test_a_bar_that_is_missed_is_named_with_its_value(key: str) -> None:
    (line,) = missed({**GOOD, key: BAD[key]})
    assert line.startswith(f"{key}: {BAD[key]:.4g} (bar ")


@pytest.mark.parametrize("key", GOOD)
def test_a_figure_that_was_not_measured_is_a_bar_missed(key: str) -> None:
    lines = missed({name: value for name, value in GOOD.items() if name != key})
    assert len(lines) == 1
    assert lines[0].startswith(f"{key}: not measured")


def test_the_worse_database_counts() -> None:
    better = {**GOOD, "deploy_overhead_ratio": 1.1, "sim_deploys_per_s": 50.0, "fault_matrix_cells": 900.0}
    worse = {**GOOD, "deploy_overhead_ratio": 1.2, "sim_deploys_per_s": 30.0, "fault_matrix_cells": 800.0}
    for order in ((better, worse), (worse, better)):
        found = combine(order)
        assert (found["deploy_overhead_ratio"], found["sim_deploys_per_s"]) == (1.2, 30.0)
        assert found["fault_matrix_cells"] == 1700.0


def test_failures_of_both_databases_add_up() -> None:
    leaky = {**GOOD, "fault_matrix_leaks": 1.0, "placement_overcommits": 2.0}
    found = combine([leaky, leaky])
    assert (found["fault_matrix_leaks"], found["placement_overcommits"]) == (2.0, 4.0)


@pytest.mark.parametrize("name", FLOORS)
def test_a_floor_may_be_twice_what_it_is_on_an_idle_machine_and_no_more(name: str) -> None:
    assert exceeded({name: 2 * FLOORS[name]}) == []
    (line,) = exceeded({name: 2.01 * FLOORS[name]})
    assert line.startswith(f"{name}: ")


def test_a_run_on_a_busy_machine_does_not_count() -> None:
    slow = Result(GOOD, {"bare deploy": 1.0}, {})
    (complaint,) = report(Result(GOOD), slow).complaints()
    assert complaint.startswith("floor on postgresql: bare deploy: 1000 ms")


def test_the_figures_are_one_flat_object_of_numbers(tmp_path: Path) -> None:
    report(Result(GOOD), Result(GOOD)).write_figures(tmp_path)
    figures = json.loads((tmp_path / "bench.json").read_text())
    assert figures.keys() == GOOD.keys()
    assert all(isinstance(value, float) for value in figures.values())


def test_the_detail_keeps_both_databases_and_their_raw_samples(tmp_path: Path) -> None:
    rows = [{"ours": 0.3, "bare": 0.2}, {"ours": 0.4, "bare": 0.3}]
    report(Result(GOOD, {}, {"deploy": rows}), Result(BAD)).write_detail(tmp_path)
    detail = json.loads((tmp_path / "bench-detail.json").read_text())
    assert detail["databases"]["sqlite"]["samples"]["deploy"] == rows
    assert detail["databases"]["postgresql"]["figures"] == BAD
    assert len(detail["complaints"]) == len(BAD)


def test_the_machine_is_described() -> None:
    described = machine(programs=())
    assert described["cores"] >= 1
    assert described["packages"]["django"].startswith("5.2")


def test_a_package_that_is_not_installed_is_absent_from_the_description(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bench_report, "PACKAGES", ("django", "no-such-package"))
    assert machine(programs=())["packages"].keys() == {"django", "no-such-package"}
    assert machine(programs=())["packages"]["no-such-package"] is None
