"""The portal's own HTTP API, as any client would use it."""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bootstrap.failures import CheckFailed
from bootstrap.terminal import Heartbeat

POLL_SECONDS = 0.2
Row = dict[str, Any]


class Api:
    """`/api/v1/` of a portal, with a token. Answers of 400 and above become CheckFailed. `headers`
    go with every request."""

    def __init__(self, url: str, token: str, headers: Mapping[str, str] | None = None) -> None:
        self._url = url
        self._token = token
        self._headers = headers or {}

    def get(self, path: str) -> Any:
        return self._send("GET", path)

    def post(self, path: str, body: Mapping[str, Any]) -> Row:
        data = json.dumps(body).encode()
        answer: Row = self._send("POST", path, data, "application/json")
        return answer

    def patch(self, path: str, body: Mapping[str, Any]) -> Row:
        answer: Row = self._send("PATCH", path, json.dumps(body).encode(), "application/json")
        return answer

    def delete(self, path: str) -> Row:
        answer: Row = self._send("DELETE", path)
        return answer

    def upload(self, path: str, fields: Mapping[str, str], file: Path) -> Row:
        """POST a form with one file, named "file"."""
        boundary = uuid.uuid4().hex
        parts = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            for name, value in fields.items()
        ]
        parts += [
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{file.name}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n".encode(),
            file.read_bytes(),
            f"\r\n--{boundary}--\r\n".encode(),
        ]
        answer: Row = self._send("POST", path, b"".join(parts), f"multipart/form-data; boundary={boundary}")
        return answer

    def rows(self, path: str) -> Iterator[Row]:
        """Every row of a list, page after page."""
        following: str | None = path
        while following:
            page = self.get(following)
            yield from page["results"]
            following = page["next"]

    def find(self, path: str, **match: object) -> Row | None:
        """The first row of a list whose fields are as given."""
        for row in self.rows(path):
            if all(row.get(name) == value for name, value in match.items()):
                return row
        return None

    def await_job(self, answer: Row, what: str, *, seconds: float) -> Row:
        """Wait until the job of a 202 answer is done. `seconds` bounds the waiting, not the job."""
        job: Row = dict(answer["job"])
        limit = time.monotonic() + seconds
        with Heartbeat(what, lambda: f"{job['percent']} %, {job['message'] or job['state']}"):
            while True:
                job.update(self.get(f"jobs/{job['id']}/"))
                if job["state"] == "done":
                    return job
                if job["state"] in {"failed", "cancelled", "stuck"}:
                    raise CheckFailed(
                        f"{what}: {_reason(job)}", repair="make logs", details=json.dumps(job.get("error"))
                    )
                if time.monotonic() > limit:
                    late = f"{what}: not done after {seconds:.0f} s"
                    raise CheckFailed(late, repair="make status; make logs", details=_standing(job))
                time.sleep(POLL_SECONDS)

    def _send(self, method: str, path: str, data: bytes | None = None, kind: str = "") -> Any:
        if path.startswith("http"):  # of a following page, which the portal names as a proxy's client would
            path = path.partition("/api/v1/")[2]
        url = f"{self._url}/api/v1/{path}"
        request = urllib.request.Request(url, data=data, method=method)  # noqa: S310 - our own portal
        request.add_header("Authorization", f"Token {self._token}")
        request.add_header("Accept", "application/json")
        for name, value in self._headers.items():
            request.add_header(name, value)
        if kind:
            request.add_header("Content-Type", kind)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise _refusal(method, path, error) from error
        except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
            raise CheckFailed(
                f"{method} {path}: the portal does not answer", repair="make status", details=str(error)
            ) from error


def _standing(job: Row) -> str:
    """Where a job stands: its state, its message, its steps."""
    steps = [f"{step['state']:6} {step['label']}" for step in job.get("steps") or []]
    return "\n".join([f"{job['state']}, {job.get('percent', 0)} %: {job.get('message', '')}", *steps])


def _reason(job: Row) -> str:
    error = job.get("error") or {}
    return str(error.get("detail") or error.get("code") or job["state"])


def _refusal(method: str, path: str, error: urllib.error.HTTPError) -> CheckFailed:
    text = error.read().decode(errors="replace")
    try:
        problem = json.loads(text)
    except json.JSONDecodeError:
        problem = {}
    said = problem.get("detail") or problem.get("code") or error.reason
    remedy = problem.get("remedy") or "make logs"
    return CheckFailed(f"{method} {path}: {error.code} {said}", repair=str(remedy), details=text)
