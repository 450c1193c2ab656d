"""What every row of ours shares."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import models
from django.utils import timezone

from apps.core.names import MAX_NAME, fold, sort_key


class Row(models.Model):
    """A row with a public id. Integer keys never leave the database."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        abstract = True


class NamedRow(Row):
    """A row with a name that people search and sort by."""

    name = models.CharField(max_length=MAX_NAME)
    name_key = models.CharField(max_length=2 * MAX_NAME, editable=False, db_index=True)
    name_sort = models.CharField(max_length=3 * MAX_NAME, editable=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name

    def set_name(self, name: str) -> None:
        """The only way a name changes: its keys change with it. Does not save."""
        self.name, self.name_key = name, fold(name)[: 2 * MAX_NAME]
        self.name_sort = sort_key(name)[: 3 * MAX_NAME]

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.set_name(self.name)
        super().save(*args, **kwargs)
