"""Counting who builds on a template's copy in a pool: the count keeps the copy from being removed."""

from __future__ import annotations

from django.db.models import F

from apps.storage.models import TemplateCopy, Volume


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
