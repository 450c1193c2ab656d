"""Values that go to hosts: what each may be, judged before anything is written."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address
from typing import Any

from apps.core.errors import InvalidInput

_PATH = re.compile(r"(/[A-Za-z0-9._@+=-]+)+")
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*")
_BRIDGE = re.compile(r"[a-z][a-z0-9-]{0,14}")
_SETTING = re.compile(r"[a-z][a-z0-9_]{0,31}")
_NOTE = re.compile(r"[a-z][a-z0-9._-]{0,63}")


def clean_path(text: object, *, place: str = "path") -> str:
    """An absolute path of plain names: no "..", no blank, nothing that a shell or XML minds."""
    if not isinstance(text, str) or len(text) > 500 or not _PATH.fullmatch(text):
        raise InvalidInput("not_a_path", place=place)
    if {".", ".."} & set(text.split("/")):
        raise InvalidInput("not_a_path", place=place)
    return text


def clean_bridge(text: object, *, place: str = "bridge") -> str:
    """A Linux bridge's name: 15 characters is what the kernel takes."""
    if not isinstance(text, str) or not _BRIDGE.fullmatch(text):
        raise InvalidInput("not_a_bridge", place=place)
    return text


def clean_ipv4(text: object, *, place: str) -> IPv4Address:
    try:
        return IPv4Address(text if isinstance(text, str) else "")
    except AddressValueError:
        raise InvalidInput("not_an_ipv4_address", place=place) from None


def clean_host_address(text: object, *, place: str = "address") -> str:
    """An IPv4 address or a host name; empty for the machine that the workers run on."""
    if not isinstance(text, str):
        raise InvalidInput("not_an_address", place=place)
    if text and not _HOST.fullmatch(text):
        raise InvalidInput("not_an_address", place=place)
    if text and re.fullmatch(r"[0-9.]+", text):
        clean_ipv4(text, place=place)
    return text.lower()


def clean_whole(value: object, *, place: str, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InvalidInput("out_of_range", place=place, low=low, high=high)
    return value


def clean_choice(value: object, choices: Any, *, place: str) -> str:
    """One of a TextChoices' values."""
    if value not in choices.values:
        raise InvalidInput("not_a_choice", place=place, known=", ".join(choices.values))
    return str(value)


def clean_settings(value: object, *, place: str) -> dict[str, str]:
    """Driver settings: at most 20 short names with a short printable text each."""
    if not isinstance(value, dict) or len(value) > 20:
        raise InvalidInput("not_settings", place=place)
    for name, text in value.items():
        good = isinstance(name, str) and _SETTING.fullmatch(name)
        if not good or not isinstance(text, str) or len(text) > 200 or not text.isprintable():
            raise InvalidInput("not_settings", place=place)
    return dict(value)


def clean_notes(value: object, *, place: str) -> dict[str, str]:
    """What is known of a storage: at most 60 names such as "network.ping-timeout", a short text each."""
    if not isinstance(value, dict) or len(value) > 60:
        raise InvalidInput("not_notes", place=place)
    for name, text in value.items():
        if not isinstance(name, str) or not _NOTE.fullmatch(name):
            raise InvalidInput("not_notes", place=place)
        if not isinstance(text, str) or len(text) > 200 or not text.isprintable():
            raise InvalidInput("not_notes", place=f"{place}.{name}")
    return dict(value)
