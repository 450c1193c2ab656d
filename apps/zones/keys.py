"""SSH keys of hosts: judged before they are stored."""

from __future__ import annotations

import base64
import hashlib

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    load_pem_private_key,
    load_ssh_private_key,
    load_ssh_public_key,
)

from apps.core.errors import InvalidInput

MAX_KEY = 16384


def clean_host_key(text: object, *, place: str = "host_key") -> str:
    """A host's public key as "type base64"; a comment is dropped."""
    words = text.split() if isinstance(text, str) and len(text) <= MAX_KEY else []
    if len(words) < 2 or "\n" in str(text).strip():
        raise InvalidInput("not_a_public_key", place=place)
    line = f"{words[0]} {words[1]}"
    try:
        load_ssh_public_key(line.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise InvalidInput("not_a_public_key", place=place) from None
    return line


def clean_private_key(text: object, *, place: str = "private_key") -> str:
    """A private key without passphrase, in OpenSSH or PEM format, with the line ends that SSH reads
    whatever browser it came from. The error never quotes it."""
    if not isinstance(text, str) or len(text) > MAX_KEY:
        raise InvalidInput("not_a_private_key", place=place)
    data = text.replace("\r\n", "\n").strip().encode() + b"\n"
    load = load_ssh_private_key if b"OPENSSH PRIVATE KEY" in data else load_pem_private_key
    try:
        load(data, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise InvalidInput("not_a_private_key", place=place) from None
    return data.decode()


def fingerprint(key: str) -> str:
    """A public key's SHA-256 fingerprint as ssh-keygen prints it: "SHA256:...". `key` is clean."""
    digest = hashlib.sha256(base64.b64decode(key.split()[1])).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")
