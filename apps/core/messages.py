"""The words for every code: what happened and what to do, in the reader's language.

Codes are stable and are what programs read; these words may change. `apps.core.words` holds them as
data; a test collects every code and reason used in the tree and fails for one without words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from apps.core.errors import documentation
from apps.core.words.codes import CODES
from apps.core.words.counts import counted
from apps.core.words.hosts import HOST_TROUBLES
from apps.core.words.jobs import DOES, NOTES, RESOLVES, STEPS
from apps.core.words.placement import PLACEMENT_HELP, PLACEMENT_REASONS
from apps.core.words.reasons import REASONS
from apps.core.words.says import Plural, Text
from apps.core.words.terms import TERMS


@dataclass(frozen=True, slots=True)
class Explanation:
    """`title` names the kind of trouble, `detail` says what happened, `remedy` what to do now.
    `documentation` is the address of the page about its code; empty where there is none."""

    title: str
    detail: str
    remedy: str
    documentation: str = ""


class _Params(dict[str, Any]):
    """Parameters for a text; what a caller left out reads as an ellipsis instead of failing."""

    def __missing__(self, key: str) -> str:
        return "…"


def fill(text: Text, params: Mapping[str, Any]) -> str:
    """The text in the active language with its named parameters."""
    said = text.of(params) if isinstance(text, Plural) else str(text)
    return said % _Params(params) if "%" in said else said


def explain(code: str, params: Mapping[str, Any] | None = None) -> Explanation:
    """The words for an error code and its parameters; `params["reason"]` makes them more exact."""
    params = dict(params or {})
    words = CODES.get(code) or CODES["internal"]
    detail, remedy = words.detail, words.remedy
    reason = str(params.get("reason", ""))
    if found := REASONS.get(f"{code}/{reason}") or REASONS.get(reason):
        detail, remedy = found.detail, found.remedy or remedy
    elif found_reason := PLACEMENT_REASONS.get(reason):
        detail = found_reason
    if isinstance(params.get("counts"), Mapping):
        params["counts"] = ", ".join(counted(kind, n) for kind, n in params["counts"].items())
    for name, terms in TERMS.items():
        if isinstance(value := params.get(name), str):
            params[name] = ", ".join(str(terms.get(one, one)) for one in value.split(", "))
    if said := params.get("said"):
        detail = said if isinstance(said, str | Promise) else detail
    page = documentation(code if code in CODES else "internal")
    return Explanation(fill(words.title, params), fill(detail, params), fill(remedy, params), page)


def explain_error(error: Mapping[str, Any]) -> Explanation:
    """The words for an error as a job or a machine keeps it: {"code", "params", "technical"}."""
    return explain(str(error.get("code", "internal")), error.get("params") or {})


def step_label(name: str) -> str:
    """What a step does, for people; its own name if it is unknown here."""
    return str(STEPS.get(name, name))


def note_text(note: str) -> str:
    """What a job is doing or waits for."""
    return str(NOTES.get(note, note))


def job_does(kind: str) -> str:
    """What a job of this kind does, for people."""
    return str(DOES.get(kind, ""))


def job_resolves(kind: str) -> str:
    """What resolving a stuck job of this kind leads to."""
    return str(RESOLVES.get(kind, ""))


def placement_reason(reason: str) -> str:
    """Why a host was not taken."""
    return str(PLACEMENT_REASONS.get(reason) or _("Another reason"))


def placement_help(code: str) -> str:
    """What would let a host take the machine."""
    return str(PLACEMENT_HELP.get(code, code))


def host_trouble(code: str) -> Explanation:
    """What is the matter with a host, for its operator; a driver's code without words of its own here is
    explained as everywhere."""
    words = HOST_TROUBLES.get(code)
    return Explanation(*map(str, (words.title, words.detail, words.remedy))) if words else explain(code)
