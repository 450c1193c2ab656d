"""“Copy as”: a request to the API as a curl command and as a Python program, ready to be pasted.

    snippets(ApiRequest("POST", "ssh-keys/", {"name": "laptop", "public_key": key}), portal_of(request))

Whatever is in the request comes out quoted, so that pasting it runs nothing else; characters that do not
show are written as escapes. Secrets are never written out: the token is read from $CLOUDPORTAL_TOKEN, any
other from the variable that its `Secret` names.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from django.http import HttpRequest

TOKEN = "CLOUDPORTAL_TOKEN"  # noqa: S105 - the name of a variable
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that a snippet reads from the environment instead of saying it."""

    variable: str

    def __post_init__(self) -> None:
        if not _VARIABLE.fullmatch(self.variable):
            raise ValueError(self.variable)


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """A request to `/api/v1/` + `path`. The body is what JSON holds, with Secrets in it. With `file`, a
    name for the reader to replace, the body goes as a form with that file in its field “file”."""

    method: str
    path: str
    body: Mapping[str, Any] | None = None
    query: Mapping[str, Any] = field(default_factory=dict)
    file: str = ""


@dataclass(frozen=True, slots=True)
class Snippet:
    key: str
    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Snippets:
    """`variables` are those of the environment that the snippets read, the token first."""

    shown: tuple[Snippet, ...]
    variables: tuple[str, ...]

    def __iter__(self) -> Iterator[Snippet]:
        return iter(self.shown)

    def __getitem__(self, key: str) -> str:
        return {snippet.key: snippet.text for snippet in self.shown}[key]


def portal_of(request: HttpRequest) -> str:
    """The portal's own address as this reader reached it."""
    return request.build_absolute_uri("/")


def snippets(wanted: ApiRequest, portal: str) -> Snippets:
    """The request as curl and as Python; `portal` is the address of its home page."""
    url = f"{portal.rstrip('/')}/api/v1/{quote(wanted.path, safe='/')}"
    if wanted.query:
        url += "?" + urlencode(wanted.query, doseq=True)
    shown = (
        Snippet("curl", "curl", _curl(wanted, url)),
        Snippet("python", "Python", _python(wanted, url)),
    )
    secrets = sorted({secret.variable for secret in _secrets(wanted.body)})
    return Snippets(shown, (TOKEN, *secrets))


def _secrets(value: Any) -> Iterator[Secret]:
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _secrets(item)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            yield from _secrets(item)


def _literal(value: Any, leaf: Callable[[Any], str], step: str, indent: str = "") -> str:
    """The value in a language whose lists and mappings look as those of JSON; `leaf` writes the rest."""
    inner = indent + step
    if isinstance(value, Mapping):
        items = [
            f"{inner}{leaf(str(key))}: {_literal(item, leaf, step, inner)}" for key, item in value.items()
        ]
        ends = "{}"
    elif isinstance(value, Sequence) and not isinstance(value, str):
        items = [f"{inner}{_literal(item, leaf, step, inner)}" for item in value]
        ends = "[]"
    else:
        return leaf(value)
    return ends[0] + "\n" + ",\n".join(items) + f"\n{indent}{ends[1]}" if items else ends


# curl


def _json_leaf(value: Any) -> str:
    """As JSON, which jq reads too; a secret as jq reads it from the environment."""
    if isinstance(value, Secret):
        return f"env.{value.variable}"
    if not isinstance(value, str | int | float | None):
        value = str(value)
    return "".join(_json_char(char) for char in json.dumps(value, ensure_ascii=False))


def _json_char(char: str) -> str:
    return char if char.isprintable() else json.dumps(char)[1:-1]


def _curl(wanted: ApiRequest, url: str) -> str:
    lines = [f"--request {wanted.method} {shlex.quote(url)}", f'--header "Authorization: Token ${TOKEN}"']
    before = ""
    if wanted.file:
        for name, value in _form(wanted.body):
            lines.append(f"--form-string {_shell_pair(name, value)}")
        lines.append(f"--form {shlex.quote('file=@' + wanted.file)}")
    elif wanted.body is not None:
        lines.append("--header 'Content-Type: application/json'")
        text = shlex.quote(_literal(wanted.body, _json_leaf, "  "))
        if any(_secrets(wanted.body)):
            before = f"jq --null-input {text} |\n"
            lines.append("--data-binary @-")
        else:
            lines.append(f"--data-raw {text}")
    return before + "curl --fail-with-body --globoff " + " \\\n  ".join(lines)


def _shell_pair(name: str, value: Any) -> str:
    if isinstance(value, Secret):
        return f'{shlex.quote(name + "=")}"${value.variable}"'
    return shlex.quote(f"{name}={value}")


def _form(body: Mapping[str, Any] | None) -> Iterator[tuple[str, Any]]:
    """Names and texts of a form; what is null is left out."""
    for name, value in (body or {}).items():
        if isinstance(value, bool):
            yield name, "true" if value else "false"
        elif value is not None:
            yield name, value if isinstance(value, Secret) else str(value)


# Python


def _python_leaf(value: Any) -> str:
    if isinstance(value, Secret):
        return f'os.environ["{value.variable}"]'
    if not isinstance(value, str | int | float | None):
        value = str(value)
    return repr(value)


_SENDING = """\
try:
    with urllib.request.urlopen(request) as answer:
        print(answer.read().decode())
except urllib.error.HTTPError as error:
    sys.exit(error.read().decode())
"""

_UPLOADING = """\
boundary = uuid.uuid4().hex
part = f"--{boundary}\\r\\nContent-Disposition: form-data; name="
head = "".join(f'{part}"{name}"\\r\\n\\r\\n{value}\\r\\n' for name, value in fields.items())
head += f'{part}"file"; filename="file"\\r\\n\\r\\n'
tail = f"\\r\\n--{boundary}--\\r\\n"
size = len(head.encode()) + file.stat().st_size + len(tail.encode())


def body():
    yield head.encode()
    with file.open("rb") as opened:
        while chunk := opened.read(1024 * 1024):
            yield chunk
    yield tail.encode()


"""


def _python(wanted: ApiRequest, url: str) -> str:
    modules = ["os", "sys", "urllib.error", "urllib.request"]
    headers = {"Authorization": f'"Token " + os.environ["{TOKEN}"]'}
    data, body, more = "", "", ""
    if wanted.file:
        modules.append("uuid")
        more = "from pathlib import Path\n"
        fields = _literal(dict(_form(wanted.body)), _python_leaf, "    ")
        body = f"fields = {fields}\nfile = Path({wanted.file!r})\n{_UPLOADING}"
        headers["Content-Type"] = 'f"multipart/form-data; boundary={boundary}"'
        headers["Content-Length"] = "str(size)"
        data = "body()"
    elif wanted.body is not None:
        modules.insert(0, "json")
        body = f"body = {_literal(wanted.body, _python_leaf, '    ')}\n"
        headers["Content-Type"] = '"application/json"'
        data = "json.dumps(body).encode()"
    imports = "".join(f"import {module}\n" for module in modules) + more
    lines = [f"    {url!r},", f"    method={wanted.method!r},"]
    lines += [f"    data={data},"] if data else []
    lines += ["    headers={", *(f"        {name!r}: {value}," for name, value in headers.items()), "    },"]
    request = "\n".join(["request = urllib.request.Request(", *lines, ")"])
    return f"{imports}\n{body}{request}\n{_SENDING}".rstrip("\n")
