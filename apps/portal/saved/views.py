"""The dialogs that keep a view of a list, rename it and forget it."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.accounts.actor import Actor
from apps.core.errors import CloudError, NotFound
from apps.portal.models import SavedView
from apps.portal.pages import page, told
from apps.portal.saved import services

ADDRESSES = {"machines": "portal:machines"}
"""The lists of which views are kept, by key: where each is."""


class ViewForm(forms.Form):
    name = forms.CharField(
        label=_("Name"), max_length=400, widget=forms.TextInput(attrs={"class": "form-control"})
    )
    default = forms.BooleanField(
        label=_("Show this view first"),
        required=False,
        help_text=_("Whenever you open the list."),
        widget=forms.CheckboxInput(attrs={"class": "form-check-input"}),
    )


def _list_href(key: str, query: str = "") -> str:
    if key not in ADDRESSES:
        raise NotFound
    return f"{reverse(ADDRESSES[key])}?{query or 'view=all'}"


def _refuse(form: ViewForm, error: CloudError) -> None:
    said = told(error)
    form.add_error("name", f"{said.detail} {said.remedy}".strip())


@page
def view_save(request: HttpRequest, actor: Actor, key: str) -> HttpResponse:
    """Keep what `query` shows under a name."""
    query = (request.POST or request.GET).get("query", "")
    back = _list_href(key, query)
    form = ViewForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            services.save_view(actor, list_key=key, name=given["name"], query=query, default=given["default"])
        except CloudError as error:
            _refuse(form, error)
        else:
            return redirect(back)
    context = {"form": form, "query": query, "back": back}
    return render(request, "portal/saved/save.html", context, status=422 if form.errors else 200)


@page
def view_change(request: HttpRequest, actor: Actor, uuid: UUID) -> HttpResponse:
    """Rename a view, show it first or no longer, or forget it."""
    view = services.find_view(actor, uuid)
    back = _list_href(view.list_key, view.query)
    if request.method == "POST" and request.POST.get("do") == "delete":
        services.delete_view(actor, view)
        return redirect(_list_href(view.list_key))
    form = _form_of(request, view)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            services.change_view(actor, view, name=given["name"], default=given["default"])
        except CloudError as error:
            _refuse(form, error)
        else:
            return redirect(back)
    context = {"form": form, "view": view, "back": back}
    return render(request, "portal/saved/change.html", context, status=422 if form.errors else 200)


def _form_of(request: HttpRequest, view: SavedView) -> ViewForm:
    return ViewForm(request.POST or None, initial={"name": view.name, "default": view.is_default})
