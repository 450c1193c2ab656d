"""A request told as curl and as Python is the request, whatever is in it; no secret is written out."""

from __future__ import annotations

import ast
import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from apps.portal.copy_as import TOKEN, ApiRequest, Secret, snippets

PORTAL = "http://127.0.0.1:8000/"
NASTY = (
    'it\'s "quoted" `id` $(id) ${HOME} $HOME \\ \\\\ \\( !history #no comment; & | > < * ? [a] {b} ~ %\n'
    "EOF\n\t' ''' \"\"\" \\u0041 Ελληνικά \U0001f600 \u202e reversed \u001b[201~ end"
)


@dataclass
class Heard:
    """What a server was sent."""

    url: str
    requests: list[dict[str, Any]] = field(default_factory=list)


@pytest.fixture
def heard() -> Iterator[Heard]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            listener.requests.append(
                {"method": self.command, "path": self.path, "body": body, "headers": dict(self.headers)}
            )
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"heard": true}')

        do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815 - the library's names

        def log_message(self, *_args: Any) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        listener = Heard(f"http://127.0.0.1:{server.server_port}/")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield listener
        server.shutdown()
        thread.join()


def run(key: str, text: str, cwd: Path | None = None, **environment: str) -> str:
    """Paste a snippet into a shell or a file, and run that."""
    command = ["bash", "-c", text] if key == "curl" else [sys.executable, "-c", text]
    done = subprocess.run(
        command,
        env={**os.environ, TOKEN: "the-token", "NO_PROXY": "*", **environment},
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("key", ["curl", "python"])
@pytest.mark.parametrize(
    "body",
    [
        {"name": "web"},
        {"name": NASTY, NASTY: [NASTY, {"deep": NASTY}]},
        {
            "nothing": None,
            "yes": True,
            "no": False,
            "count": 3,
            "half": 0.5,
            "empty": [],
            "none": {},
            "t": "",
        },
    ],
)
def test_a_pasted_snippet_sends_exactly_the_request(heard: Heard, key: str, body: dict[str, Any]) -> None:
    text = snippets(ApiRequest("POST", "virtual-machines/", body), heard.url)[key]
    assert "heard" in run(key, text)
    (request,) = heard.requests
    assert (request["method"], request["path"]) == ("POST", "/api/v1/virtual-machines/")
    assert request["headers"]["Authorization"] == "Token the-token"
    assert request["headers"]["Content-Type"] == "application/json"
    assert json.loads(request["body"]) == body


@pytest.mark.parametrize("key", ["curl", "python"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_request_without_a_body_sends_none(heard: Heard, key: str, method: str) -> None:
    query = {"q": "a b&c", "state": ["Running", "{x,y}[1-3]"]}
    wanted = ApiRequest(method, "virtual-machines/", query=query)
    run(key, snippets(wanted, heard.url)[key])
    (request,) = heard.requests
    assert request["body"] == b""
    assert request["method"] == method
    assert request["path"].endswith("/?q=a+b%26c&state=Running&state=%7Bx%2Cy%7D%5B1-3%5D")


@pytest.mark.parametrize("key", ["curl", "python"])
def test_secrets_come_from_the_environment_and_stand_nowhere(heard: Heard, key: str) -> None:
    body = {"name": "web", "user_data": Secret("CLOUDPORTAL_USER_DATA"), "list": [Secret("OTHER_SECRET")]}
    found = snippets(ApiRequest("POST", "virtual-machines/", body), heard.url)
    assert found.variables == (TOKEN, "CLOUDPORTAL_USER_DATA", "OTHER_SECRET")
    run(key, found[key], CLOUDPORTAL_USER_DATA=NASTY, OTHER_SECRET="two\nlines")
    (request,) = heard.requests
    assert json.loads(request["body"]) == {"name": "web", "user_data": NASTY, "list": ["two\nlines"]}


@pytest.mark.parametrize("key", ["curl", "python"])
def test_a_file_goes_as_a_form(heard: Heard, key: str, tmp_path: Path) -> None:
    (tmp_path / "image.qcow2").write_bytes(b"QFI\xfb\r\n--x")
    body = {"name": f"@{NASTY}", "is_public": True, "account": None, "min_memory_mib": 5}
    wanted = ApiRequest("POST", "templates/", body, file="image.qcow2")
    run(key, snippets(wanted, heard.url)[key], cwd=tmp_path)
    (request,) = heard.requests
    assert request["headers"]["Content-Type"].startswith("multipart/form-data; boundary=")
    sent = request["body"]
    assert f'name="name"\r\n\r\n@{NASTY}\r\n'.encode() in sent
    assert b'name="is_public"\r\n\r\ntrue\r\n' in sent
    assert b'name="min_memory_mib"\r\n\r\n5\r\n' in sent
    assert b'name="account"' not in sent
    assert b"\r\n\r\nQFI\xfb\r\n--x\r\n--" in sent


def test_a_refusal_ends_the_snippet_with_an_error_and_its_words(heard: Heard) -> None:
    text = snippets(ApiRequest("GET", "nope/"), "http://127.0.0.1:1/")
    for key, command in (("curl", ["bash", "-c"]), ("python", [sys.executable, "-c"])):
        done = subprocess.run(
            [*command, text[key]], env={**os.environ, TOKEN: "x"}, check=False, capture_output=True
        )
        assert done.returncode != 0


@pytest.mark.parametrize("key", ["curl", "python"])
def test_what_does_not_show_is_written_as_an_escape(key: str) -> None:
    text = snippets(ApiRequest("POST", "x/", {"name": NASTY}), PORTAL)[key]
    assert all(char.isprintable() or char == "\n" for char in text)
    assert "Ελληνικά" in text


def test_python_is_python_and_needs_only_the_standard_library() -> None:
    text = snippets(ApiRequest("POST", "x/", {"a": 1}, file="f"), PORTAL)["python"]
    names = {
        alias.name
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names


@pytest.mark.parametrize("name", ["", "a b", "x;y", "$(id)", "lower"])
def test_a_secret_is_named_by_a_plain_variable(name: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        Secret(name)
