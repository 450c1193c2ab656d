"""Texts and edges stand out from what is behind them, in each theme: WCAG 2.2, 1.4.3, 1.4.6 and 1.4.11."""

from __future__ import annotations

import re

import pytest
from django.conf import settings

TOKENS = settings.BASE_DIR / "static" / "portal" / "tokens.css"
THEMES = {
    "light": [":root"],
    "dark": [":root", '[data-bs-theme="dark"]'],
    "light, high contrast": [":root", '[data-contrast="more"]'],
    "dark, high contrast": [
        ":root",
        '[data-bs-theme="dark"]',
        '[data-contrast="more"]',
        '[data-bs-theme="dark"][data-contrast="more"]',
    ],
}
GROUNDS = ("ground", "surface", "sunken")
TONES = ("ok", "busy", "bad", "off", "info")
TEXTS = [
    *[
        (text, ground)
        for text in ("ink", "muted", "accent", "accent-strong", "bad", "bad-strong")
        for ground in GROUNDS
    ],
    *[(tone, f"{tone}-soft") for tone in (*TONES, "accent", "operator")],
    *[("ink", f"{tone}-soft") for tone in (*TONES, "accent")],
    *[("muted", f"{tone}-soft") for tone in (*TONES, "accent")],
    ("on-accent", "accent"),
    ("on-accent", "accent-strong"),
    ("bad-strong", "bad-soft"),
]
EDGES = [(edge, ground) for edge in ("edge", "accent", "bad", "busy") for ground in GROUNDS]


def tokens(theme: str) -> dict[str, str]:
    css = TOKENS.read_text()
    found: dict[str, str] = {}
    for selector in THEMES[theme]:
        block = re.search(rf"^{re.escape(selector)} \{{(.*?)^\}}", css, re.S | re.M)
        assert block, selector
        found |= dict(re.findall(r"--cp-([\w-]+): (#[0-9a-f]{6});", block[1]))
    return found


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_reckoned_as_the_standard_does() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", THEMES)
def test_texts_and_edges_stand_out(theme: str) -> None:
    colours = tokens(theme)
    wanted = 7 if "high" in theme else 4.5
    faint = [(pair, wanted) for pair in TEXTS if contrast(*(colours[name] for name in pair)) < wanted]
    faint += [(pair, 3) for pair in EDGES if contrast(*(colours[name] for name in pair)) < 3]
    assert faint == []
