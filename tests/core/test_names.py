"""Names: what is no name, and the host name made from one."""

from __future__ import annotations

import pytest

from apps.core.errors import InvalidInput
from apps.core.names import MAX_LABEL, clean_hostname, clean_name, hostname_of


@pytest.mark.parametrize("text", ["", "  ", "\u3164", "\u115f \u2800"])
def test_what_shows_nothing_is_no_name(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        clean_name(text)
    assert caught.value.params["reason"] == "blank"


@pytest.mark.parametrize(
    ("name", "hostname"),
    [
        ("Web 1", "web-1"),
        ("Άλφα_βήτα", "alfa-vita"),
        ("…", "vm"),
        ("n" * 70 + "-12", "n" * 60 + "-12"),
        ("n" * 70 + "7", "n" * 62 + "7"),
        ("1" * 70, "1" * 63),
        ("a" * 62 + " b", "a" * 62),
    ],
)
def test_a_host_name_keeps_the_number_that_tells_machines_apart(name: str, hostname: str) -> None:
    assert clean_hostname(hostname_of(name)) == hostname
    assert len(hostname) <= MAX_LABEL
