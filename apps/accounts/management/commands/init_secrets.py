"""Make the secret files of this site, unless they are there."""

from __future__ import annotations

import os
import secrets as random_source
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.accounts.secrets import SecretUnreadable, create_keyring, prove, sealed_texts


class Command(BaseCommand):
    help = (
        "Makes the signing key, the key ring and the key that logs in to hosts (0600) in "
        "CLOUDPORTAL_VAR/secrets, unless they are there, and tries the ring on everything sealed."
    )
    requires_system_checks: tuple[str, ...] = ()

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.KEYRING_PATH.exists() and next(sealed_texts(), None):
            raise CommandError(
                f"{settings.KEYRING_PATH} is missing, and the database holds secrets sealed by it: "
                "put it back from its backup; no new one would open them"
            )
        made = {
            "django.key": create_signing_key(settings.SECRETS / "django.key"),
            "keyring.json": create_keyring(settings.KEYRING_PATH),
            "portal_ed25519": create_portal_key(settings.PORTAL_KEY_PATH),
        }
        try:
            prove()
        except SecretUnreadable as error:
            raise CommandError(
                f"{settings.KEYRING_PATH} does not open {error}: put the right key ring back from its backup"
            ) from None
        for name, new in made.items():
            self.stdout.write(f"{settings.SECRETS / name}: {'made' if new else 'there already'}")


def create_signing_key(path: Path) -> bool:
    """Write a new signing key unless there is one; True if it was written."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(handle, "w") as file:
        file.write(random_source.token_urlsafe(48))
    return True


def create_portal_key(path: Path) -> bool:
    """Write a new key by which the portal logs in to hosts unless there is one, its public half before
    it; True if it was written."""
    if path.exists():
        return False
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    for place, text in ((path.with_suffix(".pub"), public + b" cloudportal\n"), (path, private)):
        beside = place.with_name(f"{place.name}.new")
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(text)
        beside.rename(place)
    return True
