"""Keys of hosts are stored as the programs that read them want them."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from apps.core.errors import InvalidInput
from apps.zones.keys import clean_private_key


@pytest.fixture
def key() -> str:
    made = Ed25519PrivateKey.generate()
    return made.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()


def test_lines_that_a_browser_ended_are_mended(key: str) -> None:
    """OpenSSH takes no key whose lines end as Windows ends them."""
    assert clean_private_key("\r\n" + key.replace("\n", "\r\n").rstrip()) == key


def test_what_is_no_key_is_refused_and_not_quoted(key: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        clean_private_key(key.replace("A", "-"))
    assert "BEGIN" not in str(vars(caught.value))
