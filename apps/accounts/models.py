"""Who owns and who acts: users, the tree of domains, accounts, memberships, quotas, credentials."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.core.models import NamedRow, Row
from apps.core.names import fold


class UserManager(BaseUserManager["User"]):
    def create_user(self, username: str, **fields: object) -> User:
        """A user who cannot log in by password: there is no default password anywhere."""
        user = self.model(username=username, **fields)
        user.set_unusable_password()
        user.save(using=self._db)
        return user


class User(Row, AbstractBaseUser):
    username = models.CharField(max_length=100, unique=True)
    full_name = models.CharField(max_length=200, blank=True)
    email = models.EmailField(blank=True)
    is_active = models.BooleanField(default=True)
    is_super_admin = models.BooleanField(default=False)
    search_key = models.CharField(max_length=600, editable=False, default="")
    accounts: models.ManyToManyField[Account, Membership] = models.ManyToManyField(
        "Account", through="Membership", related_name="users"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                Lower("username"),
                name="user_username_once",
                violation_error_message=_("Another user has this name; capitals make no difference."),
            )
        ]

    USERNAME_FIELD = "username"
    objects = UserManager()

    def __str__(self) -> str:
        return self.username

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.search_key = search_key_of(self.username, self.full_name, self.email)
        super().save(*args, **kwargs)


def search_key_of(*texts: str) -> str:
    """By which people are found: capitals and accents make no difference."""
    return fold(" ".join(texts))[:600]


class Domain(NamedRow):
    """One node of the tenancy tree. `path` is the chain of keys from ROOT, "/1/7/", so that a
    subtree is a prefix."""

    parent = models.ForeignKey("self", models.PROTECT, null=True, related_name="children")
    path = models.CharField(max_length=500, unique=True, null=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["parent", "name_key"],
                name="domain_name_in_parent",
                violation_error_message=_("Another domain here has this name."),
            ),
            models.UniqueConstraint(Value(1), condition=Q(parent=None), name="domain_one_root"),
        ]

    def ancestor_ids(self) -> list[int]:
        """Keys from ROOT down to this domain."""
        return [int(key) for key in (self.path or "").strip("/").split("/") if key]


class Account(NamedRow):
    """The owner of resources: a tenant's own, or a project's. Every owned row has exactly one."""

    class Kind(models.TextChoices):
        TENANT = "tenant", _("Tenant")
        PROJECT = "project", _("Project")

    kind = models.CharField(max_length=8, choices=Kind, default=Kind.TENANT)
    domain = models.ForeignKey(Domain, models.PROTECT, related_name="accounts")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["domain", "name_key"],
                name="account_name_in_domain",
                violation_error_message=_("Another account of this domain has this name."),
            ),
            models.CheckConstraint(condition=Q(kind__in=["tenant", "project"]), name="account_kind"),
        ]


class Membership(models.Model):
    class Role(models.TextChoices):
        MEMBER = "member", _("Member")

    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    account = models.ForeignKey(Account, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role, default=Role.MEMBER)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "account"], name="membership_once")]


class Quota(models.Model):
    """What an account, or a domain with all below it, uses and may use. A null limit is none.

    `used_*` moves only by `apps.accounts.quota`, from the root down.
    """

    RESOURCES = ("machines", "vcpus", "memory_mib", "storage_gib", "addresses")

    domain = models.OneToOneField(Domain, models.CASCADE, null=True, related_name="quota")
    account = models.OneToOneField(Account, models.CASCADE, null=True, related_name="quota")
    max_machines = models.BigIntegerField(null=True)
    max_vcpus = models.BigIntegerField(null=True)
    max_memory_mib = models.BigIntegerField(null=True)
    max_storage_gib = models.BigIntegerField(null=True)
    max_addresses = models.BigIntegerField(null=True)
    used_machines = models.BigIntegerField(default=0)
    used_vcpus = models.BigIntegerField(default=0)
    used_memory_mib = models.BigIntegerField(default=0)
    used_storage_gib = models.BigIntegerField(default=0)
    used_addresses = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(domain=None, account__isnull=False) | Q(domain__isnull=False, account=None),
                name="quota_one_owner",
            ),
            models.CheckConstraint(
                condition=Q(used_machines__gte=0, used_vcpus__gte=0, used_memory_mib__gte=0)
                & Q(used_storage_gib__gte=0, used_addresses__gte=0),
                name="quota_never_negative",
            ),
        ]


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
