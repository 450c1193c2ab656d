import django.db.models.deletion
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import OuterRef, Subquery


def fill(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    machines = apps.get_model("compute", "VirtualMachine")
    owner = machines.objects.filter(pk=OuterRef("vm_id")).values("account_id")
    apps.get_model("compute", "VmNamePart").objects.update(account_id=Subquery(owner))


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_username_once"), ("compute", "0003_fill_name_parts")]
    operations = [
        migrations.AddField(
            model_name="vmnamepart",
            name="account",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="accounts.account",
            ),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
