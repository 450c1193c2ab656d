"""The shape of our words. Texts are lazy translations with %(name)s parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise


@dataclass(frozen=True, slots=True)
class Plural:
    """A text that goes by the number in a parameter; it reads as the form for many."""

    text: Callable[[int], str]
    by: str

    def of(self, params: Mapping[str, Any]) -> str:
        number = params.get(self.by)
        return self.text(number) if isinstance(number, int) else str(self)

    def __str__(self) -> str:
        return self.text(2)


Text = str | Promise | Plural


@dataclass(frozen=True, slots=True)
class Words:
    """For a code: the kind of trouble, what happened, what to do."""

    title: Text
    detail: Text
    remedy: Text


@dataclass(frozen=True, slots=True)
class Reason:
    """For a reason within a code. Without a remedy the code's own stands."""

    detail: Text
    remedy: Text = ""
