"""The forms of templates. What may be is their services' to say."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.accounts.models import Account
from apps.portal.picker import offer
from apps.portal.service_forms import ServiceForm, line, shows_again, whole
from apps.zones.models import Zone


class TemplateForm(ServiceForm):
    name = line(_("Name"))
    description = line(_("Description"), required=False)
    min_memory_mib = whole(
        _("Least memory in MiB"),
        low=0,
        high=16 * 1024 * 1024,
        initial=0,
        help_text=_("Smaller sizes are refused with this image. 0: none."),
    )
    is_public = forms.BooleanField(label=_("Everybody may make machines from it"), required=False)


class NewTemplateForm(TemplateForm):
    zone = forms.ModelChoiceField(Zone.objects.none(), label=_("Zone"), empty_label=None)
    account = forms.ModelChoiceField(Account.objects.none(), label=_("Account"), empty_label=None)
    file = forms.FileField(
        label=_("File"),
        allow_empty_file=True,
        help_text=_("A disk image in the format qcow2. It is inspected before anything else touches it."),
        widget=forms.ClearableFileInput(attrs={"accept": ".qcow2,.img,application/octet-stream"}),
    )
    arch = line(_("Processor architecture"), initial="x86_64", code=True)

    field_order = ("name", "file", "zone", "account", "description", "is_public", "arch", "min_memory_mib")

    def __init__(self, actor: Actor, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices: dict[str, Any] = {
            "zone": Zone.objects.filter(enabled=True),
            "account": Account.objects.all(),
        }
        for name, rows in choices.items():
            offer(self, name, policy.visible(actor, rows.order_by("name_sort", "pk")), name)
        self.fields["account"].widget.attrs |= shows_again("#image-quota")
