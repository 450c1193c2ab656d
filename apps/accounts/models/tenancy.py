"""The tree of domains, the accounts in it that own everything, and who acts for which account."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q, Value
from django.utils.translation import gettext_lazy as _

from apps.accounts.roles.ready import READY, user_role_id
from apps.accounts.roles.rules import Rules
from apps.core.models import NamedRow
from apps.core.trees import MAX_PATH, Within, keys_of


class Standing(models.TextChoices):
    """Whether a domain or an account may work. What is below follows; see apps/accounts/standing.py."""

    ACTIVE = "active", _("Active")
    DISABLED = "disabled", _("Disabled")
    CLOSING = "closing", _("Closing")  # removed with all it owns at `closes_at`, until then undone


class Closable(models.Model):
    """A node of the tenancy that can be disabled, and closed for good after a time of grace. Closing stands
    beside being disabled: undone, it leaves things as they were."""

    disabled_at = models.DateTimeField(null=True, editable=False)
    closes_at = models.DateTimeField(null=True, editable=False)
    heir = models.ForeignKey(
        "accounts.Account", models.SET_NULL, null=True, editable=False, related_name="+"
    )  # who gets what others need when it is closed

    class Meta:
        abstract = True

    @property
    def standing(self) -> Standing:
        """Its own, whatever stands above it."""
        if self.closes_at is not None:
            return Standing.CLOSING
        return Standing.ACTIVE if self.disabled_at is None else Standing.DISABLED


class Domain(Closable, NamedRow):
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
            models.CheckConstraint(
                condition=Q(parent__isnull=False) | Q(disabled_at=None, closes_at=None),
                name="domain_root_is_active",
            ),
        ]
        indexes = [
            models.Index(F("parent"), F("name_sort"), F("id"), name="domain_parent_name"),
            models.Index(F("name_sort"), F("id"), name="domain_name"),
            models.Index(fields=["closes_at"], condition=~Q(closes_at=None), name="domain_closes_at"),
        ]

    def ancestor_ids(self) -> list[int]:
        """Keys from ROOT down to this domain."""
        return keys_of(self.path)


Domain._meta.get_field("path").register_lookup(Within)


class Account(Closable, NamedRow):
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
        indexes = [
            models.Index(F("domain"), F("name_sort"), F("id"), name="account_domain_name"),
            models.Index(F("name_sort"), F("id"), name="account_name"),
            models.Index(fields=["closes_at"], condition=~Q(closes_at=None), name="account_closes_at"),
        ]


class Role(NamedRow):
    """What its holder may do, wherever it is granted. A ready role has a `key` and its rules in code; any
    other has `rules`, [["allow" | "deny", pattern], ...], and belongs to a domain or to the whole cloud."""

    key = models.CharField(max_length=40, unique=True, null=True, editable=False)
    domain = models.ForeignKey(Domain, models.PROTECT, null=True, related_name="roles")
    about = models.CharField(max_length=500, blank=True)
    rules = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["domain", "name_key"],
                name="role_name_in_domain",
                violation_error_message=_("Another role here has this name."),
            ),
            models.UniqueConstraint(
                fields=["name_key"],
                condition=Q(domain=None),
                name="role_name_in_cloud",
                violation_error_message=_("Another role here has this name."),
            ),
        ]

    @property
    def allowed(self) -> Rules:
        return READY[self.key].rules if self.key else Rules.of(self.rules)

    @property
    def pairs(self) -> list[list[str]]:
        """Its rules as they are written: effect and pattern, in their order."""
        return [[rule.effect, rule.pattern] for rule in self.allowed.rules]

    @property
    def shown_about(self) -> str:
        return str(READY[self.key].about) if self.key else self.about

    @property
    def shown_name(self) -> str:
        """Ready roles have a name in the reader's language."""
        return str(READY[self.key].name) if self.key else self.name


class Mapped(models.Model):
    """What a directory's mapping gave says which and by which rule; made by hand it says neither, and no
    sync takes it away."""

    directory = models.ForeignKey("accounts.Directory", models.SET_NULL, null=True, related_name="+")
    rule = models.ForeignKey("accounts.MappingRule", models.SET_NULL, null=True, related_name="+")

    class Meta:
        abstract = True


class Membership(Mapped):
    """A user acts for an account, with a role there, until `ends_at`. `granted_by` as in a grant."""

    user = models.ForeignKey("accounts.User", models.CASCADE, related_name="memberships")
    account = models.ForeignKey(Account, models.CASCADE, related_name="memberships")
    role = models.ForeignKey(Role, models.PROTECT, related_name="memberships", default=user_role_id)
    ends_at = models.DateTimeField(null=True)
    granted_by = models.ForeignKey("accounts.User", models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "account"], name="membership_once")]
