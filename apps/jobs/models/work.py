"""The record of work in flight. The database is the only truth about a job."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.accounts.models import Account, User
from apps.core.models import Row
from apps.core.words.actors import shown_label


class JobState(models.TextChoices):
    WAITING = "waiting", _("Waiting")  # for a lock that another job holds; nothing is done yet
    PENDING = "pending", pgettext_lazy("job", "Running")  # due, or in a worker's hands while `lease` is set
    UNDOING = "undoing", _("Undoing")  # failed or cancelled; taking back what it did
    RESOLVING = "resolving", _("Resolving")  # an operator asked to settle it by what the world shows
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")  # everything is as before
    CANCELLED = "cancelled", _("Cancelled")  # everything is as before
    STUCK = "stuck", _("Stuck")  # holds its locks until someone retries or resolves it


class Job(Row):
    """One run of an operation.

    `trail` lists the steps begun and not undone; with `midstep` the last of them has not ended.
    `due` is when it may be claimed next; while `lease` is set, when that lease runs out.
    `claims` counts claims, `retries` temporary errors, both since the last progress.
    """

    ACTIVE = (JobState.WAITING, JobState.PENDING, JobState.UNDOING, JobState.RESOLVING)
    LIVE = (*ACTIVE, JobState.STUCK)
    ENDED = (JobState.DONE, JobState.FAILED, JobState.CANCELLED)

    kind = models.CharField(max_length=64)
    queue = models.CharField(max_length=16, default="short")
    account = models.ForeignKey(Account, models.SET_NULL, null=True, related_name="jobs")
    user = models.ForeignKey(User, models.SET_NULL, null=True, related_name="jobs")
    actor_label = models.CharField(max_length=200)
    request_id = models.CharField(max_length=64, blank=True)
    target_type = models.CharField(max_length=40)
    target_uuid = models.UUIDField()
    target_name = models.CharField(max_length=200, blank=True)
    parent = models.ForeignKey("self", models.PROTECT, null=True, related_name="children")

    args = models.JSONField(default=dict)  # the request, never changed; references, no secrets
    memo = models.JSONField(default=dict)  # what steps learned, for later steps and for undo
    plan = models.JSONField(default=list)  # names of all steps, in order
    trail = models.JSONField(default=list)
    midstep = models.BooleanField(default=False)
    timings = models.JSONField(default=dict)  # step name -> seconds
    wanted_locks = models.JSONField(default=list)

    state = models.CharField(max_length=10, choices=JobState, default=JobState.PENDING)
    resume_state = models.CharField(max_length=10, choices=JobState, blank=True)  # of a stuck job
    percent = models.PositiveSmallIntegerField(default=0)
    note = models.CharField(max_length=200, blank=True)  # what it does or waits for: a message code
    error = models.JSONField(null=True)  # {"code", "params", "technical"}
    cancellable = models.BooleanField(default=True)  # false once past the point of no return
    cancel_requested = models.BooleanField(default=False)

    lease = models.UUIDField(null=True)
    due = models.DateTimeField(default=timezone.now)
    woken_at = models.DateTimeField(null=True)
    waiting_for = models.CharField(max_length=120, blank=True)
    claims = models.PositiveIntegerField(default=0)
    retries = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(percent__lte=100), name="job_percent"),
            models.CheckConstraint(condition=Q(state__in=JobState.values), name="job_state"),
            models.CheckConstraint(
                condition=Q(lease=None) | ~Q(state__in=["done", "failed", "cancelled", "stuck"]),
                name="job_ended_has_no_lease",
            ),
        ]
        indexes = [
            models.Index(fields=["due"], condition=Q(finished_at=None), name="job_due"),
            models.Index(fields=["waiting_for"], condition=~Q(waiting_for=""), name="job_waiting_for"),
            models.Index(fields=["target_uuid", "-id"], name="job_target"),
            models.Index(fields=["account", "-id"], name="job_account"),
            models.Index(fields=["kind", "state", "-finished_at"], name="job_usual"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.uuid}"

    @property
    def by(self) -> str:
        """Who asked for it, in words."""
        return shown_label(self.actor_label)

    @property
    def is_ended(self) -> bool:
        return self.state in self.ENDED


class JobLock(models.Model):
    """The unique index is the lock manager: who inserts the key has the lock."""

    key = models.CharField(max_length=120, unique=True)
    job = models.ForeignKey(Job, models.CASCADE, related_name="locks")


class JobSlot(models.Model):
    """One of the places on a resource at which work may be done at the same time."""

    resource = models.CharField(max_length=120)
    number = models.PositiveSmallIntegerField()
    job = models.ForeignKey(Job, models.SET_NULL, null=True, related_name="slots")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["resource", "number"], name="jobslot_number"),
            models.UniqueConstraint(fields=["resource", "job"], name="jobslot_one_a_job"),
        ]
