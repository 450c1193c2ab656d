"""The rounds of sealing and of dropping old events: see apps/jobs/audit."""

from __future__ import annotations

import contextlib
import logging

from django.conf import settings

from apps.accounts.actor import Actor
from apps.core.errors import CloudError
from apps.jobs.audit import heads, pruning, sealer

log = logging.getLogger(__name__)


def seal_events() -> int:
    """Seal what it is time for, unless somebody does; how many events that were."""
    with contextlib.suppress(sealer.NotOurs, heads.RecordDiffers):  # the latter is logged and shown
        return sealer.seal()
    return 0


def prune_events() -> int:
    """Drop what is older than AUDIT_KEEP_DAYS, if there is such a limit."""
    if not settings.AUDIT_KEEP_DAYS:
        return 0
    try:
        return pruning.prune(Actor.system("retention"), days=settings.AUDIT_KEEP_DAYS)
    except (sealer.NotOurs, heads.RecordDiffers):
        return 0
    except CloudError as error:
        log.error("events are not pruned: %s %s", error.code, error.params)  # noqa: TRY400
        return 0
