from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.tree import files, text

LIMIT = 400
KINDS = {".py", ".js", ".css", ".html", ".sh"}


def too_long(path: Path, content: str) -> bool:
    return path.suffix in KINDS and "migrations" not in path.parts and len(content.splitlines()) >= LIMIT


def contents() -> Iterator[tuple[Path, str]]:
    for path in files():
        if (content := text(path)) is not None:
            yield path, content


def test_every_module_stays_under_the_limit() -> None:
    long = {str(path): len(content.splitlines()) for path, content in contents() if too_long(path, content)}
    assert long == {}


@pytest.mark.parametrize(
    ("path", "lines", "verdict"),
    [
        ("apps/big.py", LIMIT, True),
        ("apps/fits.py", LIMIT - 1, False),
        ("apps/zones/migrations/0001_initial.py", LIMIT, False),
        ("data/table.csv", LIMIT, False),
    ],
)
def test_the_check_sees_a_module_that_is_too_long(path: str, lines: int, verdict: bool) -> None:
    assert too_long(Path(path), "x = 1\n" * lines) is verdict
