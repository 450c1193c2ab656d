"""The form that creates a machine. It only parses: what may be is the service's to say."""

from __future__ import annotations

import json
from uuid import uuid4

from django import forms
from django.http import QueryDict
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.accounts.models import Account
from apps.compute.models import ServiceOffering, SshKeyPair
from apps.compute.services.deploy import VmRequest
from apps.storage.models import Template
from apps.zones.models import Zone


class MachineForm(forms.Form):
    submission = forms.CharField(required=False, widget=forms.HiddenInput)
    name = forms.CharField(label=_("Name"), max_length=400)
    account = forms.ModelChoiceField(Account.objects.none(), label=_("Account"), empty_label=None)
    zone = forms.ModelChoiceField(Zone.objects.none(), label=_("Zone"), empty_label=None)
    template = forms.ModelChoiceField(Template.objects.none(), label=_("Image"), empty_label=None)
    offering = forms.ModelChoiceField(ServiceOffering.objects.none(), label=_("Size"), empty_label=None)
    ssh_keys = forms.ModelMultipleChoiceField(
        SshKeyPair.objects.none(), label=_("SSH keys"), required=False, widget=forms.CheckboxSelectMultiple
    )
    user_data = forms.CharField(
        label=_("User data"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false"}),
        help_text=_("cloud-init configuration or a script that runs at the first start"),
    )

    data: QueryDict

    def __init__(self, actor: Actor, data: QueryDict | None = None) -> None:
        super().__init__(data)
        self.fields["submission"].initial = uuid4().hex
        choices = {
            "account": policy.visible(actor, Account.objects.order_by("name_sort", "id")),
            "zone": policy.visible(actor, Zone.objects.filter(enabled=True).order_by("name_sort", "id")),
            "template": policy.visible(
                actor, Template.objects.filter(state="Ready").order_by("name_sort", "id")
            ),
            "offering": ServiceOffering.objects.filter(enabled=True).order_by("vcpus", "memory_mib", "id"),
            "ssh_keys": policy.visible(actor, SshKeyPair.objects.order_by("name_sort", "id")),
        }
        for name, rows in choices.items():
            field = self.fields[name]
            field.queryset = rows  # type: ignore[attr-defined]
            field.to_field_name = "uuid"  # type: ignore[attr-defined]
        for field in self.fields.values():
            if not isinstance(field.widget, forms.CheckboxSelectMultiple):
                kind = "form-select" if isinstance(field.widget, forms.Select) else "form-control"
                field.widget.attrs["class"] = kind

    def key(self) -> str:
        """The Idempotency-Key of what is asked for: sent twice it is one machine, changed it is another."""
        submission = self.cleaned_data["submission"] or uuid4().hex
        asked = {name: self.data.getlist(name) for name in self.data if name != "csrfmiddlewaretoken"}
        text = json.dumps([submission, asked], sort_keys=True)
        return salted_hmac("cloudportal.portal.form", text, algorithm="sha256").hexdigest()

    def clean_user_data(self) -> str:
        """Browsers end every line of a text area as Windows does; guests do not."""
        return str(self.cleaned_data["user_data"]).replace("\r\n", "\n")

    def request(self) -> VmRequest:
        data = self.cleaned_data
        return VmRequest(
            account=data["account"],
            zone=data["zone"],
            name=data["name"],
            offering=data["offering"],
            template=data["template"],
            ssh_keys=list(data["ssh_keys"]),
            user_data=data["user_data"],
        )
