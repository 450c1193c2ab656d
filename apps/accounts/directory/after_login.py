"""What a login through a directory brings with it besides the user: groups and memberships, as the rules in
force say."""

from __future__ import annotations

from django.db.models import F
from django.utils import timezone

from apps.accounts.directory.apply import Apply
from apps.accounts.directory.brake import Brake
from apps.accounts.directory.entries import GroupEntry, PersonEntry
from apps.accounts.directory.groups import groups_left, keep_groups, put_in_groups
from apps.accounts.directory.plan import plan_person
from apps.accounts.directory.present import present_of_person
from apps.accounts.directory.rules import from_data
from apps.accounts.locks import lock_tree
from apps.accounts.models import (
    Directory,
    DirectoryPerson,
    DirectorySync,
    GroupMember,
    SyncRun,
    User,
)
from apps.accounts.recheck import recheck


def after_login(directory: Directory, user: User, person: PersonEntry, groups: list[GroupEntry]) -> None:
    """Called in the transaction that lets the person in; `groups` are theirs, through other groups too.
    From how many people logins took something is counted, so that a thousand of them take no more than
    one sync may."""
    sync = DirectorySync.objects.filter(directory=directory).first()
    rules = from_data(sync.rules) if sync else ()
    kept = keep_groups(directory, groups)
    put_in_groups(user, kept)
    link = DirectoryPerson.objects.select_related("directory").get(user=user)
    present = present_of_person(link, {rule.domain for rule in rules if rule.domain})
    made = plan_person(person, rules, present, timezone.now())
    left = groups_left(directory, user, kept)
    takes = bool(left) or any(change.takes for change in made.changes)
    if takes:
        lock_tree()
    may_take = not takes or _may_take(directory)
    Apply(directory, [each for each in made.changes if may_take or not each.takes], None).make()
    if left and may_take:
        GroupMember.objects.filter(pk__in=left).delete()
        recheck([user.pk])


def _may_take(directory: Directory) -> bool:
    """Whether something may be taken from one more person now. What may not waits for the next sync, where
    the brake sees it whole. Compare-and-set: logins at once count once each."""
    if SyncRun.objects.filter(directory=directory, outcome=SyncRun.Outcome.HELD).exists():
        return False
    sync, _new = DirectorySync.objects.get_or_create(directory=directory)
    people = DirectoryPerson.objects.filter(directory=directory, left_at=None).count()
    limit = Brake(sync.brake_percent, sync.brake_least).limit(people)
    room = DirectorySync.objects.filter(pk=sync.pk, removed_at_login__lt=limit)
    return bool(room.update(removed_at_login=F("removed_at_login") + 1))
