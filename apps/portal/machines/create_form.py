"""The form that creates machines. It only parses: what may be is the service's to say."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

from django import forms
from django.http import QueryDict
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.accounts.models import Account
from apps.accounts.rest import parse_uuid
from apps.compute.models import ServiceOffering, SshKeyPair, VirtualMachine
from apps.compute.services.create import NewKey, Order
from apps.compute.services.deploy import MAX_BATCH, VmRequest
from apps.core.errors import CloudError
from apps.core.names import fold
from apps.portal.machines.create_choices import Choices
from apps.portal.pages import told
from apps.storage.models import Template
from apps.zones.models import Host, Zone

NOT_ASKED = frozenset({"csrfmiddlewaretoken", "shown_for", "do", "use"})
"""What the page sends along that is no part of what is asked for."""
_PLACES = {
    "ssh_key name": "new_key_name",
    "ssh_key public_key": "new_public_key",
    "count": "count",
    "host": "host",
    "strategy": "strategy",
}


class MachineForm(forms.Form):
    submission = forms.CharField(required=False, widget=forms.HiddenInput)
    template = forms.ModelChoiceField(Template.objects.none(), label=_("Image"))
    offering = forms.ModelChoiceField(ServiceOffering.objects.none(), label=_("Size"))
    ssh_keys = forms.ModelMultipleChoiceField(
        SshKeyPair.objects.none(), label=_("SSH keys"), required=False, widget=forms.CheckboxSelectMultiple
    )
    new_key_name = forms.CharField(label=_("Name of the new key"), required=False, max_length=400)
    new_public_key = forms.CharField(
        label=_("Public key"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "autocomplete": "off"}),
        help_text=_(
            "The one line of a file such as id_ed25519.pub. Leave it empty to have a pair made for you."
        ),
    )
    name = forms.CharField(label=_("Name"), max_length=400)
    zone = forms.ModelChoiceField(Zone.objects.none(), label=_("Zone"), empty_label=None)
    account = forms.ModelChoiceField(Account.objects.none(), label=_("Account"), empty_label=None)
    count = forms.IntegerField(
        label=_("How many"),
        required=False,
        initial=1,
        help_text=_("Several get numbered names: lab becomes lab-1, lab-2; or say where, as in lab-%02d."),
    )
    strategy = forms.ChoiceField(label=_("Placement"), required=False)
    host = forms.CharField(
        label=_("Host"),
        required=False,
        max_length=400,
        help_text=_("Its name or id; only for a pinned machine."),
    )
    delete_protection = forms.BooleanField(label=_("Protect from deletion"), required=False)
    user_data = forms.CharField(
        label=_("User data"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false"}),
        help_text=_("cloud-init configuration or a script that runs at the first start"),
    )

    data: QueryDict

    def __init__(self, actor: Actor, choices: Choices, data: QueryDict | None = None) -> None:
        super().__init__(data, initial=choices.initial())
        self.actor, self.choices = actor, choices
        self.fields["submission"].initial = uuid4().hex
        rows = {
            "account": policy.visible(actor, Account.objects.select_related("domain")),
            "zone": policy.visible(actor, Zone.objects.filter(enabled=True)),
            "template": policy.visible(actor, Template.objects.select_related("secondary_storage")),
            "offering": ServiceOffering.objects.all(),
            "ssh_keys": policy.visible(actor, SshKeyPair.objects.all()),
        }
        for name, found in rows.items():
            field: Any = self.fields[name]
            field.queryset, field.to_field_name = found, "uuid"
        self._set_choices("zone", [(str(offer.zone.uuid), offer.label) for offer in choices.offers])
        self._set_choices("account", [(str(account.uuid), account.name) for account in choices.accounts])
        self._set_choices("strategy", choices.strategies)
        if not actor.is_operator:
            del self.fields["host"]
        for field in self.fields.values():
            kind = "form-select" if isinstance(field.widget, forms.Select) else "form-control"
            if isinstance(field.widget, forms.CheckboxInput):
                kind = "form-check-input"
            if not isinstance(field.widget, forms.CheckboxSelectMultiple):
                field.widget.attrs["class"] = kind
        self.fields["count"].widget.attrs |= {"min": 1, "max": MAX_BATCH}

    def _set_choices(self, name: str, choices: list[tuple[str, Any]]) -> None:
        """What is listed; what is taken is judged by the rows that the actor may name."""
        field: Any = self.fields[name]
        if isinstance(field, forms.ModelChoiceField):
            field.widget.choices = choices
        else:
            field.choices = choices

    def key(self) -> str:
        """The Idempotency-Key of what is asked for: sent twice it is one machine, changed it is another."""
        submission = self.cleaned_data["submission"] or uuid4().hex
        asked = {name: self.data.getlist(name) for name in self.data if name not in NOT_ASKED}
        text = json.dumps([submission, asked], sort_keys=True)
        return salted_hmac("cloudportal.portal.form", text, algorithm="sha256").hexdigest()

    def clean_user_data(self) -> str:
        """Browsers end every line of a text area as Windows does; guests do not."""
        return str(self.cleaned_data["user_data"]).replace("\r\n", "\n")

    def clean_count(self) -> int:
        count = self.cleaned_data["count"]
        return 1 if count is None else int(count)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        self._clean_new_key(data)
        if wanted := data.get("host"):
            data["host"] = self._host(wanted, data.get("zone"))
        return data

    def _clean_new_key(self, data: dict[str, Any]) -> None:
        """A name alone means the key that was just made under that name."""
        name, public = data.get("new_key_name", ""), data.get("new_public_key", "").strip()
        data["new_key"] = None
        if public:
            words = public.split()
            data["new_key"] = NewKey(name or (" ".join(words[2:]) or _t("my key"))[:100], public)
        elif name and data.get("account"):
            keys = policy.visible(self.actor, SshKeyPair.objects.filter(account=data["account"]))
            found = keys.filter(name_key=fold(name)).first()
            if found is None:
                self.add_error("new_public_key", _t("Paste the public key, or press “Make a key”."))
            else:
                data["ssh_keys"] = [*data.get("ssh_keys", ()), found]

    def _host(self, wanted: str, zone: Zone | None) -> Host | None:
        hosts = policy.visible(self.actor, Host.objects.filter(zone=zone)) if zone else Host.objects.none()
        found = list(hosts.filter(name_key=fold(wanted.strip()))[:2])
        if not found and (uuid := parse_uuid(wanted.strip())):
            found = list(hosts.filter(uuid=uuid))
        if len(found) == 1:
            return found[0]
        several = _t("Several hosts of the zone have this name: give the id.")
        self.add_error("host", several if found else _t("The zone has no host of this name."))
        return None

    def order(self) -> Order:
        """What the form asks for. Only of a form without faults."""
        data = self.cleaned_data
        wanted = VmRequest(
            account=data["account"],
            zone=data["zone"],
            name=data["name"],
            offering=data["offering"],
            template=data["template"],
            ssh_keys=list(dict.fromkeys(data["ssh_keys"])),
            user_data=data["user_data"],
            strategy=data["strategy"] or VirtualMachine.Strategy.SPREAD,
            pinned_host=data.get("host") or None,
            delete_protection=data["delete_protection"],
        )
        return Order(wanted, count=data["count"], new_key=data["new_key"])

    def refuse(self, error: CloudError) -> None:
        """Tell of an error at the field that it is about."""
        said = told(error)
        place = _PLACES.get(error.place, error.place.split(" ")[0])
        text = f"{said.detail} {said.remedy}".strip()
        line = error.place.partition(" line ")[2]
        if line.isdecimal():
            text = _t("Line %(line)s: %(text)s") % {"line": line, "text": text}
        self.add_error(place if place in self.fields else None, text)
