"""The portal's second way to log in by name and password: through the campus' directories."""

from __future__ import annotations

import logging
import secrets
import unicodedata
from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from apps.accounts.directory.failures import DirectoryUnavailable
from apps.accounts.models import Directory, User

log = logging.getLogger(__name__)
_LONGEST = 256


class DirectoryBackend(ModelBackend):
    """Asks each directory that could know the name. What it found out of order is kept with the request:
    `silent_directories`."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **_: Any,
    ) -> User | None:
        if not username or not password or len(username) > _LONGEST or len(password) > _LONGEST:
            return None
        if not username.isprintable():
            return None
        asked = _asked_for(username)
        if asked is None:
            _ask_for_nobody(request)
            return None
        for directory in asked:
            user = _ask(directory, request, username, password)
            if user is not None:
                return user
        return None


def silent_directories(request: HttpRequest) -> list[str]:
    """Names of the directories that could not answer while this request logged somebody in."""
    return list(getattr(request, "silent_directories", []))


def _asked_for(username: str) -> list[Directory] | None:
    """A known person's own directory, or all that are enabled; None if none may be asked. The name of a
    local super admin is asked for nowhere: whoever breaks the glass sends no password over a network."""
    name = unicodedata.normalize("NFKC", username).strip()
    known = User.objects.select_related("directory_person__directory").filter(username__iexact=name).first()
    if known is not None:
        link = getattr(known, "directory_person", None)
        if link is not None:
            return [link.directory] if link.directory.enabled else None
        if known.is_super_admin:
            return None
    return _enabled()


def _enabled() -> list[Directory]:
    return list(Directory.objects.filter(enabled=True).order_by("name_sort", "pk"))


def _ask_for_nobody(request: HttpRequest | None) -> None:
    """Whose name is asked for nowhere waits as long, and is told of the same directories that do not answer,
    as whoever types a name that nobody has."""
    for directory in _enabled():
        _ask(directory, request, secrets.token_hex(8), secrets.token_hex(16))


def _ask(directory: Directory, request: HttpRequest | None, username: str, password: str) -> User | None:
    try:
        from apps.accounts.directory.login import try_login  # noqa: PLC0415 - the library is not everywhere
    except ImportError:
        log.exception("directory %s: this installation has no LDAP library", directory.uuid)
        _note(request, directory)
        return None
    try:
        return try_login(directory, request, username, password)
    except DirectoryUnavailable as failure:
        reason = failure.params["reason"]
        log.warning("directory %s: %s %s %s", directory.uuid, reason, failure.server, failure.technical)
        if reason != "map_ambiguous":
            _note(request, directory)
        return None


def _note(request: HttpRequest | None, directory: Directory) -> None:
    if request is not None:
        request.silent_directories = [*silent_directories(request), directory.name]  # type: ignore[attr-defined]
