"""Counting who builds on a template's copy in a pool, which keeps it from being removed, and how many
templates there are."""

from __future__ import annotations

from django.db.models import Count, F, QuerySet

from apps.accounts.amounts import Amount
from apps.accounts.counters import Holder
from apps.accounts.models import Account
from apps.storage.models import Template, TemplateCopy, Volume


def use_template_copy(volume: Volume) -> bool:
    """Count the volume as a user of its template's copy in its pool; False if there is none to use.
    Call it in a transaction. Doing it again counts nothing twice."""
    if volume.template_copy_id is not None:
        return True
    ready = TemplateCopy.objects.filter(
        template=volume.template_id, pool=volume.pool_id, state=TemplateCopy.State.READY
    )
    copy = ready.select_related("template").first()
    if copy is None or not ready.filter(pk=copy.pk).update(uses=F("uses") + 1):
        return False
    Volume.objects.filter(pk=volume.pk, template_copy=None).update(template_copy=copy)
    volume.template_copy = copy
    return True


def templates_of(accounts: QuerySet[Account] | None = None) -> dict[Holder, Amount]:
    """How many templates count in each account, and for whom."""
    rows = Template.objects.exclude(state=Template.State.DELETED).order_by()
    if accounts is not None:
        rows = rows.filter(account__in=accounts)
    counts = rows.values_list("account", "created_by").annotate(Count("pk"))
    return {(account, user): Amount(templates=count) for account, user, count in counts}
