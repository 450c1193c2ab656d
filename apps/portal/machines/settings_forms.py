"""What can be changed of a machine that exists. The forms only parse; services judge."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.accounts.actor import Actor
from apps.compute.models import ServiceOffering, VirtualMachine
from apps.compute.services import edit
from apps.core.errors import InvalidInput
from apps.portal.service_forms import shows_again


class SettingForm(forms.Form):
    """One thing to change: `kind` is its verb, `field` the one that faults belong to."""

    kind = ""
    field = ""
    title: Any = ""

    def __init__(self, vm: VirtualMachine, data: Any = None) -> None:
        super().__init__(data, initial=self.present(vm), auto_id=f"id_{self.kind.removeprefix('vm.')}_%s")
        for field in self.fields.values():
            if not isinstance(field.widget, forms.CheckboxInput):
                picks = isinstance(field.widget, forms.Select)
                field.widget.attrs["class"] = "form-select" if picks else "form-control"
            else:
                field.widget.attrs["class"] = "form-check-input"

    @abstractmethod
    def present(self, vm: VirtualMachine) -> dict[str, Any]:
        """What the machine has now."""

    @abstractmethod
    def apply(self, actor: Actor, vm: VirtualMachine) -> None:
        """Change it; CloudError if that cannot be."""


class NameForm(SettingForm):
    kind, field, title = "vm.rename", "name", _("Name")
    name = forms.CharField(
        label=_("Name"), max_length=400, help_text=_("The guest's own host name stays as it is.")
    )

    def present(self, vm: VirtualMachine) -> dict[str, Any]:
        return {"name": vm.name}

    def apply(self, actor: Actor, vm: VirtualMachine) -> None:
        edit.rename_vm(actor, vm, name=self.cleaned_data["name"])


class TagsForm(SettingForm):
    kind, field, title = "vm.tag", "tags", _("Tags")
    tags = forms.CharField(
        label=_("Tags"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        help_text=_("One a line, as name=value."),
    )

    def present(self, vm: VirtualMachine) -> dict[str, Any]:
        return {"tags": "\n".join(f"{name}={value}" for name, value in vm.tags.items())}

    def apply(self, actor: Actor, vm: VirtualMachine) -> None:
        edit.tag_vm(actor, vm, tags=dict(self._pairs()))

    def _pairs(self) -> list[tuple[str, str]]:
        lines = [line.strip() for line in str(self.cleaned_data["tags"]).splitlines() if line.strip()]
        pairs = []
        for number, line in enumerate(lines, 1):
            name, sign, value = line.partition("=")
            if not sign:
                raise InvalidInput("not_a_tag_line", place="tags", line=number)
            pairs.append((name.strip(), value.strip()))
        names = [name for name, _value in pairs]
        if len(set(names)) < len(names):
            raise InvalidInput("tag_twice", place="tags")
        return pairs


class ProtectionForm(SettingForm):
    kind, field, title = "vm.protect", "protected", _("Protection")
    protected = forms.BooleanField(
        label=_("Protect from deletion"),
        required=False,
        help_text=_("It can be moved to the trash only once this is switched off."),
    )

    def present(self, vm: VirtualMachine) -> dict[str, Any]:
        return {"protected": vm.delete_protection}

    def apply(self, actor: Actor, vm: VirtualMachine) -> None:
        edit.protect_vm(actor, vm, protected=self.cleaned_data["protected"])


class _Sizes(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Any) -> str:
        from apps.portal.templatetags.portal import mib  # noqa: PLC0415 - template tags load with templates

        return _("%(name)s: %(vcpus)s vCPU, %(memory)s") % {
            "name": obj.name,
            "vcpus": obj.vcpus,
            "memory": mib(obj.memory_mib),
        }


class SizeForm(SettingForm):
    kind, field, title = "vm.change_offering", "offering", _("Size")
    offering = _Sizes(
        ServiceOffering.objects.none(),
        label=_("Size"),
        empty_label=None,
        to_field_name="uuid",
        help_text=_("CPU and memory change; the disk keeps its size."),
    )

    def __init__(self, vm: VirtualMachine, data: Any = None) -> None:
        super().__init__(vm, data)
        rows = ServiceOffering.objects.filter(enabled=True) | ServiceOffering.objects.filter(
            pk=vm.offering_id
        )
        self.fields["offering"].widget.attrs |= shows_again("#size-quota")
        self.fields["offering"].queryset = rows.order_by("vcpus", "memory_mib", "id")  # type: ignore[attr-defined]

    def present(self, vm: VirtualMachine) -> dict[str, Any]:
        return {"offering": vm.offering.uuid}

    def apply(self, actor: Actor, vm: VirtualMachine) -> None:
        edit.change_offering(actor, vm, offering=self.cleaned_data["offering"])


FORMS: dict[str, type[SettingForm]] = {
    form.kind: form for form in (NameForm, SizeForm, TagsForm, ProtectionForm)
}
