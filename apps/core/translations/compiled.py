"""Catalogues are kept as text (.po) and compiled where the site keeps what it writes, whenever a text
has changed: no build step can be forgotten, and the program's own folder may be read-only."""

from __future__ import annotations

import logging
import os
from pathlib import Path

log = logging.getLogger(__name__)


def compile_stale(source: Path, target: Path) -> list[Path]:
    """Compile each `<language>/LC_MESSAGES/*.po` below `source` whose .mo below `target` bears another
    time; the files written. A folder that cannot be written leaves the site in English."""
    written = []
    for po in sorted(source.glob("*/LC_MESSAGES/*.po")):
        mo = target / po.relative_to(source).with_suffix(".mo")
        read_at = po.stat().st_mtime_ns
        if mo.exists() and mo.stat().st_mtime_ns == read_at:
            continue
        try:
            _compile(po, mo, read_at)
        except OSError as error:
            log.warning("translations cannot be written to %s: %s", mo.parent, error.strerror)
            break
        written.append(mo)
    return written


def _compile(po: Path, mo: Path, read_at: int) -> None:
    """Under another name, then renamed: several processes may begin at once. The time is the text's
    own, so that an older text that replaces a newer one counts as changed too."""
    import polib  # noqa: PLC0415 - most starts have nothing to compile

    mo.parent.mkdir(parents=True, exist_ok=True)
    beside = mo.with_name(f"{mo.name}.{os.getpid()}")
    polib.pofile(str(po)).save_as_mofile(str(beside))
    os.utime(beside, ns=(read_at, read_at))
    beside.replace(mo)
