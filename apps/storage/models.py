"""Primary and secondary storage, templates, and volumes."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Account, User
from apps.core.models import NamedRow, Row
from apps.storage.mounts import folder_of
from apps.zones.models import Cluster, Host, Zone


class PrimaryStorage(NamedRow):
    """A pool that holds volumes, reachable from one host, a cluster, or the whole zone.

    `allocated_bytes` is the virtual size of what it holds; `capacity_bytes` may be promised
    `overprovision_percent` times, since volumes are thin.
    """

    class Scope(models.TextChoices):
        ZONE = "zone", _("Zone")
        CLUSTER = "cluster", _("Cluster")
        HOST = "host", _("Host")

    zone = models.ForeignKey(Zone, models.PROTECT, related_name="primary_storages")
    scope = models.CharField(max_length=8, choices=Scope)
    cluster = models.ForeignKey(Cluster, models.PROTECT, null=True, related_name="primary_storages")
    host = models.ForeignKey(Host, models.PROTECT, null=True, related_name="primary_storages")
    driver = models.CharField(max_length=16, default="directory")
    server = models.CharField(max_length=255, blank=True)  # of a driver that mounts
    path = models.CharField(max_length=500)  # on the hosts; with a server, what the server exports
    settings = models.JSONField(default=dict)  # see apps.storage.mounts; the rest is kept as notes
    enabled = models.BooleanField(default=True)
    capacity_bytes = models.BigIntegerField(default=0)
    used_bytes = models.BigIntegerField(default=0)
    overprovision_percent = models.PositiveIntegerField(default=200)
    promised_bytes = models.BigIntegerField(default=0, editable=False)  # capacity times overprovision
    allocated_bytes = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = "primary storage"
        constraints = [
            models.UniqueConstraint(
                fields=["zone", "name_key"],
                name="primarystorage_name",
                violation_error_message=_("Another primary storage of this zone has this name."),
            ),
            models.CheckConstraint(
                condition=Q(scope="zone", cluster=None, host=None)
                | Q(scope="cluster", cluster__isnull=False, host=None)
                | Q(scope="host", cluster=None, host__isnull=False),
                name="primarystorage_scope",
                violation_error_message=_(
                    "The scope names what it belongs to: a cluster, a host, or neither."
                ),
            ),
            models.UniqueConstraint(
                fields=["server", "path"],
                condition=~Q(server=""),
                name="primarystorage_export_once",
                violation_error_message=_("Another primary storage uses this export of this server."),
            ),
            models.CheckConstraint(condition=Q(allocated_bytes__gte=0), name="primarystorage_allocated"),
        ]


class SecondaryStorage(NamedRow):
    """Where a zone keeps templates: a folder that workers and hosts all reach under one path, or what a
    server exports, which each of them mounts under one path."""

    zone = models.ForeignKey(Zone, models.PROTECT, related_name="secondary_storages")
    driver = models.CharField(max_length=16, default="directory")
    server = models.CharField(max_length=255, blank=True)
    path = models.CharField(max_length=500)
    enabled = models.BooleanField(default=True)

    class Meta:
        verbose_name = "secondary storage"
        constraints = [
            models.UniqueConstraint(
                fields=["zone", "name_key"],
                name="secondarystorage_name",
                violation_error_message=_("Another secondary storage of this zone has this name."),
            )
        ]

    @property
    def folder(self) -> str:
        """Where its files lie, on the workers' machine and on each host."""
        return folder_of(self)


class Template(NamedRow):
    """A disk image that machines are cloned from. Sizes are 0 until it was inspected."""

    class State(models.TextChoices):
        CREATING = "Creating", _("Creating")
        READY = "Ready", _("Ready")
        ERROR = "Error", _("Error")
        DELETING = "Deleting", _("Deleting")
        DELETED = "Deleted", _("Deleted")  # its files are gone; machines made from it still name it

    account = models.ForeignKey(Account, models.PROTECT, related_name="templates")
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="templates")
    secondary_storage = models.ForeignKey(SecondaryStorage, models.PROTECT, related_name="templates")
    is_public = models.BooleanField(default=False)
    description = models.CharField(max_length=500, blank=True)
    arch = models.CharField(max_length=16, default="x86_64")
    state = models.CharField(max_length=10, choices=State, default=State.CREATING)
    error = models.JSONField(null=True)
    size_bytes = models.BigIntegerField(default=0)
    virtual_size_bytes = models.BigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    min_memory_mib = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "name_key"],
                condition=~Q(state="Deleted"),
                name="template_name",
                violation_error_message=_(
                    "The account has an image of this name already; capitals and accents make no difference."
                ),
            ),
            models.CheckConstraint(
                condition=Q(state__in=["Creating", "Ready", "Error", "Deleting", "Deleted"]),
                name="template_state",
            ),
        ]

    @property
    def image(self) -> str:
        """Its file's name in any storage, without ending."""
        return f"tpl-{self.uuid}"


class TemplateCopy(Row):
    """A template in a pool. `uses` counts the volumes on top of it; only a copy with none, once it
    is not READY any more, may go."""

    class State(models.TextChoices):
        COPYING = "Copying", _("Copying")
        READY = "Ready", _("Ready")
        RETIRED = "Retired", _("Retired")

    template = models.ForeignKey(Template, models.PROTECT, related_name="copies")
    pool = models.ForeignKey(PrimaryStorage, models.PROTECT, related_name="template_copies")
    state = models.CharField(max_length=8, choices=State, default=State.COPYING)
    uses = models.IntegerField(default=0)

    class Meta:
        verbose_name = "template copy"
        constraints = [
            models.UniqueConstraint(fields=["template", "pool"], name="templatecopy_once"),
            models.CheckConstraint(condition=Q(uses__gte=0), name="templatecopy_uses"),
        ]


class Volume(NamedRow):
    """A virtual disk. It holds `size_bytes` of its pool exactly while `pool` is set."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="volumes")
    zone = models.ForeignKey(Zone, models.PROTECT, related_name="volumes")
    pool = models.ForeignKey(PrimaryStorage, models.PROTECT, null=True, related_name="volumes")
    template = models.ForeignKey(Template, models.PROTECT, null=True, related_name="volumes")
    template_copy = models.ForeignKey(TemplateCopy, models.PROTECT, null=True, related_name="volumes")
    size_bytes = models.BigIntegerField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(size_bytes__gt=0), name="volume_size")]
        indexes = [models.Index("name_sort", "id", name="volume_name")]

    @property
    def image(self) -> str:
        return f"vol-{self.uuid}"
