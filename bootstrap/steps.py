"""How `make up` goes about its work: detect, say the plan, do it, prove it."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence

from bootstrap.terminal import say


class Step(ABC):
    """One thing that must be so. `key` names its seconds in up.json."""

    key = ""
    title = ""

    @abstractmethod
    def needed(self) -> str | None:
        """What is to be done, in words; None where all is as it should be. Changes nothing, and works
        whether or not the steps before it have been done."""

    @abstractmethod
    def do(self) -> None:
        """Do what `needed` said."""

    def prove(self) -> str:
        """A line on what was seen to work, or CheckFailed. Runs even where nothing was to be done."""
        return ""


def carry_out(steps: Sequence[Step]) -> tuple[dict[str, float], list[str]]:
    """Run the steps in order. Returns the seconds of each, and the keys of those that changed something."""
    begun = time.monotonic()
    plan = {step.key: step.needed() for step in steps}
    _say_plan(steps, plan, time.monotonic() - begun)
    seconds: dict[str, float] = {"detect": round(time.monotonic() - begun, 2)}
    changed: list[str] = []
    for number, step in enumerate(steps, 1):
        start = time.monotonic()
        reason = step.needed() if changed else plan[step.key]
        if reason:
            say(f"[{number:2}/{len(steps)}] {step.title}: {reason}")
            step.do()
            changed.append(step.key)
        proof = step.prove()
        seconds[step.key] = round(time.monotonic() - start, 2)
        say(f"[{number:2}/{len(steps)}] {step.title}: {proof or 'ok'} ({seconds[step.key]:.1f} s)")
    seconds["total"] = round(time.monotonic() - begun, 2)
    return seconds, changed


def _say_plan(steps: Sequence[Step], plan: dict[str, str | None], took: float) -> None:
    todo = [step for step in steps if plan[step.key]]
    if not todo:
        say(f"Everything is in place ({took:.1f} s); proving it.")
        return
    say(f"Plan, after looking around for {took:.1f} s:")
    for step in todo:
        say(f"  - {step.title}: {plan[step.key]}")
