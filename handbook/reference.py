"""The reference of the API, rendered from its OpenAPI document: a page for each noun."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from drf_spectacular.generators import SchemaGenerator

from handbook.markdown import code, page, plain, table

METHODS = ("get", "post", "put", "patch", "delete")
Schema = Mapping[str, Any]


def pages() -> Iterator[tuple[str, str]]:
    """(noun, Markdown), in English: the API's own language."""
    schema = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    reference = Reference(schema)
    for noun, operations in sorted(reference.nouns().items()):
        yield noun, reference.page(noun, operations)


class Reference:
    def __init__(self, schema: Schema) -> None:
        self._paths: Schema = schema["paths"]
        self._schemas: Schema = schema["components"]["schemas"]

    def nouns(self) -> dict[str, list[tuple[str, str, Schema]]]:
        """The operations by the noun that they are about: (method, path, operation)."""
        found: dict[str, list[tuple[str, str, Schema]]] = {}
        for path, methods in self._paths.items():
            for method in METHODS:
                if method in methods:
                    operation = methods[method]
                    found.setdefault(operation["tags"][0], []).append((method, path, operation))
        return found

    def page(self, noun: str, operations: list[tuple[str, str, Schema]]) -> str:
        head = ("Request", "What it does")
        rows = [
            (code(f"{method.upper()} {path}"), plain(_summary(operation)))
            for method, path, operation in operations
        ]
        blocks = [f"# {noun}", table(head, rows)]
        blocks += [self._operation(*operation) for operation in operations]
        shapes = self._shapes(operations)
        blocks += ["## Objects", *(self._shape(name) for name in shapes)] if shapes else []
        return page(*blocks)

    def _operation(self, method: str, path: str, operation: Schema) -> str:
        parameters = [one for one in operation.get("parameters", ()) if one["in"] in {"query", "path"}]
        return page(
            f"## {plain(_summary(operation))}",
            f"```text\n{method.upper()} {path}\n```",
            plain(operation.get("description", "")),
            self._parameters(parameters),
            self._body(operation),
            self._answers(operation),
        ).strip()

    def _parameters(self, parameters: list[Schema]) -> str:
        rows = [
            (code(one["name"]), one["in"], self._type(one["schema"]), self._notes(one["schema"], one))
            for one in parameters
        ]
        return table(("Parameter", "In", "Type", "Notes"), rows) if rows else ""

    def _body(self, operation: Schema) -> str:
        blocks = []
        for media, content in operation.get("requestBody", {}).get("content", {}).items():
            fields = self._fields(self._resolved(content["schema"]))
            blocks.append(page(f"The body, as {code(media)}:", fields) if fields else "")
        return page(*blocks).strip()

    def _answers(self, operation: Schema) -> str:
        rows = []
        for status, answer in sorted(operation["responses"].items()):
            if not status.isdecimal():
                continue  # problems, alike for every operation: the first page says how
            schemas = [self._type(content["schema"]) for content in answer.get("content", {}).values()]
            rows.append((code(status), ", ".join(dict.fromkeys(schemas)) or "nothing"))
        return table(("Status", "Answer"), rows)

    def _shapes(self, operations: list[tuple[str, str, Schema]]) -> list[str]:
        """The names of the objects that answers hold, the outermost first."""
        waiting = [
            content["schema"]
            for _method, _path, operation in operations
            for status, answer in operation["responses"].items()
            if status.isdecimal()
            for content in answer.get("content", {}).values()
        ]
        found: dict[str, None] = {}
        while waiting:
            schema = waiting.pop(0)
            if name := _name(schema):
                if name in found:
                    continue
                found[name] = None
                schema = self._schemas[name]
            waiting += _inner(schema)
        return [name for name in found if "properties" in self._schemas[name]]

    def _shape(self, name: str) -> str:
        schema = self._schemas[name]
        return page(f"### {name}", plain(schema.get("description", "")), self._fields(schema)).strip()

    def _fields(self, schema: Schema) -> str:
        required = set(schema.get("required", ()))
        rows = []
        for name, field in schema.get("properties", {}).items():
            notes = self._notes(field, {})
            told = ", ".join(part for part in ("required" if name in required else "", notes) if part)
            rows.append((code(name), self._type(field), told))
        return table(("Field", "Type", "Notes"), rows) if rows else ""

    def _resolved(self, schema: Schema) -> Schema:
        return self._schemas[name] if (name := _name(schema)) else schema

    def _type(self, schema: Schema) -> str:
        """What kind of value, in a few words."""
        if name := _name(schema):
            target = self._schemas[name]
            return plain(name) if "properties" in target or "oneOf" in target else self._type(target)
        for union in ("oneOf", "anyOf"):
            if union in schema:
                kinds = dict.fromkeys(self._type(one) for one in schema[union])
                return " or ".join(kind for kind in kinds if kind)
        kind = schema.get("type", "any value")
        if isinstance(kind, list):
            return " or ".join(self._type({**schema, "type": one}) for one in kind)
        if kind == "array":
            return f"list of {self._type(schema.get('items', {}))}"
        return " ".join(str(part) for part in (kind, schema.get("format", "")) if part)

    def _notes(self, schema: Schema, parameter: Schema) -> str:
        """Limits, choices and what the description says."""
        target = self._resolved(schema)
        told = [
            plain(parameter.get("description", "")),
            plain(schema.get("description", "")),
            *(f"{words} {schema[key]}" for key, words in _LIMITS.items() if key in schema),
            f"matches {code(schema['pattern'])}" if "pattern" in schema else "",
            self._choices(target),
            f"{code(schema['default'])} unless given" if schema.get("default") not in _NO_DEFAULT else "",
        ]
        return "; ".join(part.removesuffix(".") for part in told if part)

    def _choices(self, schema: Schema) -> str:
        values = [value for value in schema.get("enum", ()) if value not in {"", None}]
        for union in ("oneOf", "anyOf"):
            for one in schema.get(union, ()):
                values += [value for value in self._resolved(one).get("enum", ()) if value]
        return f"one of {', '.join(code(value) for value in values)}" if values else ""


_NO_DEFAULT: tuple[Any, ...] = (None, "", [], {})
_LIMITS = {
    "minimum": "at least",
    "maximum": "at most",
    "minLength": "shortest length",
    "maxLength": "longest length",
    "maxItems": "most entries",
}


def _summary(operation: Schema) -> str:
    return str(operation.get("summary") or operation["operationId"])


def _name(schema: Schema) -> str:
    """The name of what the schema refers to; empty for one that stands for itself."""
    if len(schema.get("allOf", ())) == 1:
        schema = schema["allOf"][0]
    return str(schema.get("$ref", "")).rpartition("/")[2]


def _inner(schema: Schema) -> list[Schema]:
    """The schemas that stand right inside of this one."""
    inner = [*schema.get("properties", {}).values()]
    inner += [one for union in ("oneOf", "anyOf", "allOf") for one in schema.get(union, ())]
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), Mapping):
            inner.append(schema[key])
    return inner
