"""Projects, and which domains let their people begin some by themselves."""

from __future__ import annotations

from datetime import date

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.accounts.models.tenancy import Account, Domain, Standing


class ProjectState(models.TextChoices):
    """As the account stands; what is above it can still keep it from working."""

    ACTIVE = "active", _("Active")
    SUSPENDED = "suspended", _("Suspended")
    ENDED = "ended", _("Ended")  # closing: it goes when the time of grace is over


_STATES = {
    Standing.ACTIVE: ProjectState.ACTIVE,
    Standing.DISABLED: ProjectState.SUSPENDED,
    Standing.CLOSING: ProjectState.ENDED,
}


class Project(models.Model):
    """What an account of kind project is for, and until when. Its name, its members and all it owns are
    the account's; so is its id. It works through the day `ends_on`, in UTC."""

    account = models.OneToOneField(Account, models.CASCADE, primary_key=True, related_name="project")
    description = models.CharField(max_length=1000, blank=True)
    ends_on = models.DateField(null=True)
    warned_days = models.PositiveSmallIntegerField(
        null=True, editable=False
    )  # the last warning that was given
    ended_at = models.DateTimeField(
        null=True, editable=False
    )  # when its last day was over and it was suspended
    paused_at = models.DateTimeField(
        null=True, editable=False
    )  # when those who run it suspended it themselves
    begun_by = models.ForeignKey("accounts.User", models.SET_NULL, null=True, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["ends_on"], condition=~Q(ends_on=None), name="project_ends_on")]

    def __str__(self) -> str:
        return self.account.name

    @property
    def state(self) -> ProjectState:
        return _STATES[self.account.standing]

    @property
    def is_paused(self) -> bool:
        """Whether those who run it suspended it, so that they may let it go on."""
        return self.paused_at is not None and self.paused_at == self.account.disabled_at

    def days_left(self, today: date | None = None) -> int | None:
        """Whole days after this one; below zero once the last day is over."""
        return None if self.ends_on is None else (self.ends_on - (today or timezone.now().date())).days


class ProjectRules(models.Model):
    """What people of a domain may begin by themselves. Domains below without rules of their own follow.
    `limits` are those of each such project by resource; what they do not name is not limited."""

    domain = models.OneToOneField(Domain, models.CASCADE, primary_key=True, related_name="project_rules")
    self_service = models.BooleanField(default=False)
    per_person = models.PositiveSmallIntegerField(default=1)
    limits = models.JSONField(default=dict)
