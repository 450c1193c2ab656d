"""Forms that only parse. What may be is a service's to say, and what it refuses is told beside the field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from typing import Any, ClassVar, TypeVar

from django import forms
from django.http import HttpRequest

from apps.core.errors import CloudError, NotFound
from apps.portal.copy_as import ApiRequest, Secret, portal_of, snippets
from apps.portal.pages import told
from apps.portal.picker import RowField

T = TypeVar("T")


class ServiceForm(forms.Form):
    """`given()` is what the service gets: by default the fields as they were read."""

    required_css_class = "required"
    secrets: ClassVar[Mapping[str, str]] = {}
    """Fields that are not to be said again, and the variables that stand for them."""
    parent_name = "parent"
    """What the API calls the field “parent”."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            widget = field.widget
            if isinstance(widget, forms.CheckboxInput):
                widget.attrs["class"] = "form-check-input"
            elif isinstance(widget, forms.Select):
                widget.attrs["class"] = "form-select"
            elif not isinstance(widget, forms.CheckboxSelectMultiple | forms.RadioSelect):
                widget.attrs["class"] = "form-control"

    def given(self) -> dict[str, Any]:
        return dict(self.cleaned_data)

    def body(self) -> dict[str, Any]:
        """What the API takes for what stands in the form now. A secret is named, not said."""
        shadow = copy(self)
        shadow.cleaned_data = {
            name: _told(field, self[name].value())
            for name, field in self.fields.items()
            if not isinstance(field, forms.FileField)
        }
        found = shadow.given()
        if "parent" in found:
            found = {self.parent_name: found.pop("parent"), **found}
        return {
            name: Secret(self.secrets[name]) if value and name in self.secrets else value
            for name, value in found.items()
        }

    def tried(self, act: Callable[..., T]) -> T | None:
        """What `act(**given)` answers; None if the form, or the service, found something to correct."""
        if not self.is_valid():
            return None
        try:
            return act(**self.given())
        except NotFound:
            raise
        except CloudError as error:
            self.blame(error)
            return None

    def done(self, act: Callable[..., object]) -> bool:
        """Whether `act(**given)` was done."""
        return self.tried(act) is not None

    def blame(self, error: CloudError) -> None:
        """Put what the service says beside the field that it names."""
        said = told(error)
        place = error.place.split(" ")[0].rpartition(".")[2]
        self.add_error(place if place in self.fields else None, f"{said.detail} {said.remedy}".strip())


def _told(field: forms.Field, value: Any) -> Any:
    """A field's text as JSON has it; what is no number stays as it was typed."""
    if isinstance(field, forms.BooleanField):
        return bool(value)
    if isinstance(field, forms.IntegerField):
        return _whole(value)
    if isinstance(field, RowField):
        return field.id_of(value)
    if isinstance(field, forms.ModelChoiceField):
        return str(value) if value else None
    return "" if value is None else value


def _whole(value: Any) -> Any:
    try:
        return int(value)
    except (TypeError, ValueError):
        return value


def asked(request: HttpRequest, method: str, path: str, form: ServiceForm | None = None, **more: Any) -> Any:
    """The request to the API that does what a page does, for its context, ready to be copied."""
    body = form.body() | more if form is not None else more or None
    wanted = ApiRequest(method, path, body)
    return {"asked": wanted, "snippets": snippets(wanted, portal_of(request))}


def line(label: Any, *, help_text: Any = "", code: bool = False, **options: Any) -> forms.CharField:
    """One line of text; `code` is for what spelling and capitals matter in."""
    attrs = {"spellcheck": "false", "autocapitalize": "none", "autocomplete": "off"} if code else {}
    widget = forms.TextInput(attrs={**attrs, **options.pop("attrs", {})})
    return forms.CharField(label=label, help_text=help_text, max_length=500, widget=widget, **options)


def whole(label: Any, *, low: int, high: int, help_text: Any = "", **options: Any) -> forms.IntegerField:
    """A whole number; its bounds are the service's, here only for the browser."""
    widget = forms.NumberInput(attrs={"min": low, "max": high, "inputmode": "numeric"})
    return forms.IntegerField(label=label, help_text=help_text, widget=widget, **options)


def shows_again(part: str) -> dict[str, str]:
    """Attributes of a field: when another value is chosen, this part of the page is asked for with it."""
    return {
        "hx-get": "",
        "hx-trigger": "change",
        "hx-target": part,
        "hx-select": part,
        "hx-swap": "outerHTML",
    }
