import pytest

from apps.accounts.models import Account
from apps.jobs import dispatch, kinds
from tests.factories import make_account
from tests.workers.toys import Journal
from workers.operation import Operation


@pytest.fixture(autouse=True)
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[object], float | None]]:
    """Messages that went to the broker: task, arguments, countdown."""
    messages: list[tuple[str, list[object], float | None]] = []

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
