"""What Sphinx is told of us: Greek for its search, and what the theme's templates need on each page."""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx

from handbook.contents import address
from handbook.search import SearchGreek


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_search_language(SearchGreek)
    app.connect("html-page-context", _add)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _add(app: Sphinx, name: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """`root` leads to /docs/, `other_address` to the same page in another language, `before` and
    `after` to the neighbours in the same part."""
    root = f"{context['content_root']}../"
    own = address(app.config.language, name)

    def other_address(other: dict[str, Any]) -> str:
        known = name if name in [*other["pages"], "search"] else "index"
        return f"{root}{address(other['code'], known)}"

    before, after = _neighbours(context["sections"], own)
    context.update(root=root, page_address=own, other_address=other_address, before=before, after=after)


def _neighbours(sections: list[dict[str, Any]], own: str) -> tuple[Any, Any]:
    for section in sections:
        links = [None, *section["links"], None]
        for place, link in enumerate(links):
            if link and link["address"] == own:
                return links[place - 1], links[place + 1]
    return None, None
