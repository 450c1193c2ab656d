"""The tree of domains, the accounts in it that own everything, and who acts for which account."""

from __future__ import annotations

from django.db import models
from django.db.models import Q, Value
from django.utils.translation import gettext_lazy as _

from apps.core.models import NamedRow
from apps.core.trees import MAX_PATH, Within, keys_of


class Domain(NamedRow):
    """One node of the tenancy tree. `path` is the chain of keys from ROOT, "/1/7/": a subtree is what is
    `path__within` its top's."""

    parent = models.ForeignKey("self", models.PROTECT, null=True, related_name="children")
    path = models.CharField(max_length=MAX_PATH, unique=True, null=True, editable=False)

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
        return keys_of(self.path)


Domain._meta.get_field("path").register_lookup(Within)


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

    user = models.ForeignKey("accounts.User", models.CASCADE, related_name="memberships")
    account = models.ForeignKey(Account, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role, default=Role.MEMBER)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "account"], name="membership_once")]
