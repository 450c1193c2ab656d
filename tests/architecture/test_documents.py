"""What the documents promise to list is listed there."""

from __future__ import annotations

import re

import pytest

from bootstrap.installation import REMEMBERED
from tests.architecture.tree import ROOT

NAMED = re.compile(
    r"`((?:apps|workers|tests|static|templates|bench|handbook|bootstrap|guest|locale|docs)/[\w./-]*)`"
)
"""A file or folder of the tree in a text; one with a part to fill in is none."""


@pytest.mark.parametrize("language", ["en", "el"])
def test_the_operators_guide_names_every_setting_that_comes_from_the_environment(language: str) -> None:
    settings = (ROOT / "cloudportal" / "settings.py").read_text()
    read = set(re.findall(r"environ\.get\(\s*\"(\w+)\"", settings))
    assert read >= {"CLOUDPORTAL_VAR", "CLOUDPORTAL_JOB_LEASE_SECONDS"}
    named = set(re.findall(r"`(\w+)", (ROOT / "docs" / language / "operator" / "settings.md").read_text()))
    assert (read | set(REMEMBERED)) - named == set()


def test_every_file_that_the_developers_pages_name_is_there() -> None:
    pages = [ROOT / "docs" / name for name in ("architecture.md", "glossary.md", "threat-model.md")]
    pages += [*(ROOT / "docs" / "howto").glob("*.md"), *(ROOT / "docs" / "adr").glob("*.md")]
    named = [(page.name, path) for page in pages for path in NAMED.findall(page.read_text())]
    assert len(named) > 50
    assert [(page, path) for page, path in named if not (ROOT / path).exists()] == []


def test_every_link_and_picture_of_the_readme_leads_to_a_file() -> None:
    targets = re.findall(r"\]\(([^)#]+)", (ROOT / "README.md").read_text())
    assert len(targets) > 5
    assert [target for target in targets if "://" not in target and not (ROOT / target).exists()] == []
