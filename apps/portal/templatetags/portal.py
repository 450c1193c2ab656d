"""Small filters of the templates."""

from __future__ import annotations

from django import template

from apps.compute.states import State

register = template.Library()

_ICONS = {
    State.RUNNING: "▶",
    State.STOPPED: "■",
    State.ERROR: "✖",
    State.DESTROYED: "⊘",
}


@register.filter
def state_icon(state: str) -> str:
    """A state's sign beside its word: never colour alone."""
    return _ICONS.get(State(state), "…")
