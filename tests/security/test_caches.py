"""What one reader is shown is kept by no cache."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.api.conftest import Cast


@pytest.mark.parametrize(
    "path", ["/virtual-machines/", "/virtual-machines/new/", "/api/v1/me/", "/api/v1/virtual-machines/"]
)
def test_an_answer_is_stored_nowhere(cast: Cast, path: str) -> None:
    client = Client()
    client.force_login(cast.users["member"])
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "private, no-store"


def test_a_refusal_is_stored_nowhere(cast: Cast) -> None:
    assert Client().get("/login/")["Cache-Control"] == "private, no-store"
    assert cast.apis["anonymous"].get("me/")["Cache-Control"] == "private, no-store"


def test_pages_travel_compressed_with_a_length_that_varies(cast: Cast) -> None:
    client = Client(headers={"accept-encoding": "gzip"})
    client.force_login(cast.users["member"])
    answers = [client.get("/virtual-machines/new/") for _ in range(8)]
    assert {answer["Content-Encoding"] for answer in answers} == {"gzip"}
    assert len({len(answer.content) for answer in answers}) > 1
