"""What sealing costs those who write: deploys on simulated hosts while events are sealed all the time, and
while nobody seals, in turns."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from functools import partial
from statistics import median
from typing import Any

from bench.samples import Result, Rounds
from bench.simulated import BATCH, make_zone
from bench.site import Site
from bench.stack import rest

PAIRS = 12
BATCHES = 1
EVERY_SECONDS = 0.5
"""How often all that is settled is sealed: the product does it every five seconds, and waits for a minute."""


def sealing(_site: Site, pairs: int = PAIRS) -> Result:
    """Each pair holds a round of either kind, the first of them in turns; what is slow for a while is slow
    for both, so the figure is the median of the pairs' ratios."""
    from apps.jobs.audit import sealer
    from apps.jobs.audit.checking import verify

    deploy, samples = _Deploys(pairs), Rounds()
    deploy.round()
    made: list[int] = []
    kinds: list[tuple[str, Any]] = [("sealed", partial(_sealing, made)), ("unsealed", sealer.leased)]
    for number in range(pairs):
        seconds = {}
        for name, kind in kinds if number % 2 else reversed(kinds):
            sealer.seal(at_once=True)
            with kind():
                seconds[name] = deploy.round()
        samples.add(**seconds)
    sealer.seal(at_once=True)
    if sum(made) < pairs:
        raise RuntimeError(f"hardly anything was sealed while it was measured: {made}")
    if found := verify().problems:
        raise RuntimeError(f"the record does not verify: {found[:5]}")
    return Result(
        {"audit_write_ratio": median(row["unsealed"] / row["sealed"] for row in samples.rows)},
        {},
        {"sealing": {"rounds": samples.rows, "deploys_in_a_round": BATCH * BATCHES, "segments": made}},
    )


@contextlib.contextmanager
def _sealing(made: list[int]) -> Iterator[None]:
    """Seal all the time, beside the portal's own sealer; `made` gets how many segments that were."""
    from django.db import connection

    from apps.jobs.audit import sealer
    from apps.jobs.models import Segment

    before, end = Segment.objects.count(), threading.Event()

    def seal() -> None:
        while not end.wait(EVERY_SECONDS):
            with contextlib.suppress(sealer.NotOurs):
                sealer.seal(at_once=True)
        connection.close()

    thread = threading.Thread(target=seal)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()
    made.append(Segment.objects.count() - before)


class _Deploys:
    """Rounds of deploys in a zone of simulated hosts."""

    def __init__(self, pairs: int) -> None:
        from apps.accounts.actor import Actor
        from apps.accounts.models import Account
        from apps.compute.models import ServiceOffering
        from apps.compute.services.deploy import VmRequest

        self._actor, self._number = Actor.system("it is measured"), 0
        zone, template = make_zone(BATCH * BATCHES * (2 * pairs + 1) + 100)
        offering: Any = ServiceOffering.objects.order_by("memory_mib").first()
        account = Account.objects.get(users__username="admin")
        self._wanted = VmRequest(
            account=account, zone=zone, name="sealed-%d", offering=offering, template=template
        )

    def round(self) -> float:
        """Seconds from the first submit to the end of the last job; RuntimeError if one did not work."""
        from apps.compute.services.deploy import deploy_batch
        from apps.jobs.models import Job, JobState

        rest()
        begun = time.perf_counter()
        parents = []
        for _batch in range(BATCHES):
            parents.append(deploy_batch(self._actor, self._wanted, count=BATCH, start=1 + self._number)[1])
            self._number += BATCH
        rest(every=0.05)
        taken = time.perf_counter() - begun
        done = Job.objects.filter(parent__in=parents, state=JobState.DONE).count()
        if done != BATCHES * BATCH:
            raise RuntimeError(f"only {done} of {BATCHES * BATCH} simulated deploys worked")
        return taken
