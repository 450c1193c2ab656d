"""The part of making a plan's changes that is about people."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone

from apps.accounts import audit
from apps.accounts.actor import Actor
from apps.accounts.directory.changes import Change
from apps.accounts.directory.leaving import leave, return_to
from apps.accounts.models import DirectoryPerson, User, search_key_of

if TYPE_CHECKING:
    from apps.accounts.directory.apply import Apply

ACTOR = Actor.system("directory")
_OF_USERS = ("username", "full_name", "email")


def now() -> datetime:
    return timezone.now()


def add(apply: Apply, changes: list[Change]) -> None:
    """Two who make one person's user at once make one: the link decides, and the other user goes. A name
    that somebody took meanwhile is theirs."""
    wanted = {change.key: change for change in changes if change.key not in apply.links}
    links = DirectoryPerson.objects.filter(directory=apply.directory)
    there = set(links.filter(stable_id__in=wanted).values_list("stable_id", flat=True))
    users = {key: _user(each) for key, each in wanted.items() if key not in there}
    User.objects.bulk_create(users.values(), ignore_conflicts=True)
    made = {user.uuid: user for user in User.objects.filter(uuid__in=[user.uuid for user in users.values()])}
    rows = [
        DirectoryPerson(
            user=made[user.uuid],
            directory=apply.directory,
            stable_id=key,
            dn=wanted[key].data["dn"],
            last_seen_at=apply.observed_at,
        )
        for key, user in users.items()
        if user.uuid in made
    ]
    DirectoryPerson.objects.bulk_create(rows, ignore_conflicts=True)
    kept = links.select_related("user").filter(stable_id__in=[row.stable_id for row in rows])
    mine = {row.stable_id: row for row in kept if row.user.uuid in made}
    lost = {user.pk for user in made.values()} - {row.user_id for row in mine.values()}
    if lost:
        User.objects.filter(pk__in=lost).delete()
    apply.links.update(mine)
    told = [(row.user, {"directory": apply.directory.name}) for row in mine.values()]
    audit.record_each(ACTOR, "directory.add_user", told)


def _user(change: Change) -> User:
    given = {name: change.data[name] for name in _OF_USERS}
    user = User(**given, password=make_password(None))
    user.search_key = search_key_of(user.username, user.full_name, user.email)
    return user


def change(apply: Apply, changes: list[Change]) -> None:
    found = apply.of_known(changes)
    names = [each.data["username"] for each, _link in found if "username" in each.data]
    keys = [link.user_id for _change, link in found]
    rows = User.objects.annotate(small=Lower("username")).filter(small__in=names).exclude(pk__in=keys)
    taken = set(rows.values_list("small", flat=True)) if names else set()
    told: list[audit.Told] = []
    for each, link in found:
        data = {name: each.data[name] for name in _OF_USERS if name in each.data}
        if data.get("username") in taken:
            del data["username"]
        differs = audit.changed(link.user, **data)
        for name, value in data.items():
            setattr(link.user, name, value)
        link.user.search_key = search_key_of(link.user.username, link.user.full_name, link.user.email)
        link.dn = each.data.get("dn", link.dn)
        if differs:
            told.append((link.user, {"changes": differs}))
    audit.record_each(ACTOR, "directory.change_user", told)
    _save([link.user for _change, link in found])
    DirectoryPerson.objects.bulk_update([link for _change, link in found], ["dn"])


def _save(users: list[User]) -> None:
    """All at once; where a name was taken in this very moment, one by one, and that one keeps its own."""
    fields = [*_OF_USERS, "search_key"]
    try:
        with transaction.atomic():
            User.objects.bulk_update(users, fields)
    except IntegrityError:
        for user in users:
            try:
                with transaction.atomic():
                    user.save(update_fields=fields)
            except IntegrityError:
                user.refresh_from_db(fields=["username"])
                user.save(update_fields=["full_name", "email", "search_key"])


def let_in(apply: Apply, changes: list[Change]) -> None:
    return_to([link for _change, link in apply.of_known(changes)])


def keep_out(apply: Apply, changes: list[Change]) -> None:
    """Whoever logged in meanwhile is there after all."""
    found = apply.of_known(changes)
    for each, link in found:
        link.disabled = each.data["reason"] == "disabled"
    leave(apply.directory, [link for _change, link in found])
    apply.lost |= {link.user_id for _change, link in found}


def seen(apply: Apply) -> None:
    """Note of all who are here when the directory showed them."""
    rows = DirectoryPerson.objects.filter(directory=apply.directory, left_at=None)
    older = rows.filter(Q(last_seen_at=None) | Q(last_seen_at__lt=apply.observed_at))
    older.update(last_seen_at=apply.observed_at)
