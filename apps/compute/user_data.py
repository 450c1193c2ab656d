"""Whether a user's cloud-init user data can work in a guest, decided without running any of it.

Judged as cloud-init 22 reads it: the kind is told by how the text begins, and any "MIME-Version:"
in its first 4096 bytes makes it a multipart message. The portal never fetches an `#include`: that
is the guest's to do. User data counts as secret, so errors hold codes and line numbers only.
Formats: https://docs.cloud-init.io/en/22.4/topics/format.html
"""

from __future__ import annotations

import base64
import binascii
import email
import re
from collections.abc import Callable
from email.message import Message
from typing import Any

import yaml

LIMIT_BYTES = 32 * 1024
MAX_DEPTH = 40
MAX_NODES = 20_000
"""YAML nodes once every alias stands for a copy of what it names."""

REASONS = {
    "too_large": "longer than 32 KiB",
    "not_text": "not text: it holds half of a character",
    "control_characters": "a control character other than tab and line end",
    "unknown_header": "the first line is none that cloud-init knows, such as #cloud-config or #!/bin/sh",
    "carriage_return": "the script's first line ends as on Windows, so its interpreter would not be found",
    "base64": "encoded in base64: give the text itself",
    "compressed": "compressed: give the text itself",
    "not_yaml": "not YAML",
    "duplicate_key": "a key that the same mapping already has",
    "yaml_alias_bomb": "aliases that unfold to more than 20,000 values, or to themselves",
    "yaml_too_deep": "nested deeper than 40 levels",
    "not_a_mapping": "#cloud-config must be a mapping of keys to values",
    "not_a_list": "#cloud-config-archive must be a list of texts or mappings",
    "bad_include": "#include takes one address a line, with its scheme",
    "bad_multipart": "not a complete MIME multipart message",
    "unknown_part_type": "a part of a type that cloud-init does not know",
}
"""Every reason there is, in English; adapters translate by the code."""


class UserDataInvalid(ValueError):
    """User data that cloud-init could not use. `line` counts from 1; None where no line is to blame."""

    def __init__(self, line: int | None, reason: str) -> None:
        self.line = line
        self.reason = reason
        place = "" if line is None else f" (line {line})"
        super().__init__(f"{REASONS[reason]}{place}")


def validate_user_data(text: str) -> None:
    """Raise UserDataInvalid unless a guest can use `text`; empty text is no user data, and fine."""
    if len(text) > LIMIT_BYTES:
        raise UserDataInvalid(None, "too_large")
    if not text:
        return
    _check_characters(text)
    if len(text.encode()) > LIMIT_BYTES:
        raise UserDataInvalid(None, "too_large")
    if "mime-version:" in text[:4096].lower():
        _check_multipart(text)
    else:
        _check_by_header(text)


def _line_at(text: str, index: int) -> int:
    return text.count("\n", 0, index) + 1


def _check_characters(text: str) -> None:
    if text.startswith("\x1f\x8b"):
        raise UserDataInvalid(None, "compressed")
    if found := re.search(r"[\ud800-\udfff]", text):
        raise UserDataInvalid(_line_at(text, found.start()), "not_text")
    if found := re.search(r"[^\t\n\r\x20-\x7e\xa0-\U0010ffff]", text):
        raise UserDataInvalid(_line_at(text, found.start()), "control_characters")


def _check_by_header(text: str, *, line: int = 1) -> None:
    """Check a text of one kind; `line` is where it begins in the whole."""
    header = text.split("\n", 1)[0]
    if re.match(r"##\s*template:\s*jinja\s*$", header, re.IGNORECASE):
        # What the template makes is known only in the guest; its kind is told by the next line.
        rest = text.partition("\n")[2]
        if not (rest.startswith("#!") or _kind(rest)):
            raise UserDataInvalid(line + 1, "unknown_header")
    elif header.startswith("#!"):
        _check_script(text, line)
    elif kind := _kind(text):
        _BY_HEADER[kind](text, line)
    else:
        raise UserDataInvalid(line, "base64" if _is_base64(text) else "unknown_header")


def _kind(text: str) -> str:
    """The known header that `text` begins with, or "". `#include` may have an address behind it."""
    words = text.split("\n", 1)[0].split()
    alone = len(words) == 1 or words[:1] in (["#include"], ["#include-once"])
    return words[0] if words and alone and words[0] in _BY_HEADER and text.startswith("#") else ""


def _is_base64(text: str) -> bool:
    compact = "".join(text.split())
    try:
        return len(compact) >= 16 and bool(base64.b64decode(compact, validate=True))
    except (binascii.Error, ValueError):
        return False


def _check_script(text: str, line: int) -> None:
    header = text.split("\n", 1)[0]
    if not header.startswith("#!"):
        raise UserDataInvalid(line, "unknown_header")
    if header.endswith("\r"):
        raise UserDataInvalid(line, "carriage_return")


def _check_include(text: str, line: int) -> None:
    for number, entry in enumerate(text.split("\n"), line):
        address = re.sub(r"^#include(-once)?(?=\s|$)", "", entry, flags=re.IGNORECASE).strip()
        if address and not address.startswith("#") and not re.match(r"[a-z][a-z0-9+.-]*://\S+$", address):
            raise UserDataInvalid(number, "bad_include")


def _check_cloud_config(text: str, line: int) -> None:
    if not isinstance(_load_yaml(text, line), dict | None):
        raise UserDataInvalid(line, "not_a_mapping")


def _check_archive(text: str, line: int) -> None:
    entries = _load_yaml(text, line)
    if not isinstance(entries, list) or not all(isinstance(entry, str | dict) for entry in entries):
        raise UserDataInvalid(line, "not_a_list")


def _check_json_patch(text: str, line: int) -> None:
    _load_yaml(text, line)


def _accept(text: str, line: int) -> None:
    """For programs that only the guest can judge."""


_BY_HEADER: dict[str, Callable[[str, int], None]] = {
    "#cloud-config": _check_cloud_config,
    "#cloud-config-archive": _check_archive,
    "#cloud-config-jsonp": _check_json_patch,
    "#cloud-boothook": _accept,
    "#part-handler": _accept,
    "#include": _check_include,
    "#include-once": _check_include,
}

_COMPRESSED_TYPES = {
    "application/gzip",
    "application/gzipped",
    "application/x-gzip",
    "application/x-gunzip",
    "application/x-compress",
    "application/x-compressed",
}

_BY_PART_TYPE: dict[str, Callable[[str, int], None]] = {
    "text/plain": lambda text, line: _check_by_header(text, line=line),
    "text/x-not-multipart": lambda text, line: _check_by_header(text, line=line),
    "text/jinja2": lambda text, line: _check_by_header(text, line=line),
    "text/x-shellscript": lambda text, line: _check_by_header(text, line=line),
    "text/x-shellscript-per-boot": _check_script,
    "text/x-shellscript-per-instance": _check_script,
    "text/x-shellscript-per-once": _check_script,
    "text/cloud-config": _check_cloud_config,
    "text/cloud-config-archive": _check_archive,
    "text/cloud-config-jsonp": _check_json_patch,
    "text/cloud-boothook": _accept,
    "text/part-handler": _accept,
    "text/x-include-url": _check_include,
    "text/x-include-once-url": _check_include,
}


def _check_multipart(text: str) -> None:
    line = _line_at(text, text.lower().index("mime-version:"))
    try:
        message = email.message_from_string(text)
        parts = list(message.walk())
    except (RecursionError, ValueError, LookupError, TypeError) as error:
        raise UserDataInvalid(line, "bad_multipart") from error
    if any(part.defects for part in parts):
        raise UserDataInvalid(line, "bad_multipart")
    for part in parts:
        if part.get_content_maintype() != "multipart":
            _check_part(text, part)


def _check_part(text: str, part: Message) -> None:
    raw = part.get_payload()
    if not isinstance(raw, str):
        raise UserDataInvalid(None, "bad_multipart")
    at = text.find(raw) if raw else -1
    line = _line_at(text, at) if at >= 0 else None
    kind = part.get_content_type()
    if kind in _COMPRESSED_TYPES:
        raise UserDataInvalid(line, "compressed")
    if kind not in _BY_PART_TYPE:
        raise UserDataInvalid(line, "unknown_part_type")
    content = _decode_part(part, raw, line)
    if content == raw and line is not None:
        _BY_PART_TYPE[kind](content, line)
        return
    try:
        _check_characters(content)
        _BY_PART_TYPE[kind](content, 1)
    except UserDataInvalid as error:
        # A line inside an encoded part is none of the lines that the user sees.
        raise UserDataInvalid(line, error.reason) from None


def _decode_part(part: Message, raw: str, line: int | None) -> str:
    encoding = str(part.get("Content-Transfer-Encoding", "7bit")).strip().lower()
    if encoding in ("7bit", "8bit", "binary"):
        return raw
    if encoding not in ("base64", "quoted-printable"):
        raise UserDataInvalid(line, "bad_multipart")
    try:
        payload = part.get_payload(decode=True)
    except (ValueError, TypeError, LookupError) as error:
        raise UserDataInvalid(line, "bad_multipart") from error
    if part.defects or not isinstance(payload, bytes):
        raise UserDataInvalid(line, "bad_multipart")
    try:
        return payload.decode()
    except UnicodeDecodeError as error:
        raise UserDataInvalid(line, "not_text") from error


class _Loader(yaml.SafeLoader):
    """Remembers which node is being turned into a value, so that a failure can name its line."""

    line = 0

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        self.line = node.start_mark.line
        return super().construct_object(node, deep=deep)


def _load_yaml(text: str, line: int) -> Any:
    """The one document in `text`; its size, depth and keys are judged before anything is built."""
    loader = None
    try:
        _check_events(text, line)
        loader = _Loader(text)
        return loader.get_single_data()
    except UserDataInvalid:
        raise
    except yaml.reader.ReaderError as error:
        raise UserDataInvalid(line + _line_at(text, error.position) - 1, "control_characters") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise UserDataInvalid(line + mark.line if mark else None, "not_yaml") from None
    except Exception:
        # Building a value fails in many ways: a thirteenth month, a list as a key, "!!int x".
        raise UserDataInvalid(line + (loader.line if loader else 0), "not_yaml") from None


class _Collection:
    """A sequence or mapping whose end has not been read yet."""

    def __init__(self, event: yaml.CollectionStartEvent) -> None:
        self.anchor = event.anchor
        self.is_mapping = isinstance(event, yaml.MappingStartEvent)
        self.children = 0
        self.nodes = 1
        self.keys: set[tuple[str, str]] = set()

    def expects_key(self) -> bool:
        return self.is_mapping and self.children % 2 == 0

    def is_new_key(self, tag: str, value: str) -> bool:
        known = len(self.keys)
        self.keys.add((tag, value))
        return len(self.keys) > known


def _check_events(text: str, line: int) -> None:
    """Read events one by one, never recursing: the text may nest as deep as it is long."""
    resolver: Any = yaml.resolver.Resolver()
    open_collections: list[_Collection] = []
    sizes: dict[str, int] = {}

    def add(nodes: int, at: int) -> None:
        if open_collections:
            parent = open_collections[-1]
            parent.children += 1
            parent.nodes += nodes
        if nodes > MAX_NODES or (open_collections and open_collections[-1].nodes > MAX_NODES):
            raise UserDataInvalid(at, "yaml_alias_bomb")

    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        at = line + (event.start_mark.line if event.start_mark else 0)
        if isinstance(event, yaml.CollectionStartEvent):
            open_collections.append(_Collection(event))
            if len(open_collections) > MAX_DEPTH:
                raise UserDataInvalid(at, "yaml_too_deep")
        elif isinstance(event, yaml.CollectionEndEvent):
            done = open_collections.pop()
            if done.anchor:
                sizes[done.anchor] = done.nodes
            add(done.nodes, at)
        elif isinstance(event, yaml.AliasEvent):
            if any(collection.anchor == event.anchor for collection in open_collections):
                raise UserDataInvalid(at, "yaml_alias_bomb")
            add(sizes.get(str(event.anchor), 1), at)
        elif isinstance(event, yaml.ScalarEvent):
            if open_collections and open_collections[-1].expects_key():
                tag = event.tag or resolver.resolve(yaml.ScalarNode, event.value, event.implicit)
                if not open_collections[-1].is_new_key(str(tag), event.value):
                    raise UserDataInvalid(at, "duplicate_key")
            if event.anchor:
                sizes[event.anchor] = 1
            add(1, at)
