"""The one way a command of the installer ends badly: what failed, and the command that repairs it."""

from __future__ import annotations


class CheckFailed(Exception):
    """A check that failed. `repair` is a command to type, word for word; `details` is raw output."""

    def __init__(self, what: str, *, repair: str, details: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.repair = repair
        self.details = details
