"""Invitations into an account."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.accounts.models.people import User
from apps.accounts.models.tenancy import Account, Role
from apps.core.models import Row


class InvitationState(models.TextChoices):
    PENDING = "pending", _("Waits for an answer")
    ACCEPTED = "accepted", _("Accepted")
    DECLINED = "declined", _("Declined")
    WITHDRAWN = "withdrawn", _("Withdrawn")


class Invitation(Row):
    """Somebody is asked to join an account: by a user name or by a mail address, in small letters. Whether
    there is such a user is not looked at. Of the secrets of its links only the SHA-256 is stored: of the
    one that was mailed and of the one that was copied."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="invitations")
    role = models.ForeignKey(Role, models.PROTECT, related_name="invitations")
    username = models.CharField(max_length=100, blank=True)
    email = models.CharField(max_length=254, blank=True)
    invited_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="invitations_made")
    state = models.CharField(max_length=10, choices=InvitationState, default=InvitationState.PENDING)
    expires_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    settled_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    copied = models.CharField(max_length=64, unique=True, null=True, editable=False)
    mailed = models.CharField(max_length=64, unique=True, null=True, editable=False)
    mail_due = models.BooleanField(default=False)
    mail_tries = models.PositiveSmallIntegerField(default=0)
    mailed_at = models.DateTimeField(null=True)
    portal = models.CharField(max_length=300, blank=True)  # where the inviter reached us, for the mail's link
    language = models.CharField(max_length=10, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "username", "email"],
                condition=Q(state="pending"),
                name="invitation_once",
                violation_error_message=_("They are invited already."),
            ),
            models.CheckConstraint(
                condition=(Q(username="") & ~Q(email="")) | (~Q(username="") & Q(email="")),
                name="invitation_one_addressee",
            ),
            models.CheckConstraint(
                condition=Q(state="pending", settled_at=None) | (~Q(state="pending") & ~Q(settled_at=None)),
                name="invitation_settled",
            ),
        ]
        indexes = [
            models.Index(fields=["username"], condition=Q(state="pending"), name="invitation_username"),
            models.Index(fields=["email"], condition=Q(state="pending"), name="invitation_email"),
            models.Index(fields=["invited_by", "created_at"], name="invitation_inviter"),
        ]

    @property
    def addressee(self) -> str:
        return self.username or self.email

    @property
    def is_open(self) -> bool:
        """Whether it can still be answered."""
        return self.state == InvitationState.PENDING and self.expires_at > timezone.now()
