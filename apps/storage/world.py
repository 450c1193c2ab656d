"""What the record says of templates and pools. Hosts report nothing of them until they are asked."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.jobs.models import Job
from apps.jobs.world import Finding
from apps.storage.models import PrimaryStorage, SecondaryStorage, Template


def findings_of_template(job: Job) -> list[Finding]:
    template = Template.objects.filter(uuid=job.target_uuid).first()
    if template is None:
        return []
    copies = template.copies.count()
    told = ngettext("a copy in %(n)s pool", "copies in %(n)s pools", copies) % {"n": copies}
    return [
        Finding(_("The image"), template.get_state_display()),
        Finding(_("Its copies"), told if copies else _("none")),
    ]


def findings_of_pool(job: Job) -> list[Finding]:
    return _switch_of(PrimaryStorage.objects.filter(uuid=job.target_uuid).first())


def findings_of_secondary(job: Job) -> list[Finding]:
    return _switch_of(SecondaryStorage.objects.filter(uuid=job.target_uuid).first())


def _switch_of(storage: PrimaryStorage | SecondaryStorage | None) -> list[Finding]:
    if storage is None:
        return []
    return [Finding(_("The storage"), _("enabled") if storage.enabled else _("disabled"))]
