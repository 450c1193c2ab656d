"""A body is read whole or refused by name, whatever it is; none of it is ignored or ends in a 5xx."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings

from apps.storage.models import Template
from tests.api.client import code, reason
from tests.api.conftest import PUBLIC_KEY, Cast

BOUNDARY = "parts"
FORM = f"multipart/form-data; boundary={BOUNDARY}"


def told(answer: Any) -> tuple[Any, ...]:
    return (*code(answer)[:2], *reason(answer))


def part(name: str, content: bytes, filename: str = "") -> bytes:
    file = f'; filename="{filename}"' if filename else ""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
    return head.encode() + content + b"\r\n"


def form(cast: Cast, *parts: bytes) -> bytes:
    zone = part("zone", str(cast.zone.uuid).encode())
    return b"".join((zone, *parts, f"--{BOUNDARY}--\r\n".encode()))


@pytest.mark.parametrize("body", [b"[1,2]", b'"text"', b"null", b"5", b"true", b"[[{},1]]"])
@pytest.mark.parametrize("headers", [{}, {"idempotency_key": "k"}], ids=["plain", "keyed"])
def test_an_act_without_a_body_takes_no_other_value(cast: Cast, body: bytes, headers: Any) -> None:
    answer = cast.member.post(f"virtual-machines/{cast.vm.uuid}/start/", body, **headers)
    assert told(answer) == (400, "malformed_request", "", "not_an_object")


def test_what_an_act_would_ignore_is_refused(cast: Cast) -> None:
    path = f"virtual-machines/{cast.vm.uuid}/start/"
    assert told(cast.member.post(path, {"paused": True})) == (
        422,
        "invalid_input",
        "paused",
        "unknown_field",
    )
    assert cast.member.post(path, {}).status_code == 202


def test_a_field_of_a_form_beyond_the_limit_is_too_large(cast: Cast) -> None:
    long = part("description", b"a" * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1))
    answer = cast.operator.post("templates/", form(cast, long, part("file", b"x", "i")), content_type=FORM)
    assert code(answer) == (413, "request_too_large", "")


@pytest.mark.parametrize("filename", ["", "many"])
def test_a_form_of_too_many_fields_or_files_is_malformed(cast: Cast, filename: str) -> None:
    body = form(cast, *(part(f"f{number}", b"x", filename) for number in range(1200)))
    answer = cast.operator.post("templates/", body, content_type=FORM)
    assert told(answer) == (400, "malformed_request", "", "not_readable")


@pytest.mark.parametrize(
    ("parts", "place", "why"),
    [
        ([part("name", b"a"), part("name", b"b"), part("file", b"x", "i")], "name", "duplicate_key"),
        ([part("name", b"a"), part("file", b"x", "i"), part("file", b"y", "i")], "file", "duplicate_key"),
        ([part("name", b"a"), part("file", b"x"), part("file", b"y", "i")], "file", "duplicate_key"),
        ([part("name", b"a\xff"), part("file", b"x", "i")], "name", "not_utf8"),
    ],
)
def test_a_form_has_one_meaning(cast: Cast, parts: list[bytes], place: str, why: str) -> None:
    before = Template.objects.count()
    answer = cast.operator.post("templates/", form(cast, *parts), content_type=FORM)
    assert told(answer) == (400, "malformed_request", place, why)
    assert Template.objects.count() == before


def test_a_file_of_another_size_is_another_request(cast: Cast) -> None:
    account = part("account", str(cast.account.uuid).encode())
    for content, status in ((b"first", 202), (b"first", 202), (b"another", 422)):
        body = form(cast, account, part("name", b"image"), part("file", content, "i"))
        answer = cast.operator.post("templates/", body, content_type=FORM, idempotency_key="k")
        assert answer.status_code == status
    assert code(answer) == (422, "idempotency_mismatch", "Idempotency-Key")


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("tags", {"a": 1}, "not_text"),
        ("tags", {"a": {"b": "c"}}, "not_text"),
        ("ssh_keys", [[]], "not_a_uuid"),
    ],
)
def test_trouble_inside_a_field_names_the_field(cast: Cast, field: str, value: Any, why: str) -> None:
    answer = cast.member.post("virtual-machines/", cast.wanted(**{field: value}))
    assert told(answer) == (422, "invalid_input", field, why)


def test_a_public_key_keeps_no_options(cast: Cast) -> None:
    answer = cast.member.post("ssh-keys/", {"name": "a", "public_key": f'command="id" {PUBLIC_KEY}'})
    assert told(answer) == (422, "invalid_input", "public_key", "not_a_public_key")
