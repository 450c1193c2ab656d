"""Forms that only parse. What may be is a service's to say, and what it refuses is told beside the field."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django import forms

from apps.core.errors import CloudError, NotFound
from apps.portal.pages import told

T = TypeVar("T")


class ServiceForm(forms.Form):
    """`given()` is what the service gets: by default the fields as they were read."""

    required_css_class = "required"

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


def line(label: Any, *, help_text: Any = "", code: bool = False, **options: Any) -> forms.CharField:
    """One line of text; `code` is for what spelling and capitals matter in."""
    attrs = {"spellcheck": "false", "autocapitalize": "none", "autocomplete": "off"} if code else {}
    widget = forms.TextInput(attrs={**attrs, **options.pop("attrs", {})})
    return forms.CharField(label=label, help_text=help_text, max_length=500, widget=widget, **options)


def whole(label: Any, *, low: int, high: int, help_text: Any = "", **options: Any) -> forms.IntegerField:
    """A whole number; its bounds are the service's, here only for the browser."""
    widget = forms.NumberInput(attrs={"min": low, "max": high, "inputmode": "numeric"})
    return forms.IntegerField(label=label, help_text=help_text, widget=widget, **options)
