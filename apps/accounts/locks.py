"""The one lock under which people's rights and the tree that they lie in change."""

from __future__ import annotations

from apps.accounts.models import Domain


def lock_tree() -> None:
    """Nobody else changes the tree's shape, or what people hold in it, until the transaction ends. Rows
    below ROOT may be inserted meanwhile: the lock leaves its key alone."""
    Domain.objects.select_for_update(no_key=True).filter(parent=None).first()
