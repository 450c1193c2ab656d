"""The installer's HTTP client against a small server with answers to order."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from bootstrap.api import Api
from bootstrap.failures import CheckFailed

ACCEPTED = {"job": {"id": 7, "percent": 0, "message": "", "state": "pending"}}


class Answers(BaseHTTPRequestHandler):
    """Answers each (method, path) with the next of its answers; the last one stays."""

    table: ClassVar[dict[tuple[str, str], list[tuple[int, Any]]]] = {}
    seen: ClassVar[list[tuple[str, str, dict[str, str], bytes]]] = []

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.seen.append((self.command, self.path, dict(self.headers), body))
        answers = self.table[self.command, self.path]
        status, answer = answers.pop(0) if len(answers) > 1 else answers[0]
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_POST = do_GET  # noqa: N815 - the name http.server asks for

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def api() -> Iterator[Api]:
    Answers.table = {}
    Answers.seen = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield Api(f"http://127.0.0.1:{server.server_port}", "sesame")
    server.shutdown()
    thread.join()
    server.server_close()


def answer(method: str, path: str, *answers: tuple[int, Any]) -> None:
    Answers.table[method, f"/api/v1/{path}"] = list(answers)


def test_the_token_is_sent_as_a_header_only(api: Api) -> None:
    answer("GET", "zones/", (200, {"results": [], "next": None}))
    api.get("zones/")
    ((_, path, headers, _),) = Answers.seen
    assert headers["Authorization"] == "Token sesame"
    assert "sesame" not in path


def test_a_row_is_found_on_a_later_page(api: Api) -> None:
    answer("GET", "zones/", (200, {"results": [{"name": "a"}], "next": f"{api._url}/api/v1/zones/?after=1"}))
    answer("GET", "zones/?after=1", (200, {"results": [{"name": "b", "id": 2}], "next": None}))
    assert api.find("zones/", name="b") == {"name": "b", "id": 2}
    assert api.find("zones/", name="c") is None


def test_waiting_ends_with_the_job(api: Api) -> None:
    answer("GET", "jobs/7/", (200, {"id": 7, "state": "pending"}), (200, {"id": 7, "state": "done"}))
    assert api.await_job(ACCEPTED, "work", seconds=10)["state"] == "done"


@pytest.mark.parametrize("state", ["failed", "cancelled", "stuck"])
def test_a_job_that_ended_badly_says_why(api: Api, state: str) -> None:
    answer("GET", "jobs/7/", (200, {"id": 7, "state": state, "error": {"detail": "no room"}}))
    with pytest.raises(CheckFailed, match="work: no room"):
        api.await_job(ACCEPTED, "work", seconds=10)


def test_waiting_is_bounded(api: Api) -> None:
    answer("GET", "jobs/7/", (200, {"id": 7, "state": "pending"}))
    with pytest.raises(CheckFailed, match="not done after 0 s"):
        api.await_job(ACCEPTED, "work", seconds=0)


def test_a_refusal_carries_the_portals_words_and_remedy(api: Api) -> None:
    problem = {"code": "zone_disabled", "detail": "The zone is disabled.", "remedy": "Enable it."}
    answer("POST", "virtual-machines/", (409, problem))
    with pytest.raises(CheckFailed, match="409 The zone is disabled") as caught:
        api.post("virtual-machines/", {})
    assert caught.value.repair == "Enable it."


def test_a_portal_that_does_not_answer_is_told_apart() -> None:
    with pytest.raises(CheckFailed, match="does not answer") as caught:
        Api("http://127.0.0.1:1", "sesame").get("zones/")
    assert caught.value.repair == "make status"


def test_an_upload_carries_the_file_whole(api: Api, tmp_path: Path) -> None:
    file = tmp_path / "image.qcow2"
    file.write_bytes(bytes(range(256)))
    answer("POST", "templates/", (202, {"job": {"id": 1}}))
    api.upload("templates/", {"name": "tiny"}, file)
    ((_, _, headers, body),) = Answers.seen
    assert headers["Content-Type"].startswith("multipart/form-data; boundary=")
    assert bytes(range(256)) in body
    assert b'name="name"\r\n\r\ntiny\r\n' in body
