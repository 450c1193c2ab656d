"""Serializer fields that take no more than JSON says: "5" is no number and "yes" no truth."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.core.errors import InvalidInput


def place_of(field: serializers.Field[Any, Any, Any, Any]) -> str:
    """The name of the field in the request; an item of a list or mapping is told by that one's."""
    while not field.field_name and field.parent is not None:
        field = field.parent
    return str(field.field_name or "")


class Text(serializers.CharField):
    """Text as it is: blanks at its ends and its length are judged by the service that takes it."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("trim_whitespace", False)
        options.setdefault("allow_blank", True)
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise InvalidInput("not_text", place=place_of(self))
        return data


class Whole(serializers.IntegerField):
    """A whole number within bounds that every database holds."""

    def __init__(self, *, low: int, high: int, **options: Any) -> None:
        self.low, self.high = low, high
        super().__init__(min_value=low, max_value=high, **options)

    def to_internal_value(self, data: Any) -> int:
        place = place_of(self)
        if (
            isinstance(data, str)
            and self._is_form()
            and data.isascii()
            and data.isdecimal()
            and len(data) < 20
        ):
            data = int(data)
        if isinstance(data, bool) or not isinstance(data, int):
            raise InvalidInput("not_a_number", place=place)
        if not self.low <= data <= self.high:
            raise InvalidInput("out_of_range", place=place, low=self.low, high=self.high)
        return data

    def _is_form(self) -> bool:
        return hasattr(self.root.initial_data, "getlist")


class Truth(serializers.BooleanField):
    """true or false; in a form, their names."""

    def to_internal_value(self, data: Any) -> bool:
        if isinstance(data, bool):
            return data
        if hasattr(self.root.initial_data, "getlist") and data in {"true", "false"}:
            return bool(data == "true")
        raise InvalidInput("not_a_boolean", place=place_of(self))


class Choice(serializers.ChoiceField):
    """One of the names that there are."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str) or data not in self.choices:
            raise InvalidInput("not_a_choice", place=place_of(self), known=", ".join(map(str, self.choices)))
        return data


class Id(serializers.UUIDField):
    """The public id of another object, as text."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str) or len(data) != 36:
            raise InvalidInput("not_a_uuid", place=place_of(self))
        try:
            return super().to_internal_value(data)
        except serializers.ValidationError:
            raise InvalidInput("not_a_uuid", place=place_of(self)) from None
