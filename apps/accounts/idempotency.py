"""A repeated request is answered like the first: nothing is done twice under one key of a user."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.crypto import salted_hmac

from apps.accounts.actor import Actor
from apps.accounts.limits import Limits
from apps.accounts.models import IdempotencyKey, User
from apps.core.errors import IdempotencyMismatch, MalformedRequest

Answer = dict[str, Any]
MAX_KEY = 255
_SAME: dict[str, Any] = {"sort_keys": True, "default": str}


def check_key(key: str) -> str:
    """The key; MalformedRequest unless it is 1 to 255 visible ASCII characters."""
    if not 1 <= len(key) <= MAX_KEY or not all("!" <= char <= "~" for char in key):
        raise MalformedRequest("bad_idempotency_key", place="Idempotency-Key")
    return key


def once(actor: Actor, key: str, request: object, act: Callable[[], Answer]) -> tuple[Answer, bool]:
    """(answer, whether `act` gave it now). `request` is any JSON value: IdempotencyMismatch if the
    key came with another one, or by a token that is kept to something else: what one was answered is
    not told to another that may less. The key is taken in the transaction of the act: of two requests
    at once the second waits for the first, and an act that fails leaves the key free."""
    user = actor.user
    assert user is not None  # noqa: S101 - the system repeats nothing
    text = json.dumps([request, kept_to] if (kept_to := _kept_to(actor.limits)) else request, **_SAME)
    fingerprint = salted_hmac("cloudportal.idempotency", text, algorithm="sha256").hexdigest()
    try:
        with transaction.atomic():
            row = IdempotencyKey.objects.create(user=user, key=check_key(key), fingerprint=fingerprint)
            row.answer = act()
            row.save(update_fields=["answer"])
            return row.answer, True
    except IntegrityError:
        first = IdempotencyKey.objects.filter(user=user, key=key).first()
        if first is None:
            raise
    if first.fingerprint != fingerprint:
        raise IdempotencyMismatch(place="Idempotency-Key")
    return first.answer or {}, False


def _kept_to(limits: Limits | None) -> dict[str, Any] | None:
    """The same for all tokens that are kept to the same, and for none that is kept from nothing."""
    if limits is None:
        return None
    patterns, accounts = limits.patterns, limits.account_ids
    return {
        "verbs": None if patterns is None else sorted(patterns),
        "accounts": None if accounts is None else sorted(accounts),
    }


def answer_of(user: User, key: str) -> Answer | None:
    """What was answered under this key, for as long as that is kept."""
    row = IdempotencyKey.objects.filter(user=user, key=key).first()
    return row.answer if row else None
