"""The dry run judges as the deploy does."""

from __future__ import annotations

import pytest

from tests.api.conftest import Cast
from tests.security.test_request_bodies import told


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [("name", "a\nb", "control_character"), ("hostname", "-rf", "not_a_hostname")],
)
def test_a_dry_run_refuses_what_a_deploy_refuses(cast: Cast, field: str, value: str, why: str) -> None:
    body = cast.wanted(**{field: value})
    for path in ("virtual-machines/", "virtual-machines/dry-run/"):
        assert told(cast.member.post(path, body)) == (422, "invalid_input", field, why)
