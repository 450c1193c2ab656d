"""Who is logged in where, and who asked for a new password."""

from __future__ import annotations

import uuid

from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.accounts.models.people import User


class Session(AbstractBaseSession):
    """A browser's session. `session_key` is a digest of the key that the browser holds; see
    `apps.accounts.sessions`, which keeps the columns in step with the session's own data."""

    class Way(models.TextChoices):
        PASSWORD = "password", _("Password")
        LINK = "link", _("Login link")
        DIRECTORY = "directory", _("Campus directory")
        OTHER = "other", _("Another way")

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.ForeignKey(User, models.CASCADE, null=True, related_name="sessions")
    begun_at = models.DateTimeField(default=timezone.now)
    last_seen_at = models.DateTimeField(default=timezone.now)
    address = models.CharField(max_length=45, blank=True)
    agent = models.CharField(max_length=120, blank=True)
    way = models.CharField(max_length=10, choices=Way.choices, default=Way.OTHER)


class PasswordRequest(models.Model):
    """Somebody asked for a link to set a new password. Whether the address is anybody's is found out when
    the mail is sent, so that the answer says nothing. Rows live for an hour."""

    email = models.EmailField()
    email_key = models.CharField(max_length=254)
    address = models.CharField(max_length=45)
    language = models.CharField(max_length=10)
    portal = models.CharField(max_length=300)
    asked_at = models.DateTimeField(default=timezone.now, db_index=True)
    handled_at = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)
