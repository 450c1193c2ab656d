"""YAML as a tree in which every value knows its line, read so that no text can do harm.

The text is judged event by event before anything is built: its length, its depth, its keys. Aliases
are refused altogether: a document of ours has no use for them, and they are what bombs are made of.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

from apps.core.errors import InvalidInput

MAX_BYTES = 2 * 1024 * 1024
MAX_DEPTH = 20
MAX_VALUES = 200_000
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Value:
    """A text, whole number, fraction, truth, None, mapping or sequence, and the line where it begins
    (from 1)."""

    line: int
    data: Any


class Unreadable(InvalidInput):
    """The text is no YAML document that we read. `params["line"]` counts from 1; 0 is the whole text."""

    def __init__(self, reason: str, line: int, **params: Any) -> None:
        super().__init__(reason, place=f"line {line}" if line else "document", line=line, **params)


def read_tree(text: str) -> Value:
    """The one document in `text`. Raises Unreadable."""
    if len(text) > MAX_BYTES or len(text.encode(errors="surrogatepass")) > MAX_BYTES:
        raise Unreadable("document_too_large", 0, limit=MAX_BYTES)
    try:
        _judge(text)
        node = yaml.compose(text, Loader=_Loader)
        if node is None:
            raise Unreadable("document_empty", 0)
        return _value_of(node, _Loader(""))
    except yaml.reader.ReaderError as error:
        raise Unreadable("not_yaml", text.count("\n", 0, error.position) + 1) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Unreadable("not_yaml", mark.line + 1 if mark else 0) from None
    except UnicodeError:
        raise Unreadable("not_yaml", 0) from None


def _judge(text: str) -> None:
    depth = values = documents = 0
    for event in yaml.parse(text, Loader=_Loader):
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, yaml.AliasEvent):
            raise Unreadable("yaml_alias", line)
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise Unreadable("several_documents", line)
        elif isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if isinstance(event, yaml.NodeEvent):
            values += 1
        if depth > MAX_DEPTH:
            raise Unreadable("document_too_deep", line, limit=MAX_DEPTH)
        if values > MAX_VALUES:
            raise Unreadable("document_too_large", line, limit=MAX_BYTES)


def _value_of(node: yaml.Node, scalars: Any) -> Value:
    line = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        found: dict[str, Value] = {}
        for key, child in node.value:
            at = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise Unreadable("not_yaml", at)
            if key.value in found:
                raise Unreadable("document_key_twice", at, key=key.value[:100])
            found[key.value] = Value(at, _value_of(child, scalars).data)
        return Value(line, found)
    if isinstance(node, yaml.SequenceNode):
        return Value(line, [_value_of(child, scalars) for child in node.value])
    try:
        data = scalars.construct_object(node)
    except (ValueError, ArithmeticError, LookupError, AttributeError, yaml.YAMLError):
        raise Unreadable("not_yaml", line) from None  # a tag or a number that PyYAML stumbles over
    if not isinstance(data, str | int | float | None):
        data = node.value  # a date is a text here
    return Value(line, data)
