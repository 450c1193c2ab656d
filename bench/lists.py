"""List pages through the whole of Django, at 1, 50, 1,000 and 100,000 virtual machines: how many queries a
page takes, how long, and how much longer with a hundred times the machines.

Every case is asked by an operator, who sees all, and by a member of an account that owns a fifth of all.
Names go by project and projects by account, as people name things: what is sought or filtered lies together
in the order of names, at its beginning, its end or in between.

The ratio is that of the worst cases at either size: a case that shows three rows of a thousand machines and
thirty of a hundred thousand says nothing of how a list grows.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from statistics import median
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts.models import Session
from bench.list_site import Site
from bench.samples import quantile
from cloudportal.start import settle

Measured = tuple[dict[str, float], dict[str, Any]]
MACHINES = "/virtual-machines/"
API = "/api/v1/virtual-machines/"
ORDERS = ("name", "-name", "created", "-created", "state", "-state")
ENDS = ("", "last")
OTHER_LISTS = (
    *("/jobs/", "/events/", "/trash/", "/templates/", "/offerings/", "/ssh-keys/"),
    *("/infrastructure/hosts/", "/infrastructure/primary-storages/", "/infrastructure/secondary-storages/"),
)
QUICK, SLOWEST, SAMPLES = 3, 12, 40
SMALL, LARGE = 1_000, 100_000
MOST_QUERIES_AT = (1, 50, LARGE)


@dataclass(frozen=True, slots=True)
class Case:
    """One address, asked by one role."""

    role: str
    what: str
    path: str


def cases(site: Site) -> Iterator[Case]:
    for role in ("operator", "member"):
        for what, query in _queries(site, role):
            yield Case(role, f"page {what}", f"{MACHINES}?{query}")
        for order, text in product(("name", "-created_at", "state"), ("", "q=web", "state=Error")):
            yield Case(role, f"api {order} {text}".strip(), f"{API}?order={order}&{text}".rstrip("&"))


def _queries(site: Site, role: str) -> Iterator[tuple[str, str]]:
    """Pairs of words and query: each order from both ends, each filter and search in each order."""
    for order, end in product(ORDERS, ENDS):
        yield f"{order} {end}".strip(), f"order={order}" + (f"&page={end}" if end else "")
    for (what, query), order in product(_filters(site, role), ORDERS):
        yield f"{what} by {order}", f"{query}&order={order}"
    yield "search and filter", f"q=web&zone={site.zones[0].uuid}&state=Running&order=name"


def _filters(site: Site, role: str) -> Iterator[tuple[str, str]]:
    for state in ("Running", "Stopped", "Error", "Stopped,Error"):
        yield f"state={state}", f"state={state}"
    for name in ("zone", "offering", "template", "account"):
        rows = getattr(site, f"{name}s")
        yield f"largest {name}", f"{name}={rows[0].uuid}"
        if role == "operator" or name != "account":
            yield f"smallest {name}", f"{name}={rows[-1].uuid}"
    if role == "member":
        yield "mine", "mine=true"
    else:
        yield "host", f"host={site.hosts[0].uuid}"
    for what, text in (
        ("of most", "node"),
        ("of some", "zeus-web"),
        ("of one", site.rare),
        ("of none", "quux-1"),
        ("of two letters", "ze"),
        ("of one letter", "w"),
        ("in greek", "εργαστηρ"),
    ):
        yield f"search {what}", f"q={text}"


class Clients:
    """One session of each role, opened once."""

    def __init__(self, site: Site) -> None:
        self._of: dict[str, Client] = {}
        for role, user in (("operator", site.operator), ("member", site.member)):
            client = Client(SERVER_NAME="localhost")
            client.force_login(user)
            self._of[role] = client
        # Once a minute a session notes when it was seen: that is no part of a page.
        Session.objects.update(last_seen_at=timezone.now() + timedelta(days=1))

    def ask(self, case: Case) -> str:
        answer = self._of[case.role].get(case.path)
        if answer.status_code != 200:
            raise RuntimeError(f"{case.path} was answered with {answer.status_code}")
        return answer.content.decode()

    def queries(self, case: Case) -> int | None:
        """None for a page without a row: what belongs to rows is then not asked for."""
        with CaptureQueriesContext(connection) as found:
            text = self.ask(case)
        return len(found) if '<th scope="row"' in text or '"results":[{' in text else None

    def milliseconds(self, case: Case, samples: int) -> list[float]:
        return self.time(self._of[case.role], case.path, samples)

    @staticmethod
    def time(client: Client, path: str, samples: int) -> list[float]:
        """The first ask is not counted: it fills caches that in use are full."""
        taken = []
        for _ in range(samples + 1):
            begun = time.perf_counter()
            answer = client.get(path)
            answer.content  # noqa: B018 - a page is rendered when it is read
            taken.append((time.perf_counter() - begun) * 1000)
            if answer.status_code != 200:
                raise RuntimeError(f"{path} was answered with {answer.status_code}")
        return taken[1:]


def p95(values: Sequence[float]) -> float:
    return quantile(values, 0.95)


def run(*, small: int = SMALL, large: int = LARGE, samples: int = SAMPLES) -> Measured:
    """The three figures of lists on this database, and the samples behind them."""
    site = Site()
    site.grow(1)
    clients = Clients(site)
    counts = {1: _counted(site, clients)}
    site.grow(50)
    counts[50] = _counted(site, clients)
    site.grow(small)
    few = _timed(site, clients, samples)
    site.grow(large)
    counts[large] = _counted(site, clients)
    many = _timed(site, clients, samples)
    worst = {
        size: max(p95(values) for values in taken.values()) for size, taken in ((small, few), (large, many))
    }
    figures = {
        "vm_list_queries": float(_most(counts)),
        "vm_list_p95_ms": worst[large],
        "vm_list_ratio_100k": worst[large] / worst[small],
    }
    return figures, {"lists_at_1000": few, "lists_at_100000": many, "lists_queries": counts}


def _counted(site: Site, clients: Clients) -> dict[str, int]:
    every = [*cases(site), *(Case("operator", path, path) for path in OTHER_LISTS)]
    found = {f"{case.role} {case.what}": clients.queries(case) for case in every}
    return {key: count for key, count in found.items() if count is not None}


def _most(counts: dict[int, dict[str, int]]) -> int:
    """The most queries of any page; an error where a page takes more with more rows."""
    for key in counts[max(counts)]:
        of_sizes = {found[key] for found in counts.values() if key in found}
        if len(of_sizes) > 1:
            raise RuntimeError(f"{key} takes {sorted(of_sizes)} queries, by its rows")
    return max(count for found in counts.values() for count in found.values())


def _timed(site: Site, clients: Clients, samples: int) -> dict[str, list[float]]:
    """All cases a few times; then the slowest of them as often as it takes to tell the worst."""
    site.settle()
    settle()  # what this process keeps of growing the site, no web process has
    every = {f"{case.role} {case.what}": case for case in cases(site)}
    quick = {key: clients.milliseconds(case, QUICK) for key, case in every.items()}
    slowest = sorted(quick, key=lambda key: median(quick[key]), reverse=True)[:SLOWEST]
    return {key: [round(ms, 3) for ms in clients.milliseconds(every[key], samples)] for key in slowest}
