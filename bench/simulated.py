"""Deploys a second where hosts cost nothing: what the product itself can do."""

from __future__ import annotations

import time
from typing import Any

from bench.samples import Result
from bench.site import Site
from bench.stack import rest

HOSTS = 1000
CLUSTERS = 20
BATCH = 50
BATCHES = 8
GIB = 2**30


def simulated(_site: Site, batches: int = BATCHES) -> Result:
    """From the first submit to the end of the last job, while host sync goes round all the hosts."""
    from apps.accounts.actor import Actor
    from apps.accounts.models import Account
    from apps.compute.models import ServiceOffering
    from apps.compute.services.deploy import VmRequest, deploy_batch, deploy_vm
    from apps.jobs.models import Job, JobState

    actor = Actor.system("it is measured")
    zone, template = make_zone(BATCH * BATCHES + 100)
    wanted = VmRequest(
        account=Account.objects.get(users__username="admin"),
        zone=zone,
        name="simulated-%d",
        offering=ServiceOffering.objects.order_by("memory_mib").first(),  # type: ignore[arg-type]
        template=template,
    )
    deploy_vm(actor, wanted)
    rest()
    begun = time.perf_counter()
    parents = [
        deploy_batch(actor, wanted, count=BATCH, start=1 + number * BATCH)[1] for number in range(batches)
    ]
    submitted = time.perf_counter() - begun
    rest(every=0.2)
    taken = time.perf_counter() - begun
    done = Job.objects.filter(parent__in=parents, state=JobState.DONE).count()
    if done != batches * BATCH:
        raise RuntimeError(f"only {done} of {batches * BATCH} simulated deploys worked")
    return Result(
        {"sim_deploys_per_s": done / taken},
        {},
        {"simulated": {"deploys": done, "seconds": taken, "seconds_until_submitted": submitted}},
    )


def make_zone(addresses: int) -> tuple[Any, Any]:
    """Hosts that are up, made in bulk: connecting them is not what is measured."""
    from apps.accounts.models import Account
    from tests import factories

    zone = factories.make_zone(
        hosts=HOSTS,
        clusters=CLUSTERS,
        addresses=addresses,
        pool="zone",
        pool_gib=10**6,
    )
    return zone, factories.make_template(zone, Account.objects.get(users__username="admin"))
