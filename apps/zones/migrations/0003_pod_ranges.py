"""Pods know their ranges: the guest range is read off the addresses that a pod has."""

from ipaddress import IPv4Address, IPv4Network

from django.db import migrations, models
from django.db.models import F, Max, Min, Q

NUMBERS = ("subnet_first", "subnet_last", "gateway_number", "guest_first", "guest_last")


def fill(apps, schema_editor):
    address = apps.get_model("network", "IpAddress")
    for pod in apps.get_model("zones", "Pod").objects.all():
        network = IPv4Network(pod.cidr)
        pod.subnet_first, pod.subnet_last = int(network.network_address), int(network.broadcast_address)
        pod.gateway_number = int(IPv4Address(pod.gateway))
        ends = address.objects.filter(network__pod=pod).aggregate(first=Min("number"), last=Max("number"))
        elsewhere = pod.subnet_first + 1 if pod.gateway_number != pod.subnet_first + 1 else pod.subnet_first + 2
        pod.guest_first, pod.guest_last = ends["first"] or elsewhere, ends["last"] or elsewhere
        pod.guest_start = str(IPv4Address(pod.guest_first))
        pod.guest_end = str(IPv4Address(pod.guest_last))
        pod.save(update_fields=[*NUMBERS, "guest_start", "guest_end"])


class Migration(migrations.Migration):
    dependencies = [("zones", "0002_host_local_once"), ("network", "0001_initial")]

    operations = [
        migrations.AddField("zone", "internal_dns", models.JSONField(default=list)),
        *[
            migrations.AddField("pod", name, models.GenericIPAddressField(protocol="IPv4", null=True))
            for name in ("guest_start", "guest_end", "reserved_start", "reserved_end")
        ],
        *[
            migrations.AddField("pod", name, models.BigIntegerField(editable=False, null=True))
            for name in (*NUMBERS, "reserved_first", "reserved_last")
        ],
        migrations.RunPython(fill, migrations.RunPython.noop),
        *[
            migrations.AlterField("pod", name, models.GenericIPAddressField(protocol="IPv4"))
            for name in ("guest_start", "guest_end")
        ],
        *[migrations.AlterField("pod", name, models.BigIntegerField(editable=False)) for name in NUMBERS],
        migrations.AddConstraint(
            "pod",
            models.CheckConstraint(
                condition=Q(gateway_number__gt=F("subnet_first"), gateway_number__lt=F("subnet_last")),
                name="pod_gateway_in_subnet",
                violation_error_message="The gateway must be an address of the pod's subnet.",
            ),
        ),
        migrations.AddConstraint(
            "pod",
            models.CheckConstraint(
                condition=Q(
                    guest_first__gt=F("subnet_first"),
                    guest_last__lt=F("subnet_last"),
                    guest_first__lte=F("guest_last"),
                ),
                name="pod_guest_in_subnet",
                violation_error_message="The guest range must lie in the pod's subnet.",
            ),
        ),
        migrations.AddConstraint(
            "pod",
            models.CheckConstraint(
                condition=Q(reserved_first=None, reserved_last=None)
                | Q(
                    reserved_first__gt=F("subnet_first"),
                    reserved_last__lt=F("subnet_last"),
                    reserved_first__lte=F("reserved_last"),
                ),
                name="pod_reserved_in_subnet",
                violation_error_message="The reserved range must lie in the pod's subnet.",
            ),
        ),
        migrations.AddConstraint(
            "pod",
            models.CheckConstraint(
                condition=(Q(gateway_number__lt=F("guest_first")) | Q(gateway_number__gt=F("guest_last")))
                & (
                    Q(reserved_first=None)
                    | Q(gateway_number__lt=F("reserved_first"))
                    | Q(gateway_number__gt=F("reserved_last"))
                ),
                name="pod_gateway_apart",
                violation_error_message="The gateway must lie outside both ranges.",
            ),
        ),
        migrations.AddConstraint(
            "pod",
            models.CheckConstraint(
                condition=Q(reserved_first=None)
                | Q(reserved_last__lt=F("guest_first"))
                | Q(reserved_first__gt=F("guest_last")),
                name="pod_ranges_apart",
                violation_error_message="The guest range and the reserved range must not overlap.",
            ),
        ),
    ]
