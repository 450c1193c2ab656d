"""Rules of user data: what cloud-init can use passes, everything else names its line and reason."""

from __future__ import annotations

import base64
import contextlib
import gzip
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from apps.compute.user_data import LIMIT_BYTES, MAX_DEPTH, REASONS, UserDataInvalid, validate_user_data

CONFIG = "#cloud-config\n"


def refusal(text: str) -> tuple[str, int | None]:
    with pytest.raises(UserDataInvalid) as caught:
        validate_user_data(text)
    return caught.value.reason, caught.value.line


def multipart(*parts: tuple[str, str], encoding: str = "utf-8") -> str:
    message = MIMEMultipart()
    for kind, content in parts:
        message.attach(MIMEText(content, kind, encoding))
    return message.as_string()


@pytest.mark.parametrize(
    "text",
    [
        "",
        CONFIG,
        "#cloud-config",
        "#cloud-config  \r\npackages: [git]\r\n",
        CONFIG + "packages:\n  - git\nruncmd:\n  - [sh, -c, 'echo ü > /x']\n",
        CONFIG + "a: &x [1, 2]\nb: *x\nc: {<<: {d: 1}, e: 2}\n",
        CONFIG + "1: a\n'1': b\n",
        CONFIG + "write_files:\n- path: /a\n  content: |\n    key: 1\n    key: 2\n",
        "#!/bin/sh\necho hello\n",
        "#!/usr/bin/env python3\nprint('λ')\n",
        "## template: jinja\n#cloud-config\nhostname: {{ v1.instance_id }}\n",
        "## template: jinja\n#!/bin/sh\necho {{ v1.region }}\n",
        "#cloud-config-archive\n- type: text/cloud-config\n  content: 'a: 1'\n- '#!/bin/sh'\n",
        '#cloud-config-jsonp\n[{"op": "add", "path": "/a", "value": 1}]\n',
        "#cloud-boothook\n#!/bin/sh\ntrue\n",
        "#part-handler\ndef list_types(): return []\n",
        "#include\nhttps://intranet.example/user-data\n# a comment\n\nhttp://10.0.0.1/x\n",
        "#include https://intranet.example/user-data\n",
        "#include-once\nhttps://intranet.example/user-data\n",
        multipart(("cloud-config", CONFIG + "a: 1\n"), ("x-shellscript", "#!/bin/sh\ntrue\n")),
        multipart(("cloud-config", "a: 1\n"), encoding="us-ascii"),
        multipart(("plain", "#cloud-config\na: 1\n"), encoding="us-ascii"),
        "MIME-Version: 1.0\nContent-Type: text/cloud-config\n\na: 1\n",
        "#!/bin/sh\n" + "#" * (LIMIT_BYTES - 10),
    ],
)
def test_what_cloud_init_can_use_passes(text: str) -> None:
    validate_user_data(text)


@pytest.mark.parametrize(
    ("text", "reason", "line"),
    [
        ("#!/bin/sh\n" + "#" * (LIMIT_BYTES - 9), "too_large", None),
        ("#!/bin/sh\n" + "λ" * (LIMIT_BYTES // 2), "too_large", None),
        ("#!/bin/sh\necho \ud800\n", "not_text", 2),
        ("#!/bin/sh\n\necho \0\n", "control_characters", 3),
        (CONFIG + "a: \x1b[31m\n", "control_characters", 2),
        (CONFIG + "a: 1\nb: \ufffe\n", "control_characters", 3),
        ("\n#cloud-config\na: 1\n", "unknown_header", 1),
        ("\ufeff#cloud-config\na: 1\n", "unknown_header", 1),
        ("packages: [git]\n", "unknown_header", 1),
        ("#cloud-configuration\na: 1\n", "unknown_header", 1),
        ("just words", "unknown_header", 1),
        ("   \n", "unknown_header", 1),
        ("## template: jinja\npackages: [git]\n", "unknown_header", 2),
        ("#!/bin/sh\r\ntrue\r\n", "carriage_return", 1),
        (base64.b64encode(b"#!/bin/sh\necho hello\n").decode(), "base64", 1),
        (gzip.compress(b"#!/bin/sh\n", mtime=0).decode("latin-1"), "compressed", None),
        (CONFIG + "a: 1\nb: [1, 2\nc: 3\n", "not_yaml", 4),
        (CONFIG + "a: b: c\n", "not_yaml", 2),
        (CONFIG + "\tpackages: [git]\n", "not_yaml", 2),
        (CONFIG + "a: 1\nb: *missing\n", "not_yaml", 3),
        (CONFIG + "a: 1\nb: !!python/object/apply:os.system [id]\n", "not_yaml", 3),
        (CONFIG + "a: 1\nb: 2024-13-45\n", "not_yaml", 3),
        (CONFIG + "a: 1\nb: !!timestamp x\n", "not_yaml", 3),
        (CONFIG + "a: 1\n[1]: b\n", "not_yaml", 3),
        (CONFIG + "a: 1\n---\nb: 2\n", "not_yaml", 3),
        (CONFIG + "a: " + "9" * 5000, "not_yaml", 2),
        (CONFIG + "a: 1\nb: 2\na: 3\n", "duplicate_key", 4),
        (CONFIG + "users:\n- name: x\n  name: 'x'\n", "duplicate_key", 4),
        (CONFIG + "a: &a [*a]\n", "yaml_alias_bomb", 2),
        (CONFIG + "a: " + "[" * (MAX_DEPTH + 1), "yaml_too_deep", 2),
        (CONFIG + "a: " + "[" * 30_000, "yaml_too_deep", 2),
        (CONFIG + "? " * 15_000, "yaml_too_deep", 2),
        (CONFIG + "- a\n- b\n", "not_a_mapping", 1),
        (CONFIG + "a sentence\n", "not_a_mapping", 1),
        ("#cloud-config-archive\na: 1\n", "not_a_list", 1),
        ("#cloud-config-archive\n- 1\n", "not_a_list", 1),
        ("#include\nhttps://a.example/x\n/etc/passwd\n", "bad_include", 3),
        ("#include\nhttps://a.example/x y\n", "bad_include", 2),
    ],
)
def test_what_cloud_init_cannot_use_names_its_line(text: str, reason: str, line: int | None) -> None:
    assert refusal(text) == (reason, line)


def test_aliases_that_unfold_to_very_much_are_refused_before_anything_is_built() -> None:
    levels = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    assert refusal(CONFIG + "a0: &a0 [lol]\n" + "\n".join(levels))[0] == "yaml_alias_bomb"


def test_merge_keys_that_unfold_to_very_much_are_refused() -> None:
    levels = [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, 12)]
    assert refusal(CONFIG + "a0: &a0 {x: 1}\n" + "\n".join(levels))[0] == "yaml_alias_bomb"


def test_ten_megabytes_are_refused_by_their_size_alone() -> None:
    assert refusal(CONFIG + "a: [" + "*x," * 3_500_000) == ("too_large", None)


def test_a_line_inside_a_readable_part_is_counted_from_the_top() -> None:
    text = multipart(("cloud-config", "a: 1\nb: [\nc: 3\n"), encoding="us-ascii")
    expected = text.split("\n").index("c: 3") + 2
    reason, line = refusal(text)
    assert reason == "not_yaml"
    assert line == expected


def test_an_error_inside_an_encoded_part_names_the_line_where_the_part_begins() -> None:
    text = multipart(("cloud-config", "a: ü\na: 2\n"))
    encoded = next(n for n, row in enumerate(text.split("\n"), 1) if row.startswith("YTog"))
    assert refusal(text) == ("duplicate_key", encoded)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (multipart(("x-upstart-job", "start on boot\n"), encoding="us-ascii"), "unknown_part_type"),
        (multipart(("cloud-config", "a: 1\n")).rsplit("--", 2)[0], "bad_multipart"),
        ("MIME-Version: 1.0\nContent-Type: application/gzip\n\nH4sI\n", "compressed"),
        (
            "MIME-Version: 1.0\nContent-Type: text/cloud-config\nContent-Transfer-Encoding: base64\n\n!!!\n",
            "bad_multipart",
        ),
        (
            "MIME-Version: 1.0\nContent-Type: text/plain\nContent-Transfer-Encoding: x-uuencode\n\nx\n",
            "bad_multipart",
        ),
        (CONFIG + "content: 'MIME-Version: 1.0'\n", "bad_multipart"),
    ],
)
def test_a_message_that_cloud_init_could_not_take_apart_is_refused(text: str, reason: str) -> None:
    assert refusal(text)[0] == reason


def test_messages_nested_deeper_than_the_parser_can_follow_are_refused() -> None:
    nested = "".join(f'Content-Type: multipart/mixed; boundary="{n}"\n\n--{n}\n' for n in range(550))
    assert refusal("MIME-Version: 1.0\n" + nested)[0] == "bad_multipart"


def test_an_error_never_repeats_the_user_data() -> None:
    for text in (CONFIG + "password: hunter2\npassword: hunter2\n", CONFIG + "x: [hunter2\n", "hunter2"):
        with pytest.raises(UserDataInvalid) as caught:
            validate_user_data(text)
        assert "hunter2" not in str(caught.value) + repr(caught.value)
        assert caught.value.__suppress_context__ or caught.value.__context__ is None


YAML_SOUP = st.text(
    st.sampled_from("ab1:-?[]{},&*!|>'\"%@#~<.=+_ \n\r\t\u2028\u0085\u00e9\ufeff"), max_size=300
)
HEADERS = st.sampled_from(
    [
        *("", CONFIG, "#!/bin/sh\n", "#cloud-config-archive\n", "#include\n", "## template: jinja\n"),
        "#cloud-config-jsonp\n",
        "MIME-Version: 1.0\n",
        'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="a"\n\n--a\n',
        "MIME-Version: 1.0\nContent-Type: text/cloud-config\nContent-Transfer-Encoding: base64\n\n",
        "MIME-Version: 1.0\nContent-Type: text/plain; charset=nonesuch\nContent-Transfer-Encoding: qp\n\n",
    ]
)


@given(HEADERS, st.one_of(YAML_SOUP, st.text(max_size=300), st.text(st.characters(codec=None))))
@example(CONFIG, "a: !!float ''")
@example(CONFIG, "a: !!binary é")
@example(CONFIG, "!!set [a]")
@example(CONFIG, "!!omap a")
@example(CONFIG, "%YAML 9.9\n---\na: 1")
@example(CONFIG, "<<: 1")
@example(CONFIG, "=: 1")
def test_any_text_passes_or_is_refused_with_a_known_reason(header: str, body: str) -> None:
    text = header + body
    with contextlib.suppress(UserDataInvalid):
        validate_user_data(text)
        return
    reason, line = refusal(text)
    assert reason in REASONS
    assert line is None or 1 <= line <= len(text.splitlines()) + 1


@given(st.dictionaries(st.text(st.characters(codec="ascii", categories=["L"]), min_size=1), st.integers()))
def test_a_mapping_written_as_yaml_passes(config: dict[str, int]) -> None:
    import yaml

    validate_user_data(CONFIG + yaml.safe_dump(config))
