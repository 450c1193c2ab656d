"""Deploys beside the same machines made by hand: one at a time, ten at once, ten by virt-clone."""

from __future__ import annotations

import itertools
import time
from statistics import median

from bench.bare import BareHost, BareMachine, Pattern, Starts
from bench.clones import Original
from bench.samples import Result, Rounds
from bench.site import Site
from bench.stack import rest

SINGLES = 20
BATCHES = 6
BATCHES_WITH_CLONES = 3
BATCH = 10
THREADS = 4
_names = itertools.count(1)


def singles(site: Site, pattern: Pattern, rounds: int = SINGLES) -> Result:
    """From the request, its connection included, to libvirt's "started"."""
    starts, bare = Starts(), BareHost(1)
    samples = Rounds()
    for _ in range(rounds):
        rest()
        begun = time.perf_counter()
        uuid = site.deploy(f"single-{next(_names)}")
        ours = starts.last_of([uuid]) - begun
        site.remove([uuid])
        machine = BareMachine.of(pattern)
        begun = time.perf_counter()
        bare.make([machine])
        floor = starts.last_of([machine.uuid]) - begun
        bare.remove([machine])
        samples.add(ours=ours, bare=floor)
    return Result(
        {"deploy_overhead_ratio": samples.ratio("ours", "bare")},
        {"bare deploy": median(samples.column("bare"))},
        {"deploy": samples.rows},
    )


def batches(
    site: Site, pattern: Pattern, rounds: int = BATCHES, with_clones: int = BATCHES_WITH_CLONES
) -> Result:
    """From the request to the tenth "started". In some rounds virt-clone has its turn, too."""
    starts, bare = Starts(), BareHost(THREADS)
    samples = Rounds()
    with Original(pattern, bare.first) as original:
        for number in range(rounds):
            rest()
            begun = time.perf_counter()
            uuids = site.deploy_batch(f"batch-{next(_names)}-%d", BATCH)
            taken = {"ours": starts.last_of(uuids) - begun}
            site.remove(uuids)
            machines = [BareMachine.of(pattern) for _ in range(BATCH)]
            begun = time.perf_counter()
            bare.make(machines)
            taken["bare"] = starts.last_of([machine.uuid for machine in machines]) - begun
            bare.remove(machines)
            if number < with_clones:
                begun = time.perf_counter()
                clones = original.clone_and_start(BATCH)
                taken["virt_clone"] = starts.last_of(clones) - begun
                original.remove_clones()
            samples.add(**taken)
    return Result(
        {
            "batch10_ratio": samples.ratio("ours", "bare"),
            "batch10_vs_virtclone_ratio": samples.ratio("ours", "virt_clone"),
        },
        {
            "bare batch of 10 on 4 threads": median(samples.column("bare")),
            "virt-clone and virsh start, 10 in a loop": median(samples.column("virt_clone")),
        },
        {"batch": samples.rows},
    )
