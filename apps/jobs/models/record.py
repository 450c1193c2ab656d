"""What happened."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _gettext
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Account, User
from apps.core.words.actors import shown_label
from apps.jobs.models.people import Person
from apps.jobs.models.work import Job


class Event(models.Model):
    """Who did what to what, and how it went. Written in the transaction of the change itself, and never
    changed: a seal holds it (apps/jobs/audit). What may go with its row (account, user, job) is sealed by
    its public id, and words about people by their reference.
    """

    class Phase(models.TextChoices):
        DONE = "done", _("Done")
        SUBMITTED = "submitted", _("Requested")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")
        STUCK = "stuck", _("Stuck")
        OBSERVED = "observed", _("Observed")

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    at = models.DateTimeField(default=timezone.now)
    kind = models.CharField(max_length=64)
    phase = models.CharField(max_length=10, choices=Phase)
    account = models.ForeignKey(  # stays as it was written when the account is removed
        Account, models.DO_NOTHING, null=True, related_name="events", db_constraint=False
    )
    account_uuid = models.UUIDField(null=True)
    user = models.ForeignKey(User, models.SET_NULL, null=True)
    actor = models.ForeignKey(Person, models.PROTECT, null=True, related_name="acts", db_index=False)
    actor_label = models.CharField(max_length=200, blank=True)  # of who is no person: the system, with why
    behalf = models.ForeignKey(  # as whom they looked
        Person, models.PROTECT, null=True, related_name="+", db_index=False
    )
    token_name = models.CharField(max_length=100, blank=True)  # by which API token
    address = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")  # of the client
    target_type = models.CharField(max_length=40)
    target_uuid = models.UUIDField(null=True)
    target_name = models.CharField(max_length=200, blank=True)
    target_person = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+", db_index=False)
    job = models.ForeignKey(Job, models.SET_NULL, null=True, related_name="events")
    job_uuid = models.UUIDField(null=True)
    request_id = models.CharField(max_length=64, blank=True)
    data = models.JSONField(default=dict)
    changes = models.JSONField(default=dict)  # field -> [before, after]
    mentions: models.ManyToManyField[Person, models.Model] = models.ManyToManyField(Person, related_name="+")

    class Meta:
        indexes = [
            models.Index(F("target_uuid"), F("id").desc(), name="event_target"),
            models.Index(F("account"), F("id").desc(), name="event_account"),
            models.Index(F("kind"), F("id").desc(), name="event_kind"),
            models.Index(F("actor"), F("id").desc(), name="event_actor"),
            models.Index(fields=["request_id"], name="event_request"),
            models.Index(fields=["behalf"], condition=Q(behalf__isnull=False), name="event_behalf"),
            models.Index(
                fields=["target_person"], condition=Q(target_person__isnull=False), name="event_target_person"
            ),
            models.Index(fields=["at"], name="event_at"),
        ]

    @property
    def by(self) -> str:
        """Who did it, in words."""
        return worded(self.actor) if self.actor_id else shown_label(self.actor_label)

    @property
    def about(self) -> str:
        """What it was done to, in words."""
        return worded(self.target_person) if self.target_person_id else self.target_name


def worded(person: Person | None) -> str:
    """What people read of somebody."""
    if person is None:
        return ""
    return _gettext("(name erased)") if person.erased_at else person.words
