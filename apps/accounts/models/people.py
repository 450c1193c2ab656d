"""People who log in."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from apps.accounts.models.tenancy import Account, Membership
from apps.core.models import Row
from apps.core.names import fold


class UserManager(BaseUserManager["User"]):
    def create_user(self, username: str, **fields: object) -> User:
        """A user who cannot log in by password: there is no default password anywhere."""
        user = self.model(username=username, **fields)
        user.set_unusable_password()
        user.save(using=self._db)
        return user


class User(Row, AbstractBaseUser):
    """A person, or a service: a program's user without password and mail, which only tokens stand for. It
    belongs to the account `service_of`."""

    class Kind(models.TextChoices):
        PERSON = "person", _("Person")
        SERVICE = "service", _("Service account")

    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.PERSON)
    service_of = models.ForeignKey(Account, models.PROTECT, null=True, related_name="service_accounts")
    language = models.CharField(max_length=10, blank=True)
    username = models.CharField(max_length=100, unique=True)
    full_name = models.CharField(max_length=200, blank=True)
    email = models.EmailField(blank=True)
    is_active = models.BooleanField(default=True)
    closes_at = models.DateTimeField(null=True, editable=False)  # when a deletion that was asked for is due
    is_super_admin = models.BooleanField(default=False)
    search_key = models.CharField(max_length=600, editable=False, default="")
    accounts: models.ManyToManyField[Account, Membership] = models.ManyToManyField(
        "Account", through="Membership", through_fields=("user", "account"), related_name="users"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                Lower("username"),
                name="user_username_once",
                violation_error_message=_("Another user has this name; capitals make no difference."),
            ),
            models.CheckConstraint(
                name="user_service_has_account",
                condition=models.Q(kind="person", service_of=None)
                | models.Q(kind="service", service_of__isnull=False, email="", is_super_admin=False),
            ),
        ]

    USERNAME_FIELD = "username"
    objects = UserManager()

    def __str__(self) -> str:
        return self.username

    @property
    def is_service(self) -> bool:
        return self.kind == self.Kind.SERVICE

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.search_key = search_key_of(self.username, self.full_name, self.email)
        super().save(*args, **kwargs)


def search_key_of(*texts: str) -> str:
    """By which people are found: capitals and accents make no difference."""
    return fold(" ".join(texts))[:600]
