"""Where machines go: deciding, claiming, explaining, giving back, counting anew."""

from apps.compute.placement.claims import (
    release_addresses,
    release_compute,
    release_disks,
    release_everything,
    release_template_copy,
)
from apps.compute.placement.decision import check, claim_compute_on, place, room
from apps.compute.placement.explanation import bounded, explain, explain_all, remember
from apps.compute.placement.reasons import HELP, Reason
from apps.compute.placement.recount import Drift, recount
from apps.compute.placement.request import PlacementRequest, request_of

__all__ = [
    "HELP",
    "Drift",
    "PlacementRequest",
    "Reason",
    "bounded",
    "check",
    "claim_compute_on",
    "explain",
    "explain_all",
    "place",
    "recount",
    "release_addresses",
    "release_compute",
    "release_disks",
    "release_everything",
    "release_template_copy",
    "remember",
    "request_of",
    "room",
]
