"""The words of the theme around the pages."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


def say() -> dict[str, str | Promise]:
    """By the name that the templates use."""
    return {
        "skip": _("Skip to the content"),
        "portal": _("To the portal"),
        "documentation": _("Documentation"),
        "search": _("Search"),
        "search_label": _("Search the documentation"),
        "search_needs_script": _("The search needs JavaScript. The lists of pages work without it."),
        "pages": _("Pages"),
        "this_page": _("On this page"),
        "languages": _("Language"),
        "previous": _("Previous"),
        "next": _("Next"),
        "glossary": _("Glossary"),
        "accessibility": _("Accessibility"),
        "in_english": _("in English"),
    }
