"""Pages without the frame that all of them have: what is in it is asked for with the pages of everybody."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.template import engines

_BASE = "portal/base.html"
_BARE = "".join(
    f"{{% block {name} %}}{{% endblock %}}"
    for name in ("title", "styles", "scripts", "crumbs", "heading", "lead", "actions", "content")
)


@contextmanager
def bare() -> Iterator[None]:
    """Loaders keep what they have compiled: for a while they keep this in the frame's place."""
    django: Any = engines["django"]
    (loader,) = django.engine.template_loaders
    kept = loader.get_template_cache
    before = kept.get(_BASE)
    kept[_BASE] = django.engine.from_string(_BARE)
    try:
        yield
    finally:
        kept.pop(_BASE)
        if before is not None:
            kept[_BASE] = before
