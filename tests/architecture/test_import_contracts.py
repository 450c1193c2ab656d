"""The layers hold, and import-linter says so of each deliberate violation."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, files

NO_WORKERS = "Apps and the web process never import workers"
PLAIN = "Drivers are plain Python"
BELOW = "An app knows only the apps below it"
FIRST = "The installer runs before anything is installed"
NO_GENERATOR = "The documentation's generator is nobody's"
VIOLATIONS = [
    ("apps.compute", "workers.drivers.base", NO_WORKERS),
    ("cloudportal", "workers.drivers.base", NO_WORKERS),
    ("workers.drivers", "django.db", PLAIN),
    ("workers.drivers", "celery", PLAIN),
    ("workers.drivers", "apps.jobs.models", PLAIN),
    ("apps.accounts", "apps.compute.models", BELOW),
    ("apps.network", "apps.storage.models", BELOW),
    ("apps.jobs", "apps.zones.models", BELOW),
    ("bootstrap", "django", FIRST),
    ("apps.portal", "handbook.pages", NO_GENERATOR),
    ("cloudportal", "sphinx", NO_GENERATOR),
]
"""The package that imports, what it must not import, and the contract that says so."""


def lint_imports(tree: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("lint-imports")
    return subprocess.run([str(program), "--no-cache"], cwd=tree, capture_output=True, text=True, check=False)


@pytest.fixture
def copy_of_the_tree(tmp_path: Path) -> Path:
    for path in files():
        if path.parts[0] in {
            "apps",
            "workers",
            "cloudportal",
            "bootstrap",
            "guest",
            "handbook",
            "pyproject.toml",
        }:
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / path, tmp_path / path)
    return tmp_path


def test_the_contracts_are_kept(copy_of_the_tree: Path) -> None:
    done = lint_imports(copy_of_the_tree)
    assert done.returncode == 0, done.stdout


def test_every_deliberate_violation_is_named_by_its_contract(copy_of_the_tree: Path) -> None:
    for number, (package, imported, _) in enumerate(VIOLATIONS):
        planted = copy_of_the_tree / package.replace(".", "/") / f"planted_{number}.py"
        planted.write_text(f"import {imported}\n")
    done = lint_imports(copy_of_the_tree)
    assert done.returncode != 0
    findings = done.stdout.partition("Broken contracts")[2]
    for number, (package, imported, contract) in enumerate(VIOLATIONS):
        _, found, chapter = findings.partition(f"\n{contract}")
        assert found, f"{contract}\n{done.stdout}"
        own = re.split(r"\n-{5,}\n", chapter)[1]
        module = f"{package}.planted_{number}"
        assert f"{module} -> {imported.split('.')[0]}" in own, f"{module}\n{done.stdout}"


def test_the_installer_imports_only_the_standard_library() -> None:
    allowed = sys.stdlib_module_names | {"bootstrap", "guest"}
    foreign = {}
    for path in files():
        if path.parts[0] == "bootstrap" and path.suffix == ".py":
            tree = ast.parse((ROOT / path).read_text())
            names = {
                name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names
            }
            names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
            if strangers := {name for name in names if name.split(".")[0] not in allowed}:
                foreign[str(path)] = strangers
    assert foreign == {}
