"""Drafts of the launch wizard: kept, judged, launched."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from apps.accounts import policy, secrets
from apps.accounts.actor import Actor
from apps.core.errors import InvalidInput, PermissionDenied
from apps.launch.apply import Applied, apply_document
from apps.launch.draft import MAX_SIMULATED, STEPS, compose, simulated_hosts
from apps.launch.export import dump
from apps.launch.models import ZoneDraft
from apps.launch.plan import Plan, plan_document
from apps.zones.keys import clean_private_key

DRAFT_DAYS = 30


def draft_of(actor: Actor) -> ZoneDraft | None:
    """What this person has begun to describe. Drafts that nobody went on with for DRAFT_DAYS are
    forgotten, everybody's."""
    policy.require(actor, "zone.apply")
    ZoneDraft.objects.filter(expires_at__lt=timezone.now()).delete()
    return ZoneDraft.objects.filter(user=actor.user).first()


@transaction.atomic
def save_step(
    actor: Actor, step: str, texts: Mapping[str, str], *, private_key: str | None = None
) -> ZoneDraft:
    """Keep a step as it was typed, right or wrong. A `private_key` is kept sealed; an empty one forgets
    it, None leaves what is there. InvalidInput for a key that is none."""
    policy.require(actor, "zone.apply")
    if actor.user is None:
        raise PermissionDenied(permission="zone.apply")
    now = timezone.now()
    ends = now + timedelta(days=DRAFT_DAYS)
    locked = ZoneDraft.objects.select_for_update()
    draft, _new = locked.get_or_create(user=actor.user, defaults={"expires_at": ends})
    draft.data = {**draft.data, step: dict(texts)}
    if step not in STEPS[: _reached(draft.step)]:
        draft.step = step
    draft.updated_at, draft.expires_at = now, ends
    if private_key:
        draft.private_key = secrets.seal(ZoneDraft, draft.uuid, "private_key", clean_private_key(private_key))
    elif private_key is not None:
        draft.private_key = ""
    draft.save()
    return draft


def _reached(step: str) -> int:
    return STEPS.index(step) + 1 if step in STEPS else 0


@transaction.atomic
def discard_draft(actor: Actor) -> None:
    policy.require(actor, "zone.apply")
    ZoneDraft.objects.filter(user=actor.user).delete()


def document_of(draft: ZoneDraft) -> str:
    """The YAML of what was saved so far."""
    return dump(compose(draft.data))


def plan_step(actor: Actor, draft: ZoneDraft | None, step: str, texts: Mapping[str, str]) -> Plan:
    """The plan of the draft up to this step, with these texts in it. Nothing is saved."""
    data = {**(draft.data if draft else {}), step: texts}
    plan = plan_document(actor, dump(compose(data, STEPS[: STEPS.index(step) + 1])))
    simulated = data.get("cluster", {}).get("hypervisor") == "simulator"
    if step == "host" and simulated and simulated_hosts(texts) is None:
        plan.findings.refused("out_of_range", "hosts.count", low=1, high=MAX_SIMULATED)
    return plan


def require_key(draft: ZoneDraft) -> None:
    """InvalidInput if hosts are to be logged in to by a key of the operator's own that was never given."""
    host, cluster = draft.data.get("host", {}), draft.data.get("cluster", {})
    on_the_network = host.get("where") != "here" and cluster.get("hypervisor") != "simulator"
    if on_the_network and host.get("key") == "own" and not draft.private_key:
        raise InvalidInput("private_key_needed", place="private_key")


@transaction.atomic
def launch_draft(actor: Actor, draft: ZoneDraft, *, seen: str) -> Applied:
    """Apply the draft as the plan of this digest showed it, and forget it: the zone is there now. What
    was changed since this draft was read stays."""
    policy.require(actor, "zone.apply")
    require_key(draft)
    key = ""
    if draft.private_key and draft.data.get("host", {}).get("key") == "own":
        key = secrets.unseal(ZoneDraft, draft.uuid, "private_key", draft.private_key)
    done = apply_document(actor, document_of(draft), seen=seen, private_key=key)
    ZoneDraft.objects.filter(pk=draft.pk, updated_at=draft.updated_at).delete()
    return done
