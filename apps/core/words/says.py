"""The shape of our words. Texts are lazy translations with %(name)s parameters."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise

Text = str | Promise


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
