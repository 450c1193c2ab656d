"""Pages answer hostile addresses as they answer unknown ones."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.api.conftest import Cast


@pytest.mark.parametrize("after", ["abc", "%00", "1" * 300, "%ff", "00000000-0000-0000-0000-000000000000"])
def test_a_page_that_is_none_is_told_and_the_first_shown(cast: Cast, after: str) -> None:
    client = Client()
    client.force_login(cast.users["member"])
    answer = client.get(f"/virtual-machines/?cursor={after}")
    assert answer.status_code == 422
    assert cast.vm.name in answer.text
