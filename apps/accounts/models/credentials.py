"""What proves who somebody is, and what a repeated request was answered."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from apps.accounts.models.people import User
from apps.accounts.models.tenancy import Account
from apps.core.models import Row


def every_verb() -> list[str]:
    return ["*"]


class ApiToken(Row):
    """A bearer token of the API. Only its SHA-256 is stored. What it may do is what its user may, of that
    the verbs that `verbs` match (see `apps.accounts.limits`), and in `accounts` alone unless
    `every_account`: an account that goes takes nothing into the open."""

    user = models.ForeignKey(User, models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    verbs = models.JSONField(default=every_verb)
    every_account = models.BooleanField(default=True)
    accounts: models.ManyToManyField[Account, models.Model] = models.ManyToManyField(
        Account, related_name="+"
    )


class LoginLink(Row):
    """A link that logs its user in, or lets them set a password, once and for a short time. Only its
    SHA-256 is stored."""

    class Purpose(models.TextChoices):
        LOGIN = "login"
        PASSWORD = "password"  # noqa: S105 - a purpose

    user = models.ForeignKey(User, models.CASCADE, related_name="login_links")
    digest = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    purpose = models.CharField(max_length=10, choices=Purpose.choices, default=Purpose.LOGIN)


class IdempotencyKey(models.Model):
    """What a client's Idempotency-Key was answered first, and a keyed digest of that request."""

    user = models.ForeignKey(User, models.CASCADE)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    answer = models.JSONField(null=True)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="idempotency_once")]
