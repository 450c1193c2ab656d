"""What the portal itself keeps: how a reader likes to look at a list."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.core.models import NamedRow

MAX_QUERY = 4000


class SavedView(NamedRow):
    """A list's filters, order and columns under a name: a reader's own, seen by nobody else. `query` is
    that of the list's URL; the `is_default` one is what its address without a query leads to."""

    user = models.ForeignKey(User, models.CASCADE, related_name="saved_views", db_index=False)
    list_key = models.CharField(max_length=40)
    query = models.CharField(max_length=MAX_QUERY, blank=True)
    is_default = models.BooleanField(default=False)

    class Meta:
        verbose_name = "saved view"
        constraints = [
            models.UniqueConstraint(
                fields=["user", "list_key", "name_key"],
                name="savedview_name",
                violation_error_message=_("Another view of this list has this name."),
            ),
            models.UniqueConstraint(
                fields=["user", "list_key"], condition=Q(is_default=True), name="savedview_one_default"
            ),
        ]
