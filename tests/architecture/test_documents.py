"""What the documents promise to list is listed there."""

from __future__ import annotations

import re

import pytest

from bootstrap.installation import REMEMBERED
from tests.architecture.tree import ROOT


@pytest.mark.parametrize("language", ["en", "el"])
def test_the_operators_guide_names_every_setting_that_comes_from_the_environment(language: str) -> None:
    settings = (ROOT / "cloudportal" / "settings.py").read_text()
    read = set(re.findall(r"environ\.get\(\s*\"(\w+)\"", settings))
    assert read >= {"CLOUDPORTAL_VAR", "CLOUDPORTAL_JOB_LEASE_SECONDS"}
    named = set(re.findall(r"`(\w+)", (ROOT / "docs" / language / "operator" / "settings.md").read_text()))
    assert (read | set(REMEMBERED)) - named == set()
