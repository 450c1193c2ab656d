"""A campus' directory that people log in through, and which of its people are our users."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.accounts.models.people import User
from apps.accounts.models.roles import Group
from apps.core.models import NamedRow, Row


class Directory(NamedRow):
    """How one directory is reached and read. Only super admins may set it: the portal connects to what it
    names. `servers` are tried in order; "ldap://" is used with StartTLS, never without."""

    class Kind(models.TextChoices):
        OPENLDAP = "openldap", _("LDAP (OpenLDAP, 389)")
        ACTIVE_DIRECTORY = "active_directory", _("Active Directory")

    kind = models.CharField(max_length=16, choices=Kind)
    servers = models.JSONField(default=list)
    ca_certificate = models.TextField(blank=True)  # PEM; empty: the authorities that the machine trusts
    bind_dn = models.CharField(max_length=500, blank=True)
    bind_password = models.TextField(blank=True)  # sealed
    people_bases = models.JSONField(default=list)
    people_filter = models.CharField(max_length=1000)
    group_bases = models.JSONField(default=list)
    group_filter = models.CharField(max_length=1000)
    login_attributes = models.JSONField(default=list)  # the first one gives the user name
    mail_attribute = models.CharField(max_length=64)
    full_name_attribute = models.CharField(max_length=64)
    group_name_attribute = models.CharField(max_length=64)
    stable_id_attribute = models.CharField(max_length=64)  # of people and groups; survives a rename
    attributes = models.JSONField(default=list)  # what else is read of a person, for rules
    disabled_filter = models.CharField(max_length=1000, blank=True)  # who matches it may not log in
    deadline_seconds = models.PositiveSmallIntegerField(default=5)  # of each call
    page_size = models.PositiveSmallIntegerField(default=500)
    enabled = models.BooleanField(default=True)
    tested_at = models.DateTimeField(null=True)
    test = models.JSONField(null=True)  # what the last test found: apps.accounts.directory.probe

    class Meta:
        verbose_name = "directory"
        constraints = [
            models.UniqueConstraint(
                fields=["name_key"],
                name="directory_name",
                violation_error_message=_("Another directory has this name."),
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["openldap", "active_directory"]), name="directory_kind"
            ),
            models.CheckConstraint(
                condition=Q(deadline_seconds__range=(1, 30), page_size__range=(1, 1000)),
                name="directory_bounds",
            ),
        ]


class DirectoryPerson(Row):
    """A user of ours who is a person of a directory. The stable id tells who it is, whatever name or place
    the directory gives them next; a user is one person of one directory."""

    user = models.OneToOneField(User, models.CASCADE, related_name="directory_person")
    directory = models.ForeignKey(Directory, models.CASCADE, related_name="people")
    stable_id = models.CharField(max_length=200)
    dn = models.CharField(max_length=1000)
    disabled = models.BooleanField(default=False)
    last_seen_at = models.DateTimeField(null=True)  # by login or sync
    left_at = models.DateTimeField(null=True)  # since when the sync keeps them out: gone, or disabled there

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["directory", "stable_id"], name="directory_person_once"),
        ]


class DirectoryGroup(Row):
    """A group of ours that is a group of a directory; its members are told by the directory alone. `key` is
    the directory's stable id of it."""

    group = models.OneToOneField(Group, models.CASCADE, related_name="directory_group")
    directory = models.ForeignKey(Directory, models.CASCADE, related_name="groups")
    key = models.CharField(max_length=200)
    dn = models.CharField(max_length=1000)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["directory", "key"], name="directory_group_once"),
        ]
