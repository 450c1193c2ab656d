"""A person of a directory becomes a user of ours, and stays the same one whatever the directory changes.

Who somebody is says the stable id alone. A name is never taken from what was typed, but from the
directory; one that somebody else has here already is nobody's to take.
"""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from apps.accounts import audit
from apps.accounts.actor import Actor
from apps.accounts.directory.after_login import after_login
from apps.accounts.directory.entries import GroupEntry, PersonEntry
from apps.accounts.directory.leaving import return_to
from apps.accounts.directory.naming import Refused, email_of, full_name_of, username_of
from apps.accounts.models import Directory, DirectoryPerson, User
from apps.core.constraints import insert, update
from apps.core.errors import Conflict, NameTaken


def arrive(directory: Directory, person: PersonEntry, groups: list[GroupEntry]) -> User:
    """The user who this person is, made or brought up to date. Refused otherwise, with an event that tells
    operators why; call it outside of a transaction, or that event goes with it."""
    try:
        with transaction.atomic():
            user = _arrive(directory, person)
            after_login(directory, user, person, groups)
            return user
    except Refused as refused:
        known = DirectoryPerson.objects.filter(directory=directory, stable_id=person.stable_id)
        known.update(disabled=person.disabled)
        name = audit.Personal(None, refused.name or next(iter(person.usernames), ""))
        told = {"reason": refused.reason, "name": name}
        audit.record(Actor.system("directory"), "directory.refuse_login", directory, **told)
        raise


def _arrive(directory: Directory, person: PersonEntry) -> User:
    if person.disabled:
        raise Refused("disabled")
    link = _link(directory, person) or _new(directory, person)
    return_to([link])
    user = link.user
    user.refresh_from_db(fields=["is_active"])
    if not user.is_active:
        raise Refused("user_inactive", user.username)
    refresh(link, person)
    return user


def _link(directory: Directory, person: PersonEntry) -> DirectoryPerson | None:
    rows = DirectoryPerson.objects.select_related("user")
    return rows.filter(directory=directory, stable_id=person.stable_id).first()


def _new(directory: Directory, person: PersonEntry) -> DirectoryPerson:
    """Two logins of one person at once make one user: who comes second finds the first one's."""
    if not person.stable_id:
        raise Refused("no_stable_id")
    user = User(username=username_of(person), full_name=full_name_of(person), email=email_of(person))
    user.set_unusable_password()
    link = DirectoryPerson(user=user, directory=directory, stable_id=person.stable_id, dn=person.dn)
    try:
        with transaction.atomic():
            insert(user)
            insert(link)
    except (NameTaken, Conflict):
        found = _link(directory, person)
        if found is None:
            raise Refused("name_taken", user.username) from None
        return found
    audit.record(Actor.system("directory"), "directory.add_user", user, directory=directory.name)
    return link


def refresh(link: DirectoryPerson, person: PersonEntry) -> list[str]:
    """Bring name, mail and place of a known user to what the directory says; what of the user changed. A
    new user name that is another's, or cannot be one, is not taken: they keep the one that they have."""
    user = link.user
    wanted = {
        "full_name": full_name_of(person),
        "email": email_of(person),
        "username": _free_name(user, person),
    }
    changed = [name for name, value in wanted.items() if getattr(user, name) != value]
    if changed:
        changes = audit.changed(user, **{name: wanted[name] for name in changed})
        for name in changed:
            setattr(user, name, wanted[name])
        update(user, *changed, "search_key")
        audit.record(Actor.system("directory"), "directory.change_user", user, changes=changes)
    link.dn, link.disabled, link.last_seen_at = person.dn, person.disabled, timezone.now()
    link.save(update_fields=["dn", "disabled", "last_seen_at"])
    return changed


def _free_name(user: User, person: PersonEntry) -> str:
    try:
        name = username_of(person)
    except Refused:
        return user.username
    if name == user.username or User.objects.filter(username__iexact=name).exclude(pk=user.pk).exists():
        return user.username
    return name
