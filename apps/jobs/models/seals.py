"""Seals: the chain of hashes over all events, in segments, and who makes it."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone


class Segment(models.Model):
    """A stretch of the record whose hash is known. Each row's link is made from the link before it and
    from the row; `head` is the last of them and `previous` the head of the segment before.

    `manifest` holds for each row its key (8 bytes) and its link (32), so that it can be told which row is
    not as it was. Once `pruned_at` is set the rows and the manifest are gone and the head stays.
    """

    number = models.PositiveBigIntegerField(unique=True)  # 1, 2, 3, ... without gaps
    first = models.BigIntegerField()  # keys of its first and last event
    last = models.BigIntegerField(unique=True)
    rows = models.PositiveIntegerField()
    last_at = models.DateTimeField()
    previous = models.CharField(max_length=64)
    head = models.CharField(max_length=64)
    key = models.CharField(max_length=16)  # of the ring, by its id
    signature = models.CharField(max_length=120)
    manifest = models.BinaryField()
    sealed_at = models.DateTimeField(default=timezone.now, editable=False)
    pruned_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(rows__gt=0, first__lte=F("last"), number__gt=0), name="segment_is_a_stretch"
            )
        ]


class Sealer(models.Model):
    """The one row of whoever seals. It is theirs while `lease` is their token and `due` lies ahead.

    `upto` is the key up to which everything is settled once the writers in `awaited` have ended.
    """

    ONLY = 1

    lease = models.UUIDField(null=True)
    due = models.DateTimeField(default=timezone.now)
    upto = models.BigIntegerField(default=0)
    awaited = models.JSONField(default=list)
    trouble = models.CharField(max_length=40, blank=True)  # why nothing is sealed: a code
    checked_at = models.DateTimeField(null=True)  # when all of it was verified last
    found = models.PositiveIntegerField(default=0)  # and how much was amiss

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="sealer_is_one")]


def keys_of_heads() -> list[str]:
    """The ring's keys that heads were signed with, by id."""
    return list(Segment.objects.order_by().values_list("key", flat=True).distinct())
