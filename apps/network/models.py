"""Guest networks and their addresses."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from apps.core.models import NamedRow
from apps.zones.models import Pod, Zone


class Network(NamedRow):
    """One flat guest network a pod: a bridge on each of its hosts."""

    zone = models.ForeignKey(Zone, models.PROTECT, related_name="networks")
    pod = models.OneToOneField(Pod, models.PROTECT, related_name="network")
    cidr = models.CharField(max_length=18)
    gateway = models.GenericIPAddressField(protocol="IPv4")
    bridge = models.CharField(max_length=15)
    mtu = models.PositiveIntegerField(default=1500)

    @property
    def prefix_length(self) -> int:
        return int(self.cidr.rpartition("/")[2])


class IpAddress(models.Model):
    """An address of a network. It is taken while `holder`, the public id of a Nic, is set; after
    that it rests until `free_after`, so that caches elsewhere forget its last holder."""

    network = models.ForeignKey(Network, models.PROTECT, related_name="addresses")
    address = models.GenericIPAddressField(protocol="IPv4")
    number = models.BigIntegerField()  # the address as an integer: order, and a place to start from
    holder = models.UUIDField(null=True)
    free_after = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "IP address"
        constraints = [
            models.UniqueConstraint(fields=["network", "number"], name="ipaddress_once"),
            models.UniqueConstraint(
                fields=["holder"],
                condition=Q(holder__isnull=False),  # in the form in which SQLite sees that it may use it
                name="ipaddress_one_a_nic",
            ),
        ]
        indexes = [
            models.Index(F("network"), F("number"), condition=Q(holder=None), name="ipaddress_free"),
        ]

    def __str__(self) -> str:
        return self.address
