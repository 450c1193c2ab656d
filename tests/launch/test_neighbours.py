"""What a zone has in common with another is told before it is made."""

from __future__ import annotations

from pathlib import Path

import pytest

from apps.accounts.actor import Actor
from apps.launch.apply import apply_document
from apps.launch.findings import Level
from apps.launch.plan import Plan, plan_document

pytestmark = [pytest.mark.django_db, pytest.mark.databases]
CAMPUS = (Path(__file__).parent / "campus.yaml").read_text()
ACTOR = Actor.system("a test")


def warnings_of(plan: Plan) -> list[str]:
    return [one.params["reason"] for one in plan.findings if one.level is Level.WARNING]


def test_addresses_and_images_of_another_zone_are_told_and_can_be_had() -> None:
    alone = warnings_of(plan_document(ACTOR, CAMPUS))
    apply_document(ACTOR, CAMPUS)
    assert warnings_of(plan_document(ACTOR, CAMPUS)) == alone, "a zone is no neighbour of itself"
    second = CAMPUS.split("host:")[0].replace("Zone1", "Zone2")
    second += "secondary_storage: {name: S, protocol: NFS, server: 192.168.10.245, path: /export/secondary}\n"
    plan = plan_document(ACTOR, second)
    assert not plan.refused
    assert {"addresses_elsewhere", "images_elsewhere"} <= set(warnings_of(plan))
