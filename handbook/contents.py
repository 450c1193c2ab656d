"""What the documentation holds, in reading order."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

LANGUAGES = ("en", "el")


@dataclass(frozen=True, slots=True)
class Part:
    """A folder of pages. `first` come in this order, the others follow by name. A part that is not
    `translated` is in English only, and the other languages point to it."""

    folder: str
    title: str | Promise
    first: tuple[str, ...] = ("index",)
    translated: bool = True


PARTS = (
    Part(
        "user",
        _("User guide"),
        (
            "first-login",
            "my-account",
            "create-a-machine",
            "connect",
            "start-and-stop",
            "follow-a-job",
            "lists",
            "trash",
            "no-room",
            "ssh-keys",
            "quotas",
            "api-and-tokens",
            "shortcuts",
            "accessibility",
        ),
    ),
    Part("tenant", _("Accounts and their members"), ("accounts", "events")),
    Part(
        "operator",
        _("Operator's guide"),
        (
            "install",
            "launch-a-zone",
            "hosts",
            "storage",
            "templates",
            "people",
            "login",
            "directory",
            "mapping",
            "closing-an-account",
            "pages",
            "settings",
            "trouble",
            "backup",
            "audit",
            "upgrade",
        ),
    ),
    Part("errors", _("Error codes")),
    Part("api", _("API"), ("index",), translated=False),
    Part("developer", _("For developers"), ("architecture", "threat-model"), translated=False),
)
GLOSSARY = "glossary"


def part_of(name: str) -> Part | None:
    """The part that a page belongs to; None for the home page and the glossary."""
    folder = name.partition("/")[0]
    return next((part for part in PARTS if part.folder == folder and "/" in name), None)


def address(language: str, name: str) -> str:
    """Where a page is, below /docs/."""
    name = "" if name == "index" else name.removesuffix("/index")
    return f"{language}/{name}/" if name else f"{language}/"
