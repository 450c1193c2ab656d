"""What a login through a directory brings with it besides the user."""

from __future__ import annotations

from apps.accounts.directory.entries import GroupEntry, PersonEntry
from apps.accounts.directory.groups import keep_groups, put_in_groups
from apps.accounts.models import Directory, User


def after_login(directory: Directory, user: User, person: PersonEntry, groups: list[GroupEntry]) -> None:
    """Called in the transaction that lets the person in; `groups` are theirs, through other groups too."""
    put_in_groups(directory, user, keep_groups(directory, groups))
