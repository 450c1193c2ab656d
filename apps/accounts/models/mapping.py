"""What a directory's people are given here: rules, what came of them, and every run of the sync."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.accounts.models.directory import Directory
from apps.accounts.models.people import User
from apps.accounts.models.roles import Grant
from apps.accounts.models.tenancy import Account, Domain, Role
from apps.core.models import NamedRow, Row


class MappingRule(NamedRow):
    """People of a directory who match it are given a membership, or its group a role somewhere. Of two rules
    that give one account the one with the lower `position` decides.

    `match_value` is the stable id of a group, the DN of a base, or the value of the attribute
    `match_name`; of a group `match_name` is the name it had when the rule was written.
    """

    class Match(models.TextChoices):
        GROUP = "group", _("Is in the group")
        OU = "ou", _("Stands below")
        ATTRIBUTE = "attribute", _("Has the attribute")

    class Gives(models.TextChoices):
        ACCOUNT = "account", _("Membership of an account")
        TEMPLATE = "template", _("An account by a pattern")
        GRANT = "grant", _("A role for the group")

    directory = models.ForeignKey(Directory, models.CASCADE, related_name="rules")
    position = models.PositiveIntegerField()
    enabled = models.BooleanField(default=True)
    match = models.CharField(max_length=9, choices=Match)
    match_name = models.CharField(max_length=200, blank=True)
    match_value = models.CharField(max_length=1000)
    gives = models.CharField(max_length=8, choices=Gives)
    account = models.ForeignKey(Account, models.CASCADE, null=True, related_name="+")
    domain = models.ForeignKey(Domain, models.CASCADE, null=True, related_name="+")
    template = models.CharField(max_length=100, blank=True)
    role = models.ForeignKey(Role, models.PROTECT, related_name="+")
    scope = models.CharField(max_length=8, choices=Grant.Scope, blank=True)
    place = models.BigIntegerField(null=True)  # the key of the scope's row, of whatever kind
    limits = models.JSONField(default=dict)  # of each member in the account; empty: none
    ends_at = models.DateTimeField(null=True)
    days_after_leaving = models.PositiveSmallIntegerField(default=0)
    changed_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    unanswered_at = models.DateTimeField(null=True)  # since who changed it last no longer holds what it gives

    class Meta:
        verbose_name = "mapping rule"
        constraints = [
            models.CheckConstraint(
                condition=Q(gives="account", account__isnull=False, domain=None, template="", scope="")
                | (Q(gives="template", account=None, domain__isnull=False, scope="") & ~Q(template=""))
                | (Q(gives="grant", match="group", account=None, domain=None, template="") & ~Q(scope="")),
                name="mapping_rule_gives_one_thing",
            ),
            models.CheckConstraint(condition=~Q(match_value=""), name="mapping_rule_matches_something"),
        ]
        indexes = [models.Index(fields=["directory", "position"], name="mapping_rule_order")]


class MappedAccount(models.Model):
    """An account that a pattern made. `key` says for whom: a person's stable id, or the value."""

    directory = models.ForeignKey(Directory, models.CASCADE, related_name="+")
    domain = models.ForeignKey(Domain, models.CASCADE, related_name="+")
    template = models.CharField(max_length=100)
    key = models.CharField(max_length=400)
    account = models.OneToOneField(Account, models.CASCADE, related_name="mapped")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["directory", "domain", "template", "key"], name="mapped_account_once"
            )
        ]


class DirectorySync(models.Model):
    """How a directory is followed. `rules` are those in force, as data: rules that were changed since wait
    until they are previewed and applied. `removed_at_login` counts what logins took since the last run."""

    directory = models.OneToOneField(Directory, models.CASCADE, related_name="sync")
    period_minutes = models.PositiveIntegerField(default=60)  # 0: by hand alone
    brake_percent = models.PositiveSmallIntegerField(default=10)
    brake_least = models.PositiveIntegerField(default=5)
    leaver_grace_days = models.PositiveSmallIntegerField(default=14)
    rules = models.JSONField(default=list)
    next_at = models.DateTimeField(null=True, db_index=True)
    removed_at_login = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(brake_percent__range=(1, 100), brake_least__range=(1, 10_000)),
                name="directory_sync_brake",
            ),
        ]


class SyncRun(Row):
    """One look at a directory, and what was done after it. A preview does nothing. `basis` is the preview
    that this run applies, or the held run that it was released from."""

    class Kind(models.TextChoices):
        PREVIEW = "preview", _("Preview")
        SYNC = "sync", _("Sync")

    class Outcome(models.TextChoices):
        RUNNING = "running", _("At work")
        PREVIEWED = "previewed", _("Previewed")
        DONE = "done", _("Done")
        HELD = "held", _("Held by the brake")
        RELEASED = "released", _("Released")
        REJECTED = "rejected", _("Rejected")
        OUTDATED = "outdated", _("Overtaken by changes")
        FAILED = "failed", _("Failed")

    directory = models.ForeignKey(Directory, models.CASCADE, related_name="runs")
    kind = models.CharField(max_length=8, choices=Kind)
    outcome = models.CharField(max_length=9, choices=Outcome, default=Outcome.RUNNING)
    basis = models.ForeignKey("self", models.SET_NULL, null=True, related_name="+")
    asked_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    observed_at = models.DateTimeField(null=True)  # before the directory was read
    finished_at = models.DateTimeField(null=True)
    rules = models.JSONField(default=list)
    digest = models.CharField(max_length=64, blank=True)  # of the rules and of all changes
    counts = models.JSONField(default=dict)  # how many changes of each kind
    seen = models.JSONField(default=dict)  # how many people and groups the directory showed
    held = models.JSONField(default=list)  # why the brake holds it
    notes = models.JSONField(default=list)  # what could not be given, or was given otherwise
    error = models.JSONField(null=True)

    class Meta:
        verbose_name = "sync run"
        constraints = [
            models.UniqueConstraint(
                fields=["directory"], condition=Q(outcome="running"), name="sync_run_one_at_a_time"
            ),
        ]
        indexes = [models.Index(fields=["directory", "created_at"], name="sync_run_history")]

    def __str__(self) -> str:
        return str(self.get_kind_display())


class SyncChange(models.Model):
    """One change of a run, in the order in which they are made. Of older runs a sample is kept."""

    run = models.ForeignKey(SyncRun, models.CASCADE, related_name="changes")
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=20)
    key = models.CharField(max_length=500)
    name = models.CharField(max_length=200)
    rule = models.CharField(max_length=36, blank=True)  # public id
    data = models.JSONField(default=dict)
    done = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "number"], name="sync_change_once")]


class LeftBehind(Row):
    """An account whose people have all left the directory: offered to who administers it. It ends when one
    of them comes back, or when somebody else belongs to the account."""

    account = models.OneToOneField(Account, models.CASCADE, related_name="left_behind")
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    directory = models.ForeignKey(Directory, models.SET_NULL, null=True, related_name="+")
    stops_at = models.DateTimeField()  # the machines
    stopped_at = models.DateTimeField(null=True)
    kept_at = models.DateTimeField(null=True)  # somebody looked at it, and lets it be

    class Meta:
        verbose_name = "left behind account"
        indexes = [models.Index(fields=["stopped_at", "stops_at"], name="left_behind_stops")]
