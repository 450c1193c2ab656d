"""Events of this app's own services. The app that keeps events stands above it and registers how.

Here is also what every service may put into an event: what a change changed, people by a reference that can
be erased, and never a secret.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

from django.db.models import Model

from apps.accounts.actor import Actor
from apps.accounts.models import User

SECRETS = frozenset(
    {
        *("access_key", "authorization", "bind_password", "cookie", "credential", "credentials", "digest"),
        *("fragment", "key_material", "link", "passphrase", "password", "private_key", "secret"),
        *("secret_key", "session", "session_key", "token", "user_data"),
    }
)
"""Names under which nothing is recorded but that something was there: see `is_secret`."""
HIDDEN = "***"
PERSONAL = frozenset({"username", "full_name", "email", "mail", "display_name", "ldap_dn", "dn", "phone"})
"""Columns of a user that say who somebody is."""


@dataclass(frozen=True, slots=True)
class Personal:
    """Words about somebody, for an event's data: a mail address, a name. They are kept apart and can be
    erased. A `User` or an `Actor` in an event's data stands for their name in the same way."""

    user: User | None
    words: str


Told = tuple[Any, Mapping[str, Any]]
"""What an event is about, and its data; under "changes" what a change changed."""


class Recorder(Protocol):
    def __call__(self, actor: Actor, kind: str, told: Sequence[Told]) -> object: ...


_recorders: list[Recorder] = []


def keep_with(recorder: Recorder) -> None:
    """Called once, by the app that keeps events, when it is ready."""
    _recorders[:] = [recorder]


def record(
    actor: Actor,
    kind: str,
    target: Model | None,
    *,
    changes: Any = None,
    **data: Any,
) -> None:
    """Insert an event, in the transaction of the change. `changes` comes from `changed`: field ->
    [before, after]."""
    record_each(actor, kind, [(target, {**data, "changes": changes or {}})])


def record_each(actor: Actor, kind: str, told: Sequence[Told]) -> None:
    """An event about each of many, in as many queries as for one."""
    if told:
        for recorder in _recorders:
            recorder(actor, kind, told)


def is_secret(name: str) -> bool:
    """Whether what goes by this name is kept out of events."""
    return name in SECRETS or name.endswith(("_password", "_secret", "_private_key", "_token"))


def changed(row: Model, **new: Any) -> dict[str, list[Any]]:
    """What setting these fields of the row will change: field -> [before, after]. Call it before they are
    set. Other objects stand by their name, people by a reference, secrets by nothing at all."""
    return compared({name: getattr(row, name) for name in new}, new, row)


def compared(
    was: Mapping[str, Any], now: Mapping[str, Any], row: Model | None = None
) -> dict[str, list[Any]]:
    """The same of what a row was and is, field by field."""
    found: dict[str, list[Any]] = {}
    for name, after in now.items():
        if was[name] != after:
            pair = (was[name], after)
            found[name] = [HIDDEN] * 2 if is_secret(name) else [_told(row, name, value) for value in pair]
    return found


def _told(row: Model | None, name: str, value: Any) -> Any:
    if isinstance(row, User) and name in PERSONAL and value:
        return Personal(row, str(value))
    return plain(value)


def plain(value: Any) -> Any:
    """As JSON has it; what the recorder treats by itself is left as it is."""
    if value is None or isinstance(value, bool | int | float | User | Personal):
        return value
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Model):
        return str(getattr(value, "name", "") or getattr(value, "uuid", ""))
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return str(value)


_erasers: list[Callable[[User], object]] = []


def erase_with(eraser: Callable[[User], object]) -> None:
    """Called once, by the app that keeps events, when it is ready."""
    _erasers[:] = [eraser]


def erase_names(user: User) -> None:
    """Take the names of somebody who goes out of the record; what they did stays."""
    for eraser in _erasers:
        eraser(user)
