"""Service offerings and SSH keys: what a machine is made from."""

from __future__ import annotations

import base64
import hashlib

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_ssh_public_key,
)
from django.db import transaction

from apps.accounts import audit, policy
from apps.accounts.actor import Actor
from apps.accounts.models import Account
from apps.accounts.standing import require_active
from apps.compute.models import ServiceOffering, SshKeyPair
from apps.core.constraints import check, delete, insert, update
from apps.core.errors import InvalidInput
from apps.core.names import clean_name
from apps.jobs import events

MAX_PUBLIC_KEY = 16384


@transaction.atomic
def create_service_offering(
    actor: Actor, *, name: str, vcpus: int, memory_mib: int, root_disk_gib: int = 0
) -> ServiceOffering:
    policy.require(actor, "service_offering.create")
    for place, value, low, high in (
        ("vcpus", vcpus, 1, 1024),
        ("memory_mib", memory_mib, 64, 16 * 1024 * 1024),
        ("root_disk_gib", root_disk_gib, 0, 65536),
    ):
        if not isinstance(value, int) or not low <= value <= high:
            raise InvalidInput("out_of_range", place=place, low=low, high=high)
    row = insert(
        ServiceOffering(
            name=clean_name(name), vcpus=vcpus, memory_mib=memory_mib, root_disk_gib=root_disk_gib
        )
    )
    events.record(actor, "service_offering.create", row)
    return row


@transaction.atomic
def change_service_offering(actor: Actor, row: ServiceOffering, *, name: str) -> ServiceOffering:
    """Give an offering another name. Its sizes are those of the machines made from it: they stay."""
    policy.require(actor, "service_offering.change", row)
    row.refresh_from_db()
    name = clean_name(name)
    changes = audit.changed(row, name=name)
    row.name = name
    if changes:
        update(row, "name", "name_key", "name_sort")
        events.record(actor, "service_offering.change", row, changes=changes)
    return row


@transaction.atomic
def enable_service_offering(actor: Actor, row: ServiceOffering) -> ServiceOffering:
    """Offer a size again."""
    return _switch(actor, row, enabled=True)


@transaction.atomic
def disable_service_offering(actor: Actor, row: ServiceOffering) -> ServiceOffering:
    """Offer a size no longer. Machines that have it keep it, and start with it."""
    return _switch(actor, row, enabled=False)


def _switch(actor: Actor, row: ServiceOffering, *, enabled: bool) -> ServiceOffering:
    kind = f"service_offering.{'enable' if enabled else 'disable'}"
    policy.require(actor, kind, row)
    if ServiceOffering.objects.filter(pk=row.pk, enabled=not enabled).update(enabled=enabled):
        events.record(actor, kind, row, changes={"enabled": [not enabled, enabled]})
    row.enabled = enabled
    return row


@transaction.atomic
def remove_service_offering(actor: Actor, row: ServiceOffering) -> None:
    """Remove a size that no machine has, those in the trash counted too."""
    policy.require(actor, "service_offering.remove", row)
    events.record(actor, "service_offering.remove", row)
    delete(row)


@transaction.atomic
def create_ssh_key(actor: Actor, *, account: Account, name: str, public_key: str) -> SshKeyPair:
    """Store a public key. Only its type and body are kept: options and comments never reach a guest."""
    row = insert(_ssh_key(actor, account, name, public_key))
    events.record(actor, "ssh_key.create", row, fingerprint=row.fingerprint)
    return row


def check_ssh_key(actor: Actor, *, account: Account, name: str, public_key: str) -> None:
    """Refuse what `create_ssh_key` would refuse now. Only reads."""
    row = _ssh_key(actor, account, name, public_key)
    row.set_name(row.name)
    check(row)


def _ssh_key(actor: Actor, account: Account, name: str, public_key: str) -> SshKeyPair:
    policy.require(actor, "ssh_key.create", account)
    require_active(account)
    line, fingerprint = parse_public_key(public_key)
    return SshKeyPair(account=account, name=clean_name(name), public_key=line, fingerprint=fingerprint)


def generate_ssh_key(actor: Actor, *, account: Account, name: str) -> tuple[SshKeyPair, str]:
    """Make a key pair and store its public half. The private one, in OpenSSH's format, is the caller's
    to hand over: it is kept nowhere, so nobody can ask for it twice."""
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    row = create_ssh_key(actor, account=account, name=name, public_key=public)
    return row, private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()


@transaction.atomic
def delete_ssh_key(actor: Actor, key: SshKeyPair) -> None:
    """Forget a key. Machines that let it in go on doing so."""
    policy.require(actor, "ssh_key.delete", key)
    events.record(actor, "ssh_key.delete", key, fingerprint=key.fingerprint)
    key.delete()


def parse_public_key(text: object) -> tuple[str, str]:
    """The key as "type base64", and its SHA-256 fingerprint as ssh-keygen prints it."""
    if not isinstance(text, str) or len(text) > MAX_PUBLIC_KEY:
        raise InvalidInput("not_a_public_key", place="public_key")
    words = text.strip().split()
    if "\n" in text.strip() or len(words) < 2 or "PRIVATE" in text:
        raise InvalidInput("not_a_public_key", place="public_key")
    try:
        load_ssh_public_key(f"{words[0]} {words[1]}".encode())
        body = base64.b64decode(words[1], validate=True)
    except (ValueError, UnsupportedAlgorithm):
        raise InvalidInput("not_a_public_key", place="public_key") from None
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode().rstrip("=")
    return f"{words[0]} {words[1]}", f"SHA256:{digest}"
