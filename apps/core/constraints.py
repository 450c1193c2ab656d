"""From a database's refusal to the words of the constraint that refused.

PostgreSQL names the constraint; SQLite names a check constraint, but of a unique one the columns.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, TypeVar

from django.apps import apps
from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import CheckConstraint, Field, Model, ProtectedError, UniqueConstraint

from apps.core.errors import CloudError, Conflict, NameTaken, ObjectInUse

_SQLITE_UNIQUE = re.compile(r"UNIQUE constraint failed: (.+)")
_SQLITE_INDEX = re.compile(r"index '(\w+)'")
_SQLITE_CHECK = re.compile(r"CHECK constraint failed: (\w+)")
M = TypeVar("M", bound=Model)
_NAMES = frozenset({"name_key", "username"})
_NOT_SAVED = "did not affect any rows"
"""What Django says, without a type of its own, of a row that is saved and is there no more."""


@lru_cache(maxsize=1)
def _by_name() -> dict[str, tuple[type[Model], UniqueConstraint | CheckConstraint]]:
    return {
        constraint.name: (model, constraint)
        for model in apps.get_models()
        for constraint in model._meta.constraints
        if isinstance(constraint, UniqueConstraint | CheckConstraint)
    }


@lru_cache(maxsize=1)
def _by_columns() -> dict[frozenset[str], tuple[type[Model], UniqueConstraint]]:
    found = {}
    for model, constraint in _by_name().values():
        if isinstance(constraint, UniqueConstraint) and constraint.fields:
            fields = [model._meta.get_field(name) for name in constraint.fields]
            columns = frozenset(
                f"{model._meta.db_table}.{field.column}" for field in fields if isinstance(field, Field)
            )
            found[columns] = (model, constraint)
    return found


def insert(row: M) -> M:
    """Save a new row; a broken constraint is told in its own words, and the transaction goes on."""
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        raise refusal(error) from None
    return row


def check(row: Model) -> None:
    """Refuse a new row as `insert` would now, in the same words. Only reads."""
    for constraint in row._meta.constraints:
        if isinstance(constraint, UniqueConstraint | CheckConstraint):
            try:
                constraint.validate(type(row), row)
            except ValidationError:
                raise _described(type(row), constraint) from None


def update(row: M, *fields: str) -> M:
    """Save a row that is there, or these fields of it; a broken constraint is told in its own words."""
    try:
        with transaction.atomic():
            row.save(force_update=True, update_fields=fields or None)
    except IntegrityError as error:
        raise refusal(error) from None
    return row


def delete(row: Model) -> None:
    """Delete a row; ObjectInUse counts what still refers to it."""
    try:
        with transaction.atomic():
            row.delete()
    except ProtectedError as error:
        raise in_use(error) from None


def is_gone(error: Exception) -> bool:
    """Whether a row that was found is there no more: somebody removed it before it was changed."""
    return isinstance(error, ObjectDoesNotExist) or (
        type(error) is DatabaseError and _NOT_SAVED in str(error)
    )


def in_use(error: ProtectedError) -> ObjectInUse:
    """What stands in the way of a deletion: how many rows of which kinds."""
    counts: dict[str, int] = {}
    for row in error.protected_objects:
        kind = str(row._meta.verbose_name)
        counts[kind] = counts.get(kind, 0) + 1
    return ObjectInUse(counts=counts)


def refusal(error: IntegrityError) -> CloudError:
    """The CloudError that says what a broken constraint means. Never holds a stored value."""
    diagnosis = getattr(error.__cause__, "diag", None)
    name = getattr(diagnosis, "constraint_name", None) or ""
    text = str(error)
    if match := _SQLITE_CHECK.search(text) or _SQLITE_INDEX.search(text):
        name = match[1]
    if name in _by_name():
        model, constraint = _by_name()[name]
        return _described(model, constraint)
    if match := _SQLITE_UNIQUE.search(text):
        columns = frozenset(column.strip() for column in match[1].split(","))
        if columns in _by_columns():
            return _described(*_by_columns()[columns])
        field = match[1].rpartition(".")[2]
        return NameTaken(place=field) if field in _NAMES else Conflict(place=field, constraint="unique")
    if "username" in name:
        return NameTaken(place="username")
    return Conflict(constraint=name or "foreign_key")


def _described(model: type[Model], constraint: UniqueConstraint | CheckConstraint) -> CloudError:
    message = constraint.violation_error_message
    words: dict[str, Any] = {"said": message} if message != constraint.default_violation_error_message else {}
    if isinstance(constraint, UniqueConstraint) and _NAMES & set(constraint.fields):
        return NameTaken(place="name", kind=str(model._meta.verbose_name), **words)
    if constraint.name == "user_username_once":
        return NameTaken(place="username", kind=str(model._meta.verbose_name), **words)
    return Conflict(constraint=constraint.name, kind=str(model._meta.verbose_name), **words)
