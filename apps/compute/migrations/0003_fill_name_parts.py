from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from apps.core.names import name_parts

CHUNK = 500


def fill(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    machines = apps.get_model("compute", "VirtualMachine")
    parts = apps.get_model("compute", "VmNamePart")
    last = 0
    while vms := list(machines.objects.filter(pk__gt=last).order_by("pk").only("name_key", "name_sort")[:CHUNK]):
        last = vms[-1].pk
        parts.objects.bulk_create(
            parts(vm=vm, part=part, name_sort=vm.name_sort) for vm in vms for part in name_parts(vm.name_key)
        )


class Migration(migrations.Migration):
    dependencies = [("compute", "0002_found_by_name")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
