"""The list of jobs: what is at work now, and what became of what was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, Count, IntegerField, Q, QuerySet, When
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from apps.accounts.actor import Actor
from apps.accounts.models import Account
from apps.core import filters
from apps.jobs.kinds import all_kinds, quiet_kinds
from apps.jobs.models import Job, JobState
from apps.portal.list_cells import badge
from apps.portal.list_filters import Choice, Control, Found, Id, Mine, Option, Owner
from apps.portal.lists import Column, Empty, ListPage
from apps.portal.pages import page

Label = str | Promise


class _Kinds(Sequence[tuple[str, Label]]):
    """The kinds of job as choices, read when they are needed: apps declare theirs as they become ready."""

    def _all(self) -> list[tuple[str, Label]]:
        kinds = [kind for kind in all_kinds().values() if not kind.quiet]
        return [(kind.name, kind.label) for kind in sorted(kinds, key=lambda kind: str(kind.label))]

    def __getitem__(self, index: Any) -> Any:
        return self._all()[index]

    def __len__(self) -> int:
        return len(self._all())


@dataclass(frozen=True, slots=True)
class State:
    """Jobs in one of the chosen states. Those that have not ended are few and have an index of their own."""

    name: str
    label: Label
    operators: bool = False

    def condition(self, text: str, found: Found) -> Q:
        wanted = self._choice.condition(text, found)
        live = set(text.split(",")) <= {str(state) for state in Job.LIVE}
        return wanted & Q(finished_at=None) if live else wanted

    def control(self, text: str, found: Found) -> Control:
        return self._choice.control(text, found)

    @property
    def _choice(self) -> Choice:
        return Choice(self.name, self.label, JobState.choices, several=True)


@dataclass(frozen=True, slots=True)
class Parts:
    """Whether the parts of a batch are listed beside it. Without a word they are found on its page."""

    name: str
    label: Label
    operators: bool = False

    def condition(self, text: str, found: Found) -> Q:
        return filters.ByChoice("pk", ("shown",)).condition(self.name, text) and Q()

    def control(self, text: str, found: Found) -> Control:
        return Control(self.name, self.label, "select", text, [Option("shown", _("Listed too"), bool(text))])


def _rows() -> QuerySet[Job]:
    return Job.objects.exclude(kind__in=quiet_kinds()).select_related("account")


def label_of(job: Job) -> str:
    declared = all_kinds().get(job.kind)
    return str(declared.label) if declared else job.kind


def _href(job: Job) -> str:
    return reverse("portal:job", args=[job.uuid])


def _state(job: Job) -> SafeString:
    drawn = badge("job", job.state)
    if job.state in {JobState.PENDING, JobState.WAITING} and job.percent:
        return format_html('{} <span class="muted">{} %</span>', drawn, job.percent)
    return drawn


def _parts(job: Job) -> str:
    """How many jobs are part of this one, and how many of them did not work."""
    counted = getattr(job, "parts", None) or {}
    if not counted.get("total"):
        return ""
    told = ngettext("%(n)s part", "%(n)s parts", counted["total"]) % {"n": counted["total"]}
    if not counted["bad"]:
        return told
    failed = ngettext("%(n)s failed", "%(n)s failed", counted["bad"]) % {"n": counted["bad"]}
    return f"{told}, {failed}"


def _count_parts(actor: Actor, jobs: list[Job]) -> None:
    bad = Count(Case(When(state__in=[JobState.FAILED, JobState.STUCK], then=1), output_field=IntegerField()))
    children = Job.objects.filter(parent__in=[job.pk for job in jobs]).order_by()
    counts = {row["parent"]: row for row in children.values("parent").annotate(total=Count("pk"), bad=bad)}
    for job in jobs:
        job.parts = counts.get(job.pk)  # type: ignore[attr-defined]


def _took(job: Job) -> Any:
    from apps.portal.templatetags.portal import seconds  # noqa: PLC0415 - template tags load with templates

    if not job.started_at or not job.finished_at:
        return ""
    return seconds((job.finished_at - job.started_at).total_seconds())


JOBS = ListPage(
    key="jobs",
    title=_("Jobs"),
    rows=_rows,
    columns=(
        Column("kind", _("What"), label_of, href=_href),
        Column("target", _("About"), lambda job: job.target_name or job.target_type),
        Column("state", _("State"), lambda job: job.get_state_display(), html=_state),
        Column("parts", _("Parts"), _parts),
        Column("account", _("Account"), lambda job: job.account.name if job.account else ""),
        Column("by", _("Asked for by"), lambda job: job.by),
        Column("took", _("Took"), _took, shown=False),
        Column("created", _("Created"), lambda job: job.created_at, order="id"),
    ),
    filters=(
        State("state", _("State")),
        Choice("kind", _("What"), _Kinds()),
        Owner("account", _("Account"), Account.objects.all),
        Mine(_("Who"), _("Asked for by me"), path="user"),
        Parts("parts", _("Parts of batches")),
        Id("target", _("Object's id"), "target_uuid", operators=True),
    ),
    default_order="-created",
    empty=Empty(
        _("No jobs yet"),
        _("Whatever takes a while, such as creating a machine, is listed here while it runs and afterwards."),
        icon="activity",
    ),
    prepare=_count_parts,
    live="jobs",
    own=True,
)
_SHOWS_PARTS = ("parts", "target")


@page
def job_list(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    rows = _rows()
    if not any(request.GET.get(name) for name in _SHOWS_PARTS):
        rows = rows.filter(parent=None)
    return JOBS.respond(request, actor, rows=rows)
