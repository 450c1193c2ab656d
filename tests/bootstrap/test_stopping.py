"""What `make status` says of an installation that is down."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bootstrap import stopping
from bootstrap.failures import CheckFailed
from bootstrap.installation import Installation, Kind

Down = Callable[[Kind], Installation]


@pytest.fixture
def down(tmp_path: Path) -> Iterator[Down]:
    """Makes installations that are down; at the end nothing is left of them outside of their folder."""
    short_folders: list[Path] = []

    def make(kind: Kind) -> Installation:
        made = Installation(tmp_path, tmp_path / kind)
        made.create()
        made.memory.kind = kind
        made.save()
        if made.socket.parent != made.run:
            short_folders.append(made.socket.parent)
        return made

    yield make
    for folder in short_folders:
        folder.rmdir()


@pytest.mark.parametrize(
    ("there", "way_up"),
    [(["simulator"], "make demo"), (["kvm"], "make up"), (["simulator", "kvm"], "make up")],
)
def test_the_repair_brings_up_what_is_down(down: Down, there: list[Kind], way_up: str) -> None:
    with pytest.raises(CheckFailed, match="is not running") as caught:
        stopping.status([down(kind) for kind in there])
    assert caught.value.repair == way_up


def test_a_demo_that_was_stopped_is_no_failure(down: Down, capsys: pytest.CaptureFixture[str]) -> None:
    demo = down("simulator")
    stopping.down([demo], purge=False)
    stopping.status([Installation(demo.root, demo.var)])
    assert "The demo is stopped. Start it: make demo" in capsys.readouterr().out


def test_an_installation_on_real_hosts_that_was_stopped_is_told_as_down(down: Down) -> None:
    real = down("kvm")
    stopping.down([real], purge=False)
    with pytest.raises(CheckFailed, match="is not running"):
        stopping.status([Installation(real.root, real.var)])
