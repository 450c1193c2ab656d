"""Lists of virtual machines as the admin of a domain asks for them: how much dearer they are where the
tree has 50,000 domains than where it has 10, with the same 100,000 machines in it.

The admin reaches half of the tree, a tenth or a hundredth. Each domain has one account. The ratio is that
of the worst cases at either number of domains, like that of `bench.lists`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.test import Client

from apps.accounts.models import Account, Domain, Grant, Quota
from apps.accounts.roles.ready import DOMAIN_ADMIN, ready
from apps.core.trees import path_of
from bench.list_site import CHUNK, Site
from bench.lists import API, MACHINES, ORDERS, QUICK, SLOWEST, Clients, p95
from cloudportal.start import settle
from tests.factories import make_user, numbered, root_domain

Measured = tuple[dict[str, float], dict[str, Any]]
FEW, MANY, LARGE, SAMPLES = 10, 50_000, 100_000, 40
SHARES = {"half": 2, "tenth": 10, "hundredth": 100}


def tree_of(count: int) -> tuple[dict[str, Domain], list[Account]]:
    """So many domains, each with an account: by share the domain below which that part of them lies."""
    tops = {share: _below(root_domain(), 1)[0] for share in SHARES}
    rest = count - len(tops)
    inside = {share: max(rest // part - 1, 0) for share, part in SHARES.items()}
    domains = list(tops.values())
    for share, size in inside.items():
        domains += _below(tops[share], size)
    domains += _below(root_domain(), rest - sum(inside.values()))
    accounts = [Account(domain=domain) for domain in domains]
    for account in accounts:
        account.set_name(numbered("account"))
    Account.objects.bulk_create(accounts, batch_size=CHUNK)
    Quota.objects.bulk_create((Quota(account=account) for account in accounts), batch_size=CHUNK)
    return tops, accounts


def _below(parent: Domain, count: int) -> list[Domain]:
    """Domains right below another, known by their names until the database has given them keys."""
    rows = [Domain(parent=parent) for _ in range(count)]
    for row in rows:
        row.set_name(numbered("domain"))
    Domain.objects.bulk_create(rows, batch_size=CHUNK)
    for row in rows:
        row.path = path_of(parent.path, row.pk)
    Domain.objects.bulk_update(rows, ["path"], batch_size=500)
    Quota.objects.bulk_create((Quota(domain=row) for row in rows), batch_size=CHUNK)
    return rows


def _queries(site: Site) -> Iterator[str]:
    for order in ORDERS:
        yield f"{MACHINES}?order={order}"
        yield f"{MACHINES}?order={order}&page=last"
        for narrowed in (
            "state=Running",
            "state=Error",
            f"zone={site.zones[0].uuid}",
            "q=node",
            "q=zeus-web",
            "q=quux-1",
        ):
            yield f"{MACHINES}?{narrowed}&order={order}"
    for order in ("name", "-created_at", "state"):
        yield f"{API}?order={order}"


def timed(domains: int, machines: int, samples: int) -> dict[str, list[float]]:
    """Milliseconds of the slowest cases, by who asks and what."""
    tops, accounts = tree_of(domains)
    site = Site(accounts)
    site.grow(machines)
    site.settle()
    settle()
    found: dict[str, list[float]] = {}
    for share, top in tops.items():
        admin = make_user()
        Grant.objects.create(user=admin, role=ready(DOMAIN_ADMIN), scope="domain", domain=top)
        client = Client(SERVER_NAME="localhost")
        client.force_login(admin)
        quick = {path: Clients.time(client, path, QUICK) for path in _queries(site)}
        slowest = sorted(quick, key=lambda path: sorted(quick[path])[QUICK // 2], reverse=True)[:SLOWEST]
        for path in slowest:
            found[f"{share} {path}"] = [round(ms, 3) for ms in Clients.time(client, path, samples)]
    return found


def run(*, few: int = FEW, many: int = MANY, machines: int = LARGE, samples: int = SAMPLES) -> Measured:
    """The figure on this database, and the samples behind it."""
    from django.core.management import call_command

    taken = {}
    for count in (few, many):
        taken[count] = timed(count, machines, samples)
        call_command("flush", interactive=False, verbosity=0)
    worst = {count: max(p95(values) for values in cases.values()) for count, cases in taken.items()}
    samples_by_size = {f"domains_{count}": cases for count, cases in taken.items()}
    return {"policy_filter_ratio": worst[many] / worst[few]}, samples_by_size
