"""What people have begun to describe, and what was begun by applying a description."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from apps.accounts.models import User
from apps.core.models import Row
from apps.core.words.actors import shown_label
from apps.zones.models import Zone


class ZoneDraft(Row):
    """The launch wizard's pages as somebody filled them in so far, whatever they are worth. One a person;
    it outlives sessions and browsers, and is forgotten at `expires_at`."""

    user = models.OneToOneField(User, models.CASCADE, related_name="zone_draft")
    data = models.JSONField(default=dict)  # by step: field -> text, as it was typed
    private_key = models.TextField(blank=True)  # sealed; logs in to the hosts of this draft
    step = models.CharField(max_length=20, blank=True)  # the furthest that was saved
    updated_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()

    class Meta:
        verbose_name = "zone draft"
        indexes = [models.Index(fields=["expires_at"], name="zonedraft_expires")]


class Launch(Row):
    """A document that was applied. How far it is follows from its rows and their jobs."""

    zone = models.ForeignKey(Zone, models.CASCADE, related_name="launches")
    user = models.ForeignKey(User, models.SET_NULL, null=True, related_name="launches")
    actor_label = models.CharField(max_length=200)
    parts = models.JSONField(default=dict)  # "hosts", "primary_storages", "secondary_storages": uuids

    @property
    def by(self) -> str:
        """Who applied it, in words."""
        return shown_label(self.actor_label)
