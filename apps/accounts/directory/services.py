"""Directories: added, changed, tried, switched, forgotten. The portal connects to what they name, so they
are a matter of the whole cloud: no scope below it gives a right to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.accounts import audit, background, policy, secrets
from apps.accounts.actor import Actor
from apps.accounts.directory import checks
from apps.accounts.directory.defaults import DEFAULTS
from apps.accounts.models import Directory, Grant, Group
from apps.accounts.sessions import cut_off_each, end_sessions_of_each
from apps.core.checks import clean_choice, clean_whole
from apps.core.constraints import delete, insert, update
from apps.core.errors import InvalidInput, StateConflict
from apps.core.names import clean_name

_CLEAN: dict[str, Callable[[Any], Any]] = {
    "name": clean_name,
    "servers": checks.clean_servers,
    "ca_certificate": checks.clean_certificate,
    "bind_dn": lambda value: checks.clean_dn(value, place="bind_dn", empty=True),
    "people_bases": lambda value: checks.clean_bases(value, place="people_bases"),
    "people_filter": lambda value: checks.clean_filter(value, place="people_filter"),
    "group_bases": lambda value: checks.clean_bases(value, place="group_bases", empty=True),
    "group_filter": lambda value: checks.clean_filter(value, place="group_filter"),
    "login_attributes": lambda value: checks.clean_attributes(value, place="login_attributes"),
    "mail_attribute": lambda value: checks.clean_attribute(value, place="mail_attribute"),
    "full_name_attribute": lambda value: checks.clean_attribute(value, place="full_name_attribute"),
    "group_name_attribute": lambda value: checks.clean_attribute(value, place="group_name_attribute"),
    "stable_id_attribute": lambda value: checks.clean_attribute(value, place="stable_id_attribute"),
    "attributes": lambda value: checks.clean_attributes(value, place="attributes", empty=True),
    "disabled_filter": lambda value: checks.clean_filter(value, place="disabled_filter", empty=True),
    "deadline_seconds": lambda value: clean_whole(value, place="deadline_seconds", low=1, high=30),
    "page_size": lambda value: clean_whole(value, place="page_size", low=1, high=1000),
}
FIELDS = (*_CLEAN, "bind_password")
"""What is set of a directory, besides its kind."""
_WHERE_THE_PASSWORD_GOES = ("servers", "ca_certificate", "bind_dn")
_IDENTITY = ("stable_id_attribute",)


def lock_of(directory: Directory) -> str:
    return f"directory:{directory.uuid}"


@transaction.atomic
def create_directory(actor: Actor, *, kind: str, **given: Any) -> Directory:
    """A directory, enabled. What is not given is as usual for its kind (`defaults.DEFAULTS`)."""
    policy.require(actor, "directory.create")
    kind = clean_choice(kind, Directory.Kind, place="kind")
    for needed in ("name", "servers", "people_bases"):
        if needed not in given:
            raise InvalidInput("required", place=needed)
    directory = Directory(kind=kind)
    password = checks.clean_password(given.pop("bind_password", ""))
    for field, value in {**DEFAULTS[kind], **given}.items():
        setattr(directory, field, _clean(field, value))
    _require_password(directory, password)
    directory.bind_password = _sealed(directory, password)
    insert(directory)
    audit.record(actor, "directory.create", directory, servers=directory.servers)
    return directory


def _clean(field: str, value: Any) -> Any:
    if field not in _CLEAN:
        raise InvalidInput("unknown_field", place=field[:100], known=", ".join(FIELDS))
    return _CLEAN[field](value)


def _sealed(directory: Directory, password: str) -> str:
    return secrets.seal(Directory, directory.uuid, "bind_password", password)


def _require_password(directory: Directory, password: str) -> None:
    """A bind with a DN and no password binds nobody, and servers say that it went well (RFC 4513, 5.1.2)."""
    if directory.bind_dn and not password:
        raise InvalidInput("required", place="bind_password")


@transaction.atomic
def change_directory(actor: Actor, directory: Directory, **given: Any) -> Directory:
    """Change what is given. Who changes where the bind password is sent must give it again: nobody learns
    a stored one by naming a server of their own."""
    policy.require(actor, "directory.change", directory)
    directory = Directory.objects.select_for_update().get(pk=directory.pk)
    password = given.pop("bind_password", None)
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for field, value in given.items():
        new = _clean(field, value)
        if new != getattr(directory, field):
            before[field], after[field] = getattr(directory, field), new
            setattr(directory, field, new)
    if password:
        directory.bind_password = _sealed(directory, checks.clean_password(password))
    elif not directory.bind_dn:
        directory.bind_password = ""
    elif not directory.bind_password or set(after) & set(_WHERE_THE_PASSWORD_GOES):
        raise InvalidInput("password_again", place="bind_password")
    if set(after) & set(_IDENTITY) and directory.people.exists():
        raise InvalidInput("people_known_by_it", place="stable_id_attribute")
    changes = audit.compared(before, after)
    if password:
        changes["bind_password"] = [audit.HIDDEN, audit.HIDDEN]
    if not changes:
        return directory
    update(directory)
    audit.record(actor, "directory.change", directory, changes=changes)
    return directory


@transaction.atomic
def enable_directory(actor: Actor, directory: Directory) -> Directory:
    """Let its people log in again."""
    return _switch(actor, directory, enabled=True)


@transaction.atomic
def disable_directory(actor: Actor, directory: Directory) -> Directory:
    """Nobody logs in through it, and it is read no more. The sessions of its people end, and whoever was
    about to log in does not; their tokens stay."""
    return _switch(actor, directory, enabled=False)


def _switch(actor: Actor, directory: Directory, *, enabled: bool) -> Directory:
    kind = "directory.enable" if enabled else "directory.disable"
    policy.require(actor, kind, directory)
    if Directory.objects.filter(pk=directory.pk, enabled=not enabled).update(enabled=enabled):
        told = {} if enabled else {"sessions_ended": end_sessions_of_each(_people(directory))}
        audit.record(actor, kind, directory, changes={"enabled": [not enabled, enabled]}, **told)
    directory.refresh_from_db()
    return directory


@transaction.atomic
def remove_directory(actor: Actor, directory: Directory) -> None:
    """Forget a directory that is disabled, and its groups with what they were granted. Its people stay
    users who own what they own; they have no password and no directory: an operator lets them in. Their
    sessions, links and tokens end."""
    policy.require(actor, "directory.remove", directory)
    directory = Directory.objects.select_for_update().get(pk=directory.pk)
    if directory.enabled:
        raise StateConflict(reason="directory_enabled")
    touched = touched_by(directory)
    audit.record(actor, "directory.remove", directory, **touched)
    cut_off_each(_people(directory))
    Group.objects.filter(directory_group__directory=directory).delete()
    delete(directory)


def _people(directory: Directory) -> list[int]:
    return list(directory.people.values_list("user", flat=True))


def touched_by(directory: Directory) -> dict[str, int]:
    """What ends with the directory: links to people, groups, and grants to those groups."""
    grants = Grant.objects.filter(group__directory_group__directory=directory)
    return {
        "people": directory.people.count(),
        "groups": directory.groups.count(),
        "grants": grants.count(),
    }


@transaction.atomic
def test_directory(actor: Actor, directory: Directory) -> Any:
    """A job that tries every server, step by step, and keeps what it found with the directory. One that is
    at it already is joined."""
    policy.require(actor, "directory.test", directory)
    return background.submit(
        actor, "directory.test", directory, lock_keys=[f"{lock_of(directory)}:test"], on_busy="join"
    )


def keep_test(directory: Directory, found: dict[str, Any]) -> None:
    """What the job found. Only the job calls this."""
    Directory.objects.filter(pk=directory.pk).update(test=found, tested_at=timezone.now())
