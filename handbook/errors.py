"""A page for each error code, from the words that the product says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _

from apps.core.errors import documentation
from apps.core.messages import explain
from apps.core.rest import statuses
from apps.core.words.codes import CODES, DRIVER_CODES, REQUEST_CODES, USE_CASE_CODES
from apps.core.words.placement import PLACEMENT_HELP, PLACEMENT_REASONS
from apps.core.words.says import Reason, Words
from handbook.markdown import code, page, table, terms, words
from handbook.reasons import reasons_of

SAMPLES: dict[str, Any] = {
    "counts": {"virtual machine": 2},
    "cidr": "10.1.0.0/24",
    "done": 4,
    "failed": 1,
    "gateway": "10.1.0.1",
    "high": 100,
    "known": "name, tags",
    "limit": 255,
    "low": 1,
    "method": "DELETE",
    "owner": "physics",
    "pod": "pod-1",
    "position": 3,
    "resource": "vcpus",
    "seconds": 2,
    "state": "Running",
    "storage": "archive",
    "used": 8,
    "value": "NaN",
    "wanted": 4,
}
"""Values for the parameters of an example; any other stands as its name."""

_PARAMETER = re.compile(r"%\((\w+)\)s")
_OWN_SAMPLES: dict[str, dict[str, Any]] = {"quota_exceeded": {"limit": 8, "used": 6}}
_EXAMPLE_REASON = {"invalid_input": "blank", "malformed_request": "not_json", "state_conflict": "wrong_state"}
_WANTED_STATE = {"wrong_state": {"wanted": "Stopped"}}


def pages() -> Iterator[tuple[str, str]]:
    """(name, Markdown) in the active language."""
    yield "index", _index()
    known = statuses()
    for name, said in CODES.items():
        yield name, _page(name, said, known.get(name))


def _index() -> str:
    groups = (
        (_("What a request can be answered with"), REQUEST_CODES),
        (_("Why something is refused"), USE_CASE_CODES),
        (_("What a host could not do"), DRIVER_CODES),
    )
    blocks = [
        "# " + _("Error codes"),
        _(
            "Every error of the portal has a code that never changes. You find it on the page of the "
            "problem, at the job or machine that failed, and in the field `code` of an answer of the API."
        ),
    ]
    for title, codes in groups:
        entries = [f"- [{words(said.title)}]({name}.md) {code(name)}" for name, said in codes.items()]
        blocks += [f"## {title}", "\n".join(entries)]
    return page(*blocks)


def _page(name: str, said: Words, status: int | None) -> str:
    return page(
        f"# {words(said.title)}",
        _about(name, status),
        "## " + _("What happened"),
        words(said.detail),
        "## " + _("What to do"),
        words(said.remedy),
        _reasons(reasons_of(name)),
        _placement() if name == "insufficient_capacity" else "",
        "## " + _("In the API"),
        _example(name, status),
    )


def _about(name: str, status: int | None) -> str:
    rows = [(_("Code"), code(name)), *([(_("HTTP status"), code(status))] if status else [])]
    return "\n".join(f"- {label}: {value}" for label, value in rows)


def _reasons(reasons: Mapping[str, Reason]) -> str:
    if not reasons:
        return ""
    intro = _("The reason, in the parameter `reason`, says it more exactly:")
    told = {name: f"{words(said.detail)} {words(said.remedy)}" for name, said in reasons.items()}
    return page("## " + _("Reasons"), intro, terms(told)).strip()


def _placement() -> str:
    rows = [(code(name), words(text)) for name, text in PLACEMENT_REASONS.items()]
    help_rows = [(code(name), words(text)) for name, text in PLACEMENT_HELP.items()]
    return page(
        "## " + _("Why a host does not take a machine"),
        _(
            "The page of the machine counts these reasons; the API tells them at "
            "`/api/v1/virtual-machines/{id}/placement/`."
        ),
        table((_("Reason"), _("What it says")), rows),
        "## " + _("What would help"),
        table((_("Help"), _("What to do")), help_rows),
    ).strip()


def _example(name: str, status: int | None) -> str:
    params = _sample(name)
    told = explain(name, params)
    error = {"code": name, "title": told.title, "detail": told.detail, "remedy": told.remedy}
    if status is None:
        intro = _("This code is the error of a job or of a machine, in its field `error`:")
        body: dict[str, Any] = {"error": {**error, "params": params}}
    else:
        intro = _("An answer with this code, as `application/problem+json`:")
        body = {
            "type": documentation(name),
            "status": status,
            **error,
            "instance": "/api/v1/virtual-machines/",
            "place": "name" if name in {"invalid_input", "name_taken"} else "",
            "request_id": "4f1c9a0d7be24a0f8d2f5c6b7a8e9d01",
            "params": params,
        }
    return page(intro, f"```json\n{json.dumps(body, indent=2, ensure_ascii=False)}\n```").strip()


def _sample(name: str) -> dict[str, Any]:
    """Parameters that the example's texts name."""
    reason = _EXAMPLE_REASON.get(name, "")
    said = reasons_of(name).get(reason)
    texts = (said.detail, said.remedy) if said else (CODES[name].detail, CODES[name].remedy)
    named = [param for text in texts for param in _PARAMETER.findall(str(text))]
    samples = SAMPLES | _OWN_SAMPLES.get(name, {}) | _WANTED_STATE.get(reason, {})
    params = {param: samples.get(param, f"<{param}>") for param in named}
    return {"reason": reason, **params} if reason else params
