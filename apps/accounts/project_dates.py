"""What a project's last day brings: warnings before it, a stop after it, and in the end its closing, which
can itself be taken back for a time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import date, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from apps.accounts import audit, closing
from apps.accounts.actor import Actor
from apps.accounts.models import Project, Standing
from apps.accounts.projects import stop_work
from apps.core.errors import CloudError

log = logging.getLogger(__name__)
WARN_DAYS = (3, 14)
"""How many days before its last one people are warned, the latest first."""
CALENDAR = Actor.system("the project's last day")
A_ROUND = 200


def follow_dates(today: date | None = None) -> list[tuple[Project, int]]:
    """Do what is due; call it as often as you like. Gives whom a warning is to be mailed about: project
    and days left."""
    today = today or timezone.now().date()
    warned = list(_warn(today))
    for project in _over(today).filter(ended_at=None)[:A_ROUND]:
        _tried(_end, project)
    grace = timezone.now() - timedelta(days=settings.CLOSING_GRACE_DAYS)
    for project in _over(today).filter(ended_at__lte=grace, account__closes_at=None)[:A_ROUND]:
        _tried(_close, project)
    return warned


def _over(today: date) -> QuerySet[Project]:
    rows = Project.objects.filter(ends_on__lt=today).select_related("account__domain")
    return rows.order_by("ends_on", "pk")


def _tried(act: Callable[[Project], None], project: Project) -> None:
    try:
        with transaction.atomic():
            act(project)
    except CloudError as error:  # what others use needs an heir, whom people name
        log.warning("project %s: %s", project.pk, error)


def _warn(today: date) -> Iterator[tuple[Project, int]]:
    for days in WARN_DAYS:
        last = today + timedelta(days=days)
        due = Project.objects.filter(ends_on__gte=today, ends_on__lte=last, account__closes_at=None)
        rows = due.filter(Q(warned_days=None) | Q(warned_days__gt=days)).select_related("account__domain")
        for project in rows.order_by("ends_on", "pk")[:A_ROUND]:
            with transaction.atomic():
                fresh = Project.objects.filter(pk=project.pk, ends_on=project.ends_on)
                if not fresh.filter(warned_days=project.warned_days).update(warned_days=days):
                    continue
                left = project.days_left(today) or 0
                audit.record(CALENDAR, "project.warn", project.account, days=left)
            yield project, left


def _end(project: Project) -> None:
    """Its last day is over: it is suspended, and only a later last day lets it work again."""
    now = timezone.now()
    if not Project.objects.filter(pk=project.pk, ends_on=project.ends_on, ended_at=None).update(
        ended_at=now, paused_at=None
    ):
        return
    account = project.account
    if account.standing == Standing.ACTIVE:
        stop_work(CALENDAR, account)
    audit.record(CALENDAR, "project.end", account)


def _close(project: Project) -> None:
    closing.close(CALENDAR, project.account)
