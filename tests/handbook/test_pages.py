"""What the documentation holds: every code, reason and request, in the languages that it promises."""

from __future__ import annotations

import re
from functools import cache

import polib
import pytest
from django.conf import settings
from drf_spectacular.generators import SchemaGenerator

from apps.core.rest import statuses
from apps.core.translations.catalogue import path_of
from apps.core.words.codes import CODES
from apps.core.words.placement import PLACEMENT_HELP, PLACEMENT_REASONS
from apps.core.words.reasons import REASONS
from apps.launch.reader import read_document
from cloudportal.api import VIEWSETS
from handbook import markdown
from handbook.contents import LANGUAGES, PARTS, part_of
from handbook.pages import Page, navigation, pages
from handbook.reasons import reasons_of

GREEK = re.compile(r"[Ͱ-Ͽἀ-῿]")


@cache
def of(language: str) -> dict[str, Page]:
    return {page.name: page for page in pages(settings.BASE_DIR, language)}


def test_the_languages_are_those_of_the_portal() -> None:
    assert [code for code, _name in settings.LANGUAGES] == list(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_has_its_page(language: str) -> None:
    assert {f"errors/{code}" for code in CODES} <= set(of(language))


@pytest.mark.parametrize("code", CODES)
def test_a_codes_page_says_what_happened_what_to_do_and_how_the_api_tells_it(code: str) -> None:
    text = of("en")[f"errors/{code}"].text
    assert markdown.words(CODES[code].detail) in text
    assert markdown.words(CODES[code].remedy) in text
    assert f'"code": "{code}"' in text
    assert (code in statuses()) == ("- HTTP status: " in text)
    assert GREEK.search(of("el")[f"errors/{code}"].title)


def test_every_reason_is_on_the_page_of_a_code() -> None:
    told = {name for code in CODES for name in reasons_of(code)}
    assert {key.rpartition("/")[2] for key in REASONS} - told == set()
    placement = of("en")["errors/insufficient_capacity"].text
    assert [name for name in (*PLACEMENT_REASONS, *PLACEMENT_HELP) if f"`{name}`" not in placement] == []


def test_a_reason_is_told_with_the_code_that_raises_it() -> None:
    assert "login_link" in reasons_of("permission_denied")
    assert "storage_full" in reasons_of("storage_unavailable") or "storage_full" in reasons_of(
        "invalid_input"
    )
    assert "wrong_state" in reasons_of("state_conflict")
    assert "too_large" in reasons_of("image_rejected")
    assert "login_link" not in reasons_of("invalid_input")
    assert "not_infrastructure" in reasons_of("zone_ignored")


def test_no_example_leaves_a_parameter_open() -> None:
    examples = {code: of("en")[f"errors/{code}"].text.partition("```json")[2] for code in CODES}
    assert [code for code, text in examples.items() if "…" in text.replace("Token …", "")] == []


def test_a_translated_part_has_the_same_pages_in_every_language() -> None:
    translated = {
        language: {name for name in of(language) if (part := part_of(name)) is None or part.translated}
        for language in LANGUAGES
    }
    assert translated["en"] == translated["el"]
    assert set(of("el")) == translated["el"]


def test_greek_pages_are_greek_and_english_pages_are_not() -> None:
    assert [name for name, page in of("el").items() if not GREEK.search(page.text)] == []
    own = {
        name: page for name, page in of("en").items() if part_of(name) and not name.startswith("developer/")
    }
    assert [name for name, page in own.items() if GREEK.search(page.text)] == []


def test_every_page_that_the_contents_name_is_there() -> None:
    named = {f"{part.folder}/{name}" for part in PARTS for name in part.first}
    assert named - set(of("en")) == set()


def test_every_noun_of_the_api_has_its_page() -> None:
    assert {f"api/{noun}" for noun in VIEWSETS} <= set(of("en"))
    machines = of("en")["api/virtual-machines"].text
    assert "`POST /api/v1/virtual-machines/{id}/start/`" in machines
    assert "`ssh_keys`" in machines


def test_every_request_of_the_api_is_described_in_words() -> None:
    schema = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    bare = [
        f"{method} {path}"
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
        if not operation.get("summary")
    ]
    assert bare == []


def test_the_navigation_of_another_language_points_to_what_is_english_only() -> None:
    sections = {
        section.folder: section
        for section in navigation(list(of("el").values()), "el", list(of("en").values()))
    }
    assert {link.language for link in sections["api"].links} == {"en"}
    assert {link.language for link in sections["errors"].links} == {"el"}


BOLD = re.compile(r"\*\*([^*]+)\*\*")
LABELLED = ("user", "tenant", "operator")


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_stands_in_bold_is_a_label_that_the_portal_shows(language: str) -> None:
    catalogue = polib.pofile(str(path_of(settings.BASE_DIR, "el")))
    shown = {entry.msgid if language == "en" else entry.msgstr for entry in catalogue}
    named = {
        (name, " ".join(label.split()))
        for name, page in of(language).items()
        if name.partition("/")[0] in LABELLED
        for label in BOLD.findall(page.text)
    }
    assert len(named) > 20
    assert sorted((name, label) for name, label in named if label not in shown) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_zone_of_the_guide_can_be_launched(language: str) -> None:
    example = of(language)["operator/launch-a-zone"].text.partition("```yaml\n")[2].partition("```")[0]
    document, findings = read_document(example)
    assert list(findings) == []
    assert document is not None
    assert document.zone.name == "Zone1"


def test_a_text_with_marks_of_markdown_stays_as_it_is() -> None:
    assert markdown.plain("a_b *c* `d` [e] | f") == r"a\_b \*c\* \`d\` \[e\] \| f"
    assert markdown.words("at most %(limit)s bytes, 5 %%") == "at most *limit* bytes, 5 %"
