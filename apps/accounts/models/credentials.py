"""What proves who somebody is, and what a repeated request was answered."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from apps.accounts.models.people import User
from apps.core.models import Row


class ApiToken(Row):
    """A bearer token of the API. Only its SHA-256 is stored."""

    user = models.ForeignKey(User, models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)


class LoginLink(Row):
    """A link that logs its user in once, for a short time. Only its SHA-256 is stored."""

    user = models.ForeignKey(User, models.CASCADE, related_name="login_links")
    digest = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)


class IdempotencyKey(models.Model):
    """What a client's Idempotency-Key was answered first, and a keyed digest of that request."""

    user = models.ForeignKey(User, models.CASCADE)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    answer = models.JSONField(null=True)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="idempotency_once")]
