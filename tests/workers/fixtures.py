"""What tests of jobs and operations share: no broker, toy operations, an account."""

import pytest

from apps.accounts.models import Account
from apps.jobs import dispatch, kinds
from tests.factories import make_account
from tests.workers.toys import Journal
from workers.operation import Operation

Sent = list[tuple[str, list[object], float | None]]


@pytest.fixture(autouse=True)
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """Messages that went to the broker: task, arguments, countdown."""
    messages: Sent = []

    def send(
        task: str,
        args: list[object],
        *,
        queue: str,
        countdown: float | None = None,
        expires: float | None = None,
    ) -> bool:
        messages.append((task, args, countdown))
        return True

    monkeypatch.setattr(dispatch, "send", send)
    return messages


@pytest.fixture
def journal(monkeypatch: pytest.MonkeyPatch) -> Journal:
    """A journal for toy operations, which are forgotten at the end of the test."""
    monkeypatch.setattr(Operation, "registry", dict(Operation.registry))
    monkeypatch.setattr(kinds, "_kinds", dict(kinds.all_kinds()))
    return Journal()


@pytest.fixture
def account(transactional_db: None) -> Account:
    return make_account()
