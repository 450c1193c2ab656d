import pytest

from bootstrap.failures import CheckFailed
from bootstrap.steps import Step, carry_out


class Recorded(Step):
    """A step over a shared world: it needs `wants` to be there before it counts as done."""

    def __init__(self, key: str, world: set[str], *, wants: str = "", breaks: bool = False) -> None:
        self.key = self.title = key
        self._world = world
        self._wants = wants
        self._breaks = breaks
        self.calls: list[str] = []

    def needed(self) -> str | None:
        self.calls.append("needed")
        if self._wants and self._wants not in self._world:
            return "later"
        return None if self.key in self._world else "now"

    def do(self) -> None:
        self.calls.append("do")
        if not self._breaks:
            self._world.add(self.key)

    def prove(self) -> str:
        self.calls.append("prove")
        if self.key not in self._world:
            raise CheckFailed(f"{self.key} is not there", repair="repair it")
        return ""


def test_steps_run_in_order_and_their_seconds_are_kept() -> None:
    world: set[str] = set()
    seconds, changed = carry_out([Recorded("first", world), Recorded("second", world)])
    assert changed == ["first", "second"]
    assert set(seconds) == {"detect", "first", "second", "total"}


def test_a_second_run_changes_nothing_but_proves_all(capsys: pytest.CaptureFixture[str]) -> None:
    world: set[str] = set()
    carry_out([Recorded("first", world), Recorded("second", world)])
    steps = [Recorded("first", world), Recorded("second", world)]
    _, changed = carry_out(steps)
    assert changed == []
    assert [step.calls for step in steps] == [["needed", "prove"]] * 2
    assert "Everything is in place" in capsys.readouterr().out


def test_the_plan_is_said_before_anything_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    world: set[str] = set()
    carry_out([Recorded("first", world), Recorded("second", world)])
    said = capsys.readouterr().out
    assert said.index("- second: now") < said.index("[ 1/2] first")


def test_a_step_looks_again_after_an_earlier_one_changed_something() -> None:
    world = {"second"}
    second = Recorded("second", world, wants="first")
    _, changed = carry_out([Recorded("first", world), second])
    assert changed == ["first"]
    assert "do" not in second.calls


def test_a_step_that_cannot_be_proven_stops_the_run() -> None:
    world: set[str] = set()
    second = Recorded("second", world)
    with pytest.raises(CheckFailed, match="first is not there"):
        carry_out([Recorded("first", world, breaks=True), second])
    assert second.calls == ["needed"]
