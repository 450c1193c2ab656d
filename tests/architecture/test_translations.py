"""Every text reaches a Greek reader in Greek, and each check of that can fail."""

import os
from io import StringIO
from pathlib import Path

import polib
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.utils import translation
from django.utils.translation import gettext, ngettext, pgettext

from apps.core.translations import catalogue
from apps.core.translations.compiled import compile_stale
from apps.core.translations.sources import (
    Message,
    find_messages,
    messages_of_python,
    messages_of_template,
    unmarked,
)
from tests.architecture.tree import ROOT

GREETING = Message("Hello %(name)s.")
COUNT = Message("%(n)s host", plural="%(n)s hosts")
LINK = Message("See <code>that</code>")
MESSAGES = [GREETING, COUNT, LINK]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree whose code says MESSAGES, with a whole catalogue."""
    (tmp_path / "apps").mkdir()
    (tmp_path / "apps" / "words.py").write_text(
        "from django.utils.translation import gettext_lazy as _, ngettext\n"
        '_("Hello %(name)s.")\n'
        'ngettext("%(n)s host", "%(n)s hosts", 2)\n'
    )
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "page.html").write_text(
        "{% load i18n %}<p>{% blocktranslate %}See <code>that</code>{% endblocktranslate %}</p>"
    )
    path = catalogue.path_of(tmp_path, "el")
    catalogue.refresh(path, "el", MESSAGES)
    entries = polib.pofile(str(path), wrapwidth=0)
    entries.find("Hello %(name)s.").msgstr = "Γεια σας, %(name)s."
    entries.find("%(n)s host").msgstr_plural = {0: "%(n)s κόμβος", 1: "%(n)s κόμβοι"}
    entries.find("See <code>that</code>").msgstr = "Δείτε το <code>that</code>"
    entries.save()
    return tmp_path


def faults(tree: Path) -> list[str]:
    messages, of_the_code = find_messages(tree)
    of_the_catalogue = catalogue.faults_of(catalogue.path_of(tree, "el"), "el", messages)
    return [str(fault).split(": ", 1)[1] for fault in [*of_the_code, *of_the_catalogue]]


def rewrite(tree: Path, old: str, new: str) -> None:
    path = catalogue.path_of(tree, "el")
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_the_portal_speaks_whole_greek() -> None:
    messages, of_the_code = find_messages(ROOT)
    assert len(messages) > 400
    assert of_the_code + catalogue.faults_of(catalogue.path_of(ROOT, "el"), "el", messages) == []


def test_every_language_but_english_has_a_catalogue() -> None:
    languages = {code for code, _ in settings.LANGUAGES}
    assert languages - {"en"} == set(catalogue.PLURAL_FORMS)
    assert languages - {"en"} == {path.name for path in (ROOT / "locale").iterdir()}


def test_a_whole_catalogue_has_no_fault(tree: Path) -> None:
    assert faults(tree) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("Γεια σας, %(name)s.", "", "untranslated: Hello %(name)s."),
        ("%(n)s κόμβοι", "", "untranslated: %(n)s host"),
        ('msgid "See', '#, fuzzy\nmsgid "See', "fuzzy: See <code>that</code>"),
        ('msgid "See', '#~ msgid "Gone"\n#~ msgstr "Έφυγε"\n\nmsgid "See', "obsolete: Gone"),
        ('msgid "See', 'msgid "Gone"\nmsgstr "Έφυγε"\n\nmsgid "See', "obsolete: Gone"),
        ("Γεια σας, %(name)s", "Γεια σας, %(onoma)s", "placeholders differ: Hello %(name)s."),
        ("Γεια σας, %(name)s", "Γεια σας", "placeholders differ: Hello %(name)s."),
        ("Γεια σας, %(name)s", "Γεια σας, %(name)d", "placeholders differ: Hello %(name)s."),
        ("Γεια σας, %(name)s", "Γεια σας 100 %, %(name)s", "a % that is not %%: Hello %(name)s."),
        ("%(n)s κόμβος", "ένας κόμβος", "placeholders differ: %(n)s host"),
        ("%(n)s κόμβοι", "κόμβοι", "placeholders differ: %(n)s host"),
        ("το <code>that</code>", "το that", "placeholders differ: See <code>that</code>"),
        ("σας, %(name)s.", "σας, %(name)s", "begins or ends otherwise: Hello %(name)s."),
        ("το <code>", "το  <code>", "two spaces: See <code>that</code>"),
        ("Γεια", "Γεiα", "Greek and Latin letters in one word: Hello %(name)s."),
        ('"Language: el\\n"\n', "", "its header Language is not “el”"),
        ("n != 1", "n > 1", "its header Plural-Forms is not “nplurals=2; plural=(n != 1);”"),
        ('"Language: el\\n"', '"Language: el\\n"\n"PO-Revision-Date: now\\n"', "is not wanted"),
        ('msgid "See', 'msgid "Hello %(name)s."\nmsgstr "Γεια"\n\nmsgid "See', "cannot be read"),
    ],
)
def test_a_broken_catalogue_is_refused(tree: Path, old: str, new: str, fault: str) -> None:
    rewrite(tree, old, new)
    assert any(fault in found for found in faults(tree)), faults(tree)


def test_a_text_without_an_entry_is_refused(tree: Path) -> None:
    (tree / "apps" / "more.py").write_text(
        'from django.utils.translation import pgettext\npgettext("job", "New")\n'
    )
    assert faults(tree) == ["missing: New"]


def test_a_missing_catalogue_is_refused(tree: Path) -> None:
    catalogue.path_of(tree, "el").unlink()
    assert faults(tree) == ["there is no catalogue"]


@pytest.mark.parametrize(
    "html",
    [
        "<p>Hello</p>",
        "<p>{% if x %}{% translate 'Yes' %}{% else %}No{% endif %}</p>",
        "{% translate 'Name' %}: {{ name }} of",
        "<p>Καλημέρα</p>",
        "<p>&copy; caf&eacute;</p>",
        '<a title="Open">{{ x }}</a>',
        '<nav aria-label="Main {{ x }}"></nav>',
        "<input placeholder=Name>",
        '<img alt="A picture">',
        '<input type="submit" value="Send">',
        '<meta name="description" content="A portal">',
        "<script>x()</script><p>Hello</p>",
    ],
)
def test_a_text_that_a_template_does_not_mark_is_found(html: str) -> None:
    assert len(unmarked(f"\n{html}", "page.html")) == 1
    assert unmarked(f"\n{html}", "page.html")[0].place == "page.html:2"


@pytest.mark.parametrize(
    "html",
    [
        "<p>{% translate 'Hello' %} {{ name }} · 12 …</p>",
        "<p>{% blocktranslate %}See <b>this</b>{% endblocktranslate %}</p>",
        '<a title="{% translate "Open" %}" class="btn btn-primary" href="/open/">{{ x }}</a>',
        "{# a remark #}{% comment %}another <b>one</b>{% endcomment %}<!-- a third -->",
        "<script>const x = 1;</script><style>p { margin: 0 }</style>",
        '<input type="hidden" value="next"><title>{{ x }} · cloudportal</title>',
    ],
)
def test_what_is_marked_or_not_said_is_let_be(html: str) -> None:
    assert unmarked(html, "page.html") == []


def test_a_text_that_is_put_together_before_its_translation_is_refused() -> None:
    source = "from django.utils.translation import gettext as _\n_(f'Hello {name}')\n_('a' + b)\n_(text)\n"
    messages, wrong = messages_of_python(source, "words.py")
    assert messages == []
    assert [fault.place for fault in wrong] == ["words.py:2", "words.py:3"]


def test_every_way_of_marking_is_read_in_code() -> None:
    source = (
        "from django.utils.translation import gettext, gettext_lazy as _, ngettext_lazy\n"
        "from django.utils.translation import npgettext, pgettext\n"
        'def text():\n    gettext("a"\n      "b")\n    return _("c")\n'
        'ngettext_lazy("d", "ds", 2)\nnpgettext("x", "e", "es", 2)\npgettext("y", "f")\nother("g")\n'
    )
    expected = [
        Message("ab"),
        Message("c"),
        Message("d", "ds"),
        Message("e", "es", "x"),
        Message("f", context="y"),
    ]
    assert messages_of_python(source, "words.py")[0] == expected


def test_every_way_of_marking_is_read_in_templates() -> None:
    source = (
        "{% load i18n %}{% translate 'a' %}{% translate \"it's\" context 'x' %}{{ v|default:_('b') }}"
        "{% blocktranslate trimmed %}\n c\n d\n{% endblocktranslate %}"
        "{% blocktranslate count n=n %}{{ n }} e{% plural %}{{ n }} es{% endblocktranslate %}"
        "{% blocktranslate count n=n context 'y' %}f{% plural %}fs{% endblocktranslate %}"
    )
    assert messages_of_template(source) == [
        Message("a"),
        Message("it's", context="x"),
        Message("b"),
        Message("c d"),
        Message("%(n)s e", "%(n)s es"),
        Message("f", "fs", "y"),
    ]


def test_bringing_a_catalogue_up_to_date_keeps_what_is_said_and_forgets_what_is_not(tree: Path) -> None:
    path = catalogue.path_of(tree, "el")
    assert catalogue.refresh(path, "el", [LINK, Message("New")]) == 1
    entries = polib.pofile(str(path))
    assert [(entry.msgid, entry.msgstr) for entry in entries] == [
        ("See <code>that</code>", "Δείτε το <code>that</code>"),
        ("New", ""),
    ]


def test_a_catalogue_that_is_up_to_date_is_written_as_it_was(tree: Path) -> None:
    path = catalogue.path_of(tree, "el")
    before = path.read_bytes()
    catalogue.refresh(path, "el", MESSAGES)
    assert path.read_bytes() == before


def test_the_check_changes_nothing_and_fails(tree: Path) -> None:
    rewrite(tree, "Γεια σας, %(name)s.", "")
    before = catalogue.path_of(tree, "el").read_bytes()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "BASE_DIR", tree)
        with pytest.raises(CommandError, match="1 faults"):
            call_command("messages", check=True, stderr=StringIO())
    assert catalogue.path_of(tree, "el").read_bytes() == before


def test_a_catalogue_is_compiled_once_and_again_when_its_text_changes(tree: Path, tmp_path: Path) -> None:
    target = tmp_path / "compiled"
    mo = target / "el" / "LC_MESSAGES" / "django.mo"
    assert compile_stale(tree / "locale", target) == [mo]
    assert compile_stale(tree / "locale", target) == []
    po = catalogue.path_of(tree, "el")
    earlier = po.stat().st_mtime_ns - 10**12
    os.utime(po, ns=(earlier, earlier))
    assert compile_stale(tree / "locale", target) == [mo]
    assert {entry.msgid: entry.msgstr for entry in polib.mofile(str(mo))}["Hello %(name)s."] == (
        "Γεια σας, %(name)s."
    )
    assert [path.name for path in mo.parent.iterdir()] == ["django.mo"]


def test_a_folder_that_cannot_be_written_is_no_reason_to_stop(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "compiled").write_text("a file in the way")
    assert compile_stale(tree / "locale", tmp_path / "compiled") == []


def test_the_running_portal_answers_in_greek() -> None:
    with translation.override("el"):
        assert gettext("Virtual machines") == "Εικονικές μηχανές"
        assert ngettext("%(n)s zone", "%(n)s zones", 1) == "%(n)s ζώνη"
        assert ngettext("%(n)s zone", "%(n)s zones", 2) == "%(n)s ζώνες"
        assert pgettext("job", "Running") != gettext("Running")
    with translation.override("en"):
        assert gettext("Virtual machines") == "Virtual machines"
        assert ngettext("%(n)s zone", "%(n)s zones", 2) == "%(n)s zones"
