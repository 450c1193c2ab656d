"""The step that builds the documentation."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from bootstrap.context import Context
from bootstrap.documentation import MADE_OF, Documentation
from bootstrap.failures import CheckFailed
from bootstrap.installation import Installation
from tests.architecture.tree import ROOT


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Context:
    """A checkout of a few files, whose generator only leaves an index."""
    for name in MADE_OF:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#") if path.suffix else path.mkdir()
    (tmp_path / "docs" / "page.md").write_text("# A page\n")
    context = Context.of(Installation(tmp_path, tmp_path / "var"))

    def run_module(module: str, *, what: str) -> None:
        assert module == "handbook"
        made = tmp_path / "var" / "docs" / "current"
        made.mkdir(parents=True, exist_ok=True)
        (made / "index.json").write_text(json.dumps([{"title": "A page"}]))

    monkeypatch.setattr(context.portal, "run_module", run_module)
    return context


def test_the_pages_are_built_once(context: Context) -> None:
    step = Documentation(context)
    assert step.needed() == "build its pages"
    step.do()
    assert step.needed() is None
    assert step.prove() == "1 pages"


@pytest.mark.parametrize("changed", ["docs/page.md", "apps/new.py", "requirements/docs.txt"])
def test_they_are_built_anew_when_what_they_are_made_of_changed(context: Context, changed: str) -> None:
    step = Documentation(context)
    step.do()
    (context.installation.root / changed).write_text("something else")
    assert "anew" in (step.needed() or "")
    step.do()
    assert step.needed() is None


def test_a_change_elsewhere_builds_nothing(context: Context) -> None:
    step = Documentation(context)
    step.do()
    (context.installation.root / "README.md").write_text("read me")
    assert step.needed() is None


def test_pages_that_are_gone_are_built_anew(context: Context) -> None:
    step = Documentation(context)
    step.do()
    shutil.rmtree(context.installation.var / "docs" / "current")
    assert step.needed() == "build its pages"
    with pytest.raises(CheckFailed, match="index"):
        step.prove()


def test_what_the_pages_are_made_of_is_in_every_checkout() -> None:
    assert [name for name in MADE_OF if not (ROOT / name).exists()] == []


@pytest.mark.servers
def test_the_step_builds_the_pages_of_this_checkout(tmp_path: Path) -> None:
    installation = Installation(ROOT, tmp_path / "var")
    installation.create()
    step = Documentation(Context.of(installation))
    assert step.needed() == "build its pages"
    step.do()
    assert step.needed() is None
    assert int(step.prove().removesuffix(" pages")) > 150
    assert (tmp_path / "var" / "docs" / "current" / "el" / "user" / "trash" / "index.html").exists()
