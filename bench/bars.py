"""The figures a run must bring and the bars they are held to. What is measured on both databases
counts as the worse of the two."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

Judge = Callable[[float], bool]


@dataclass(frozen=True, slots=True)
class Bar:
    """`worse` makes one number of those of the databases; `bar` is what is printed, `holds` what it means."""

    key: str
    what: str
    bar: str
    holds: Judge
    worse: Callable[[Iterable[float]], float] = max


def _at_most(limit: float) -> tuple[str, Judge]:
    return f"<= {limit:g}", lambda value: value <= limit


def _below(limit: float) -> tuple[str, Judge]:
    return f"< {limit:g}", lambda value: value < limit


def _at_least(limit: float) -> tuple[str, Judge]:
    return f">= {limit:g}", lambda value: value >= limit


def _above(limit: float) -> tuple[str, Judge]:
    return f"> {limit:g}", lambda value: value > limit


def _exactly(wanted: float) -> tuple[str, Judge]:
    return f"{wanted:g}", lambda value: value == wanted


_REPORTED: tuple[str, Judge] = ("reported", lambda _value: True)

BARS = (
    Bar(
        "deploy_overhead_ratio",
        "POST to libvirt's started event, paused / the same overlay, seed, define and start bare",
        *_at_most(1.25),
    ),
    Bar("batch10_ratio", "a batch of 10 / a bare libvirt loop on 4 threads", *_at_most(1.3)),
    Bar(
        "batch10_vs_virtclone_ratio",
        "a batch of 10 / a loop of virt-clone and virsh start",
        *_at_most(0.6),
    ),
    Bar(
        "placement_p95_ms_10k",
        "decide, claim and store the explanation among 10,000 hosts",
        *_below(15),
    ),
    Bar(
        "placement_overcommits",
        "hosts promised twice by 16 clients racing for the last places of a zone",
        *_exactly(0),
        worse=sum,
    ),
    Bar(
        "quota_races",
        "units beyond the last one that 32 requests at once were given",
        *_exactly(0),
        worse=sum,
    ),
    Bar(
        "ldap_sync_queries_per_change",
        "SQL for each person changed, sync of 10,000 people in 500 groups of which 1 % changed",
        *_at_most(5),
    ),
    Bar("vm_list_queries", "SQL of any list page, with one row and with 100,000", *_at_most(12)),
    Bar("vm_list_p95_ms", "any order, filter or search of 100,000 machines", *_below(200)),
    Bar("vm_list_ratio_100k", "the worst of these / the worst with 1,000 machines", *_at_most(1.5)),
    Bar(
        "policy_filter_ratio",
        "the same lists as a domain's admin: among 50,000 domains / among 10, p95",
        *_at_most(1.3),
    ),
    Bar("zone_plan_ms", "plan of the document of a zone of 1,000 hosts", *_below(2000)),
    Bar("dispatch_p99_ratio", "submit to operation start / a no-op Celery task", *_at_most(3)),
    Bar("sync_calls_per_host", "libvirt calls of one round of host sync, 100 machines", *_exactly(1)),
    Bar("sync_ratio", "their time / one bulk call for nothing but the states", *_at_most(1.5)),
    Bar("sim_deploys_per_s", "deploys a second on 1,000 simulated hosts", *_REPORTED, worse=min),
    Bar(
        "audit_write_ratio",
        "these while events are sealed all the time / while none is",
        *_at_least(0.95),
        worse=min,
    ),
    Bar("sse_pages", "open pages that follow jobs on one web process", *_at_least(500), worse=min),
    Bar("sse_delay_p95_ms", "commit of a job's step to each page that follows it", *_below(1000)),
    Bar("page_lcp_ms", "largest paint of the main pages, processor slowed 4 times", *_below(2000)),
    Bar("page_interaction_ms", "the longest wait for an answer to a hand on them", *_below(200)),
    Bar("lighthouse_min", "the lowest of three audits of each of them", *_at_least(95), worse=min),
    Bar("axe_violations", "on any page, in both languages and themes, wide and narrow", *_exactly(0)),
    Bar("untranslated", "texts without Greek", *_exactly(0)),
    Bar("authz_cells", "endpoints asked by a role in a place", *_above(3000), worse=min),
    Bar(
        "authz_leaks",
        "those that answered otherwise than the table written by hand",
        *_exactly(0),
        worse=sum,
    ),
    Bar("fault_matrix_cells", "faults injected into operations", *_REPORTED, worse=sum),
    Bar("fault_matrix_leaks", "those that ended otherwise than declared", *_exactly(0), worse=sum),
)


def combine(figures: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """One number for each key that any database brought."""
    found = list(figures)
    return {
        bar.key: bar.worse([row[bar.key] for row in found if bar.key in row])
        for bar in BARS
        if any(bar.key in row for row in found)
    }


def missed(figures: Mapping[str, float]) -> list[str]:
    """A line for each bar that is not held, a figure that is not there included."""
    lines = []
    for bar in BARS:
        if bar.key not in figures:
            lines.append(f"{bar.key}: not measured (bar {bar.bar})")
        elif not bar.holds(figures[bar.key]):
            lines.append(f"{bar.key}: {figures[bar.key]:.4g} (bar {bar.bar})")
    return lines
