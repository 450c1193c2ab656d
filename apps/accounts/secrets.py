"""Secrets at rest: AES-256-GCM, bound to table, row and field, with the key's id inside.

The key ring is a 0600 file outside the database and its dump: {"active": id, "keys": {id: base64}}.
A sealed text is "id:base64(nonce + ciphertext)"; moved to another row or field it does not open.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.db.models import Model

_NONCE_BYTES = 12
_sealed_fields: list[tuple[type[Model], str]] = []
_further_users: list[Callable[[], Iterable[str]]] = []


class SecretUnreadable(Exception):
    """A stored secret does not open with the key ring in use."""


def register(model: type[Model], field: str) -> None:
    """Say that `field` of `model` holds sealed text, so that a rotation finds it."""
    _sealed_fields.append((model, field))


def keep_keys_of(used: Callable[[], Iterable[str]]) -> None:
    """Say which keys, by id, something else than sealed fields was made with, so that none is dropped."""
    _further_users.append(used)


def sealed_fields() -> Iterator[tuple[type[Model], str]]:
    return iter(_sealed_fields)


def require_keyring() -> None:
    """ImproperlyConfigured unless the ring is there and only its owner may read it: asked when a process
    starts, so that none runs on without being able to open what was sealed."""
    _keyring()


def sealed_texts() -> Iterator[tuple[type[Model], object, str, str]]:
    """Everything sealed: model, the row's public id, field, sealed text. Nothing before there are tables."""
    tables = set(connection.introspection.table_names())
    for model, field in sealed_fields():
        if model._meta.db_table in tables:
            rows = model._default_manager.exclude(**{field: ""}).values_list("uuid", field)
            for row, text in rows.iterator():
                yield model, row, field, text


def prove() -> None:
    """SecretUnreadable if something sealed does not open with the ring in use."""
    for model, row, field, text in sealed_texts():
        unseal(model, row, field, text)


def create_keyring(path: Path) -> bool:
    """Write a new key ring unless there is one; True if it was written."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(handle, "w") as file:
        json.dump(add_key({"keys": {}}), file)
    return True


def add_key(ring: dict[str, object]) -> dict[str, object]:
    """The ring with a new active key; the older keys still open what they sealed."""
    key_id = secrets.token_hex(4)
    keys = {**ring["keys"], key_id: base64.b64encode(secrets.token_bytes(32)).decode()}  # type: ignore[dict-item]
    return {"active": key_id, "keys": keys}


@lru_cache(maxsize=4)
def _ring(path: Path, _changed: float) -> tuple[str, dict[str, AESGCM]]:
    if path.stat().st_mode & 0o077:
        raise ImproperlyConfigured(f"{path} can be read by others; repair with: chmod 600 {path}")
    ring = json.loads(path.read_text())
    return ring["active"], {name: AESGCM(base64.b64decode(key)) for name, key in ring["keys"].items()}


def _keyring() -> tuple[str, dict[str, AESGCM]]:
    path = settings.KEYRING_PATH
    try:
        return _ring(path, path.stat().st_mtime)
    except FileNotFoundError:
        raise ImproperlyConfigured(f"{path} is missing; make it with: manage.py init_secrets") from None


def _binding(model: type[Model], row: object, field: str) -> bytes:
    return f"{model._meta.db_table}|{row}|{field}".encode()


def seal(model: type[Model], row: object, field: str, plaintext: str) -> str:
    """Encrypt for this field of the row with public id `row`. An empty text stays empty."""
    if not plaintext:
        return ""
    key_id, keys = _keyring()
    nonce = os.urandom(_NONCE_BYTES)
    sealed = keys[key_id].encrypt(nonce, plaintext.encode(), _binding(model, row, field))
    return f"{key_id}:{base64.b64encode(nonce + sealed).decode()}"


def unseal(model: type[Model], row: object, field: str, sealed: str) -> str:
    """The plaintext; SecretUnreadable if it was sealed for another place or by an unknown key."""
    if not sealed:
        return ""
    key_id, _, body = sealed.partition(":")
    _, keys = _keyring()
    raw = base64.b64decode(body)
    try:
        return (
            keys[key_id].decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], _binding(model, row, field)).decode()
        )
    except (KeyError, InvalidTag):
        raise SecretUnreadable(f"{model._meta.db_table}.{field} of {row}") from None


@lru_cache(maxsize=16)
def _signing_key(path: Path, _changed: float, key_id: str, purpose: str) -> Ed25519PrivateKey:
    key = base64.b64decode(json.loads(path.read_text())["keys"][key_id])
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose.encode()).derive(key)
    return Ed25519PrivateKey.from_private_bytes(derived)


def sign(purpose: str, message: bytes) -> tuple[str, str]:
    """The active key's id, and the message's signature by an Ed25519 key that is derived from it for this
    purpose alone."""
    key_id, path = _keyring()[0], settings.KEYRING_PATH
    signature = _signing_key(path, path.stat().st_mtime, key_id, purpose).sign(message)
    return key_id, base64.b64encode(signature).decode()


def is_signed(purpose: str, message: bytes, key_id: str, signature: str) -> bool:
    """Whether one of the ring's keys signed just this for this purpose."""
    path = settings.KEYRING_PATH
    try:
        public = _signing_key(path, path.stat().st_mtime, key_id, purpose).public_key()
        public.verify(base64.b64decode(signature, validate=True), message)
    except (KeyError, ValueError, InvalidSignature):
        return False
    return True


def is_current(sealed: str) -> bool:
    """Whether the text is sealed by the active key."""
    return not sealed or sealed.partition(":")[0] == _keyring()[0]


def add_active_key() -> None:
    """Put a new active key into the ring's file; the older keys stay in it."""
    path = settings.KEYRING_PATH
    _keyring()
    _write_ring(path, add_key(json.loads(path.read_text())))


def reseal() -> int:
    """Seal with the active key what an older one sealed; how many secrets that were. Each row is a
    compare-and-set of its own: it may be stopped anywhere and run again, beside a running portal."""
    sealed = 0
    for model, field in sealed_fields():
        rows = model._default_manager.exclude(**{field: ""}).exclude(
            **{f"{field}__startswith": f"{_keyring()[0]}:"}
        )
        for pk, row, old in list(rows.values_list("pk", "uuid", field)):
            new = seal(model, row, field, unseal(model, row, field, old))
            sealed += model._default_manager.filter(pk=pk, **{field: old}).update(**{field: new})
    return sealed


def forget_old_keys() -> int:
    """Drop the keys that seal nothing any more from the ring's file; how many those were."""
    path = settings.KEYRING_PATH
    ring = json.loads(path.read_text())
    used = {text.partition(":")[0] for _model, _row, _field, text in sealed_texts()}
    if not used:
        return 0  # an empty database is more likely the wrong one than a reason to drop keys
    used.add(ring["active"])
    used.update(key for further in _further_users for key in further())
    kept = {name: key for name, key in ring["keys"].items() if name in used}
    _write_ring(path, {"active": ring["active"], "keys": kept})
    return len(ring["keys"]) - len(kept)


def _write_ring(path: Path, ring: dict[str, object]) -> None:
    """Beside it, then renamed over it: a reader sees the old ring or the new one."""
    beside = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump(ring, file)
        file.flush()
        os.fsync(file.fileno())
    beside.rename(path)
