"""Values of a document that take more than one of `apps.core.checks` to judge."""

from __future__ import annotations

from typing import Any

from apps.core.checks import clean_ipv4, clean_notes, clean_settings
from apps.core.errors import InvalidInput
from apps.core.names import fold
from apps.storage.mounts import clean_storage_settings
from apps.zones.services import MAX_DNS, clean_extra


def choice(value: Any, *, place: str, known: dict[str, str]) -> str:
    if not isinstance(value, str) or fold(value) not in known:
        raise InvalidInput("not_a_choice", place=place, known=", ".join(dict.fromkeys(known.values())))
    return known[fold(value)]


def ipv4(value: Any, *, place: str) -> str:
    return str(clean_ipv4(value, place=place))


def addresses(value: Any, *, place: str) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > MAX_DNS:
        raise InvalidInput("out_of_range", place=place, low=0, high=MAX_DNS)
    return tuple(ipv4(child.data, place=place) for child in value)


def _texts(value: Any, *, place: str) -> dict[str, str]:
    """A mapping with each value as it is written; YAML's truth becomes "on" and "off"."""
    if not isinstance(value, dict):
        raise InvalidInput("not_notes", place=place)
    found = {}
    for name, child in value.items():
        data = child.data
        if isinstance(data, bool):
            data = "on" if data else "off"
        if data is None or not isinstance(data, str | int | float):
            raise InvalidInput("not_notes", place=f"{place}.{name[:64]}")
        found[name] = str(data)
    return found


def notes(value: Any, *, place: str) -> dict[str, str]:
    return clean_notes(_texts(value, place=place), place=place)


def storage_settings(value: Any, *, place: str) -> dict[str, str]:
    return clean_storage_settings(_texts(value, place=place), place=place)


def extra(value: Any, *, place: str) -> dict[str, str]:
    return clean_extra(clean_settings(_texts(value, place=place), place=place), place=place)
