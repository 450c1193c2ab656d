"""One run of Sphinx, for one language, in a process of its own that knows nothing of Django's apps."""

from __future__ import annotations

import io
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.util.console import nocolor

THEME = Path(__file__).parent / "theme"
PORTAL = "portal"
"""The scheme of links that begin at the portal's own root: MyST looks for all others among the pages."""
_NOT_A_FAULT = re.compile(r'Language "\w+" not supported: Docutils-generated text will be in English')
"""Docutils knows no Greek; none of its own texts stand in our pages."""


@dataclass(frozen=True, slots=True)
class Order:
    """What one run of Sphinx is given."""

    language: str
    source: Path
    target: Path
    context: Mapping[str, Any]


def run_sphinx(order: Order) -> str:
    """Sphinx's complaints, empty where there is none."""
    nocolor()
    warnings = io.StringIO()
    with tempfile.TemporaryDirectory(prefix="doctrees-") as doctrees:
        app = Sphinx(
            srcdir=order.source,
            confdir=None,
            outdir=order.target,
            doctreedir=doctrees,
            buildername="dirhtml",
            confoverrides=_settings(order),
            status=None,
            warning=warnings,
        )
        app.build(force_all=True)
    for name in (".buildinfo", "objects.inv"):
        (order.target / name).unlink(missing_ok=True)
    shutil.rmtree(order.target / "_sources", ignore_errors=True)
    lines = warnings.getvalue().replace(f"{order.source}/", f"{order.language}/").splitlines()
    return "\n".join(line for line in lines if line and not _NOT_A_FAULT.search(line))


def _settings(order: Order) -> dict[str, Any]:
    return {
        "project": "cloudportal",
        "language": order.language,
        "extensions": ["myst_parser", "handbook.extension"],
        "myst_enable_extensions": ["deflist"],
        "myst_heading_anchors": 3,
        "myst_url_schemes": {"http": None, "https": None, "mailto": None, PORTAL: {"url": "{{path}}"}},
        "suppress_warnings": ["toc.not_included"],  # the navigation comes from handbook.contents
        "html_theme": THEME.name,
        "html_theme_path": [str(THEME.parent)],
        "html_title": "cloudportal",
        "html_context": dict(order.context),
        "html_copy_source": False,
        "html_permalinks": False,
        "html_use_index": False,
        "html_domain_indices": False,
        "smartquotes": False,
        "nitpicky": True,
    }
