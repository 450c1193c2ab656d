"""Roles, and who holds them where."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.accounts.models.tenancy import Account, Domain, Mapped, Role
from apps.core.models import NamedRow, Row


class Group(NamedRow):
    """People who are granted something together. Who belongs to it is told elsewhere: a directory's
    group by that directory, at login and by its sync."""

    members: models.ManyToManyField[models.Model, GroupMember] = models.ManyToManyField(
        "accounts.User", through="GroupMember", related_name="member_of"
    )


class GroupMember(models.Model):
    group = models.ForeignKey(Group, models.CASCADE, related_name="people", db_index=False)
    user = models.ForeignKey("accounts.User", models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "user"], name="group_member_once")]


class GrantQuerySet(models.QuerySet["Grant"]):
    def in_force(self) -> GrantQuerySet:
        return self.filter(Q(ends_at=None) | Q(ends_at__gt=timezone.now()))


class Grant(Mapped, Row):
    """A user or a group holds a role in a scope, until `ends_at`. `granted_by` answers for it: it ends
    when they lose what it gives. Null is the system, which loses nothing.

    `place` is the key of the region, zone, cluster or host.
    """

    class Scope(models.TextChoices):
        GLOBAL = "global", _("The whole cloud")
        REGION = "region", _("Region")
        ZONE = "zone", _("Zone")
        CLUSTER = "cluster", _("Cluster")
        HOST = "host", _("Host")
        DOMAIN = "domain", _("Domain")
        ACCOUNT = "account", _("Account")

    user = models.ForeignKey("accounts.User", models.CASCADE, null=True, related_name="grants")
    group = models.ForeignKey(Group, models.CASCADE, null=True, related_name="grants")
    role = models.ForeignKey(Role, models.PROTECT, related_name="grants")
    scope = models.CharField(max_length=8, choices=Scope)
    domain = models.ForeignKey(Domain, models.CASCADE, null=True, related_name="grants")
    account = models.ForeignKey(Account, models.CASCADE, null=True, related_name="grants")
    place = models.BigIntegerField(null=True)
    ends_at = models.DateTimeField(null=True)
    granted_by = models.ForeignKey("accounts.User", models.SET_NULL, null=True, related_name="grants_made")

    once = models.CharField(max_length=120, unique=True, editable=False)  # all that makes two the same

    objects = GrantQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(user=None, group__isnull=False) | Q(user__isnull=False, group=None),
                name="grant_one_holder",
            ),
            models.CheckConstraint(
                condition=Q(scope="global", domain=None, account=None, place=None)
                | Q(scope="domain", domain__isnull=False, account=None, place=None)
                | Q(scope="account", domain=None, account__isnull=False, place=None)
                | Q(
                    scope__in=["region", "zone", "cluster", "host"],
                    domain=None,
                    account=None,
                    place__isnull=False,
                ),
                name="grant_one_scope",
            ),
        ]
        indexes = [models.Index(fields=["scope", "place"], name="grant_place")]

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.once = self.identity
        super().save(*args, **kwargs)

    @property
    def name(self) -> str:
        """As events name it; who holds it is told by a reference there."""
        return self.role.name

    @property
    def identity(self) -> str:
        return f"{self.user_id}/{self.group_id}/{self.role_id}/{self.scope}/{self.place_id}"

    @property
    def place_id(self) -> int | None:
        """The key of the scope's row, of whatever kind; None for the whole cloud."""
        return self.domain_id or self.account_id or self.place
