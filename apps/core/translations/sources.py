"""The texts that the code marks for translation, and those in templates that it forgot to mark."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

from django.template.base import Lexer, Token, TokenType
from django.utils.translation.template import templatize

PYTHON = ("apps", "cloudportal", "handbook")
TEMPLATES = "templates"

_FUNCTIONS = {
    name: tuple(places.split())
    for names, places in (
        ("gettext gettext_lazy gettext_noop", "id"),
        ("ngettext ngettext_lazy", "id plural"),
        ("pgettext pgettext_lazy", "context id"),
        ("npgettext npgettext_lazy", "context id plural"),
    )
    for name in names.split()
}
_LITERAL = r"""u?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
_CALL = re.compile(rf"\b(_|n?p?gettext)\(({_LITERAL}(?:,\s*{_LITERAL})*)(?:,\s*count)?\)")

_SPOKEN = frozenset({"alt", "aria-description", "aria-label", "label", "placeholder", "title"})
_SILENT = frozenset({"script", "style", "code", "kbd"})  # what is run or typed
_NAMES = frozenset({"cloudportal"})
"""Names, which are the same in every language."""


@dataclass(frozen=True, slots=True)
class Message:
    """One text to translate. `plural` is empty for a text without numbers, `context` for most."""

    id: str
    plural: str = ""
    context: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """`place` is a file, with a line where there is one."""

    place: str
    what: str

    def __str__(self) -> str:
        return f"{self.place}: {self.what}"


def find_messages(root: Path) -> tuple[list[Message], list[Fault]]:
    """Every marked text below `root`, each once, in the order of files and lines; what is marked in a
    way that can never be translated; what should be marked and is not."""
    found: dict[Message, None] = {}
    faults: list[Fault] = []
    for path in _files(root, PYTHON, "*.py"):
        messages, wrong = messages_of_python(path.read_text(), str(path.relative_to(root)))
        found.update(dict.fromkeys(messages))
        faults += wrong
    for path in _files(root, (TEMPLATES,), "*.html"):
        found.update(dict.fromkeys(messages_of_template(path.read_text())))
        faults += unmarked(path.read_text(), str(path.relative_to(root)))
    return list(found), faults


def _files(root: Path, folders: tuple[str, ...], pattern: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((root / folder).rglob(pattern))


def messages_of_python(source: str, place: str) -> tuple[list[Message], list[Fault]]:
    """The literal arguments of gettext and its kin. Any other argument than a literal or a bare name
    is a fault: a text put together before it is looked up is in no catalogue."""
    tree = ast.parse(source)
    known = _imported(tree)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    messages, faults = [], []
    for call in sorted(calls, key=lambda call: (call.lineno, call.col_offset)):
        places = known.get(call.func.id) if isinstance(call.func, ast.Name) else None
        if not places:
            continue
        texts = [arg.value if isinstance(arg, ast.Constant) else None for arg in call.args[: len(places)]]
        if all(isinstance(text, str) for text in texts):
            messages.append(Message(**dict(zip(places, map(str, texts), strict=True))))
        elif any(isinstance(arg, ast.JoinedStr | ast.BinOp) for arg in call.args[: len(places)]):
            faults.append(Fault(f"{place}:{call.lineno}", "a text is put together before it is translated"))
    return messages, faults


def _imported(tree: ast.Module) -> dict[str, tuple[str, ...]]:
    """The names under which this module knows gettext and its kin."""
    return {
        alias.asname or alias.name: _FUNCTIONS[alias.name]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation"
        for alias in node.names
        if alias.name in _FUNCTIONS
    }


def messages_of_template(source: str) -> list[Message]:
    """What Django's own reading of a template takes for marked."""
    messages = []
    for function, arguments in _CALL.findall(templatize(source)):
        places = _FUNCTIONS["gettext" if function == "_" else function]
        texts = [ast.literal_eval(literal) for literal in re.findall(_LITERAL, arguments)]
        messages.append(Message(**dict(zip(places, texts, strict=True))))
    return messages


def unmarked(source: str, place: str) -> list[Fault]:
    """Words that a reader sees or hears, and that stand in the template as they are."""
    reader = _Reader()
    reader.feed("".join(_without_tags(Lexer(source).tokenize())))
    reader.close()
    return [Fault(f"{place}:{line}", f"not marked for translation: {text}") for line, text in reader.bare]


def _without_tags(tokens: list[Token]) -> Iterator[str]:
    """The HTML alone. Each tag, and all between blocktranslate and its end, gives way to its line ends."""
    inside = ""
    for token in tokens:
        verb = token.contents.split(" ", 1)[0] if token.token_type == TokenType.BLOCK else ""
        if inside:
            inside = "" if verb == f"end{inside}" else inside
        elif verb in {"blocktranslate", "blocktrans", "comment"}:
            inside = verb
        elif token.token_type == TokenType.TEXT:
            yield token.contents
            continue
        yield "\n" * token.contents.count("\n")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.bare: list[tuple[int, str]] = []
        self._silent = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent = tag in _SILENT
        of = dict(attrs)
        spoken = _SPOKEN | ({"value"} if of.get("type") in {"button", "reset", "submit"} else set())
        if tag == "meta" and of.get("name") == "description":
            spoken |= {"content"}
        for name, value in attrs:
            if name in spoken:
                self._judge(value or "")

    def handle_endtag(self, tag: str) -> None:
        self._silent = False

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._judge(data)

    def _judge(self, text: str) -> None:
        words = " ".join(text.split())
        if any(map(str.isalpha, words)) and set(re.findall(r"\w+", words)) - _NAMES:
            before = text[: len(text) - len(text.lstrip())]
            self.bare.append((self.getpos()[0] + before.count("\n"), words))
