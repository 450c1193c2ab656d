"""A client of the API as one user, and what it checks of every answer."""

from __future__ import annotations

import json
from typing import Any

from rest_framework.test import APIClient

from apps.accounts.actor import Actor
from apps.accounts.models import User
from apps.accounts.tokens import issue_token

PROBLEM_FIELDS = {
    *("type", "title", "status", "detail", "remedy", "instance", "code", "place", "request_id", "params")
}


class Api:
    """Requests below /api/v1/ with a user's token; without a user, with none. Every refusal is
    checked to be a whole problem+json."""

    def __init__(self, user: User | None = None) -> None:
        self.client = APIClient(raise_request_exception=False)
        self.user = user
        self.headers: dict[str, str] = {}
        if user is not None:
            _row, token = issue_token(Actor.system("a test"), user=user, name="test")
            self.headers["Authorization"] = f"Token {token}"

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """`headers` in snake case: idempotency_key="k"."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        data: Any = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        response = self.client.generic(
            method,
            path if path.startswith("/") else f"/api/v1/{path}",
            data,
            content_type=named.pop("content-type", "application/json"),
            headers={**self.headers, **named},
        )
        check(response)
        return response

    def get(self, path: str, **headers: str) -> Any:
        return self.send("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.send("POST", path, {} if body is None else body, **headers)

    def patch(self, path: str, body: Any, **headers: str) -> Any:
        return self.send("PATCH", path, body, **headers)

    def delete(self, path: str, **headers: str) -> Any:
        return self.send("DELETE", path, **headers)

    def upload(self, path: str, fields: dict[str, Any], **headers: str) -> Any:
        """A multipart form; a file is an object with read() and name."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        target = path if path.startswith("/") else f"/api/v1/{path}"
        response = self.client.post(target, fields, format="multipart", headers={**self.headers, **named})
        check(response)
        return response


def check(response: Any) -> None:
    assert response["X-Request-Id"]
    if response.status_code < 400:
        return
    assert response["Content-Type"] == "application/problem+json"
    problem = response.json()
    assert set(problem) >= PROBLEM_FIELDS
    assert problem["status"] == response.status_code
    assert problem["title"]
    assert problem["detail"]
    assert problem["remedy"]
    assert problem["request_id"] == response["X-Request-Id"]
    assert "Traceback" not in response.content.decode()


def code(response: Any) -> tuple[int, str, str]:
    """(status, code, place) of a refusal."""
    problem = response.json()
    return response.status_code, problem["code"], problem["place"]


def reason(response: Any) -> tuple[str, str]:
    """(place, reason) of a refused value."""
    problem = response.json()
    return problem["place"], problem["params"].get("reason", "")
