"""What `make status` says of an installation that is down."""

from pathlib import Path

import pytest

from bootstrap import stopping
from bootstrap.failures import CheckFailed
from bootstrap.installation import Installation, Kind


def down(folder: Path, kind: Kind) -> Installation:
    made = Installation(folder, folder / kind)
    made.create()
    made.memory.kind = kind
    made.save()
    return made


@pytest.mark.parametrize(
    ("there", "way_up"),
    [(["simulator"], "make demo"), (["kvm"], "make up"), (["simulator", "kvm"], "make up")],
)
def test_the_repair_brings_up_what_is_down(tmp_path: Path, there: list[Kind], way_up: str) -> None:
    with pytest.raises(CheckFailed, match="is not running") as caught:
        stopping.status([down(tmp_path, kind) for kind in there])
    assert caught.value.repair == way_up
