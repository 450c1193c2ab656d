"""The step that builds the pages under /docs/: from this checkout, and only when something changed."""

from __future__ import annotations

import json

from bootstrap.context import Context
from bootstrap.failures import CheckFailed
from bootstrap.installation import write_private
from bootstrap.steps import Step

MADE_OF = ("docs", "handbook", "apps", "cloudportal", "locale", "requirements/docs.txt")


class Documentation(Step):
    key = "documentation"
    title = "Documentation"

    def __init__(self, context: Context) -> None:
        self._context = context
        self._folder = context.installation.var / "docs"
        self._record = self._folder / "built"
        self._index = self._folder / "current" / "index.json"

    def needed(self) -> str | None:
        if not self._index.exists() or not self._record.exists():
            return "build its pages"
        if self._record.read_text() != self._context.portal.fingerprint_of(MADE_OF):
            return "build its pages anew: they or what they describe changed"
        return None

    def do(self) -> None:
        made_of = self._context.portal.fingerprint_of(MADE_OF)
        self._context.portal.run_module("handbook", what="building the documentation")
        write_private(self._record, made_of)

    def prove(self) -> str:
        try:
            pages = json.loads(self._index.read_text())
        except (FileNotFoundError, json.JSONDecodeError) as error:
            raise CheckFailed(
                f"{self._index} is damaged: {error}", repair=f"rm -r {self._folder}, then repeat the command"
            ) from error
        return f"{len(pages)} pages"
