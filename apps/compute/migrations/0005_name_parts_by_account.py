import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("compute", "0004_name_parts_of_accounts")]
    operations = [
        migrations.AlterField(
            model_name="vmnamepart",
            name="account",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="accounts.account",
            ),
        ),
        migrations.AddIndex(
            model_name="vmnamepart",
            index=models.Index(
                models.F("part"),
                models.F("account"),
                models.F("name_sort"),
                models.F("vm"),
                name="vmnamepart_account_name",
            ),
        ),
        migrations.AddIndex(
            model_name="vmnamepart",
            index=models.Index(
                models.F("part"), models.F("account"), models.F("vm"), name="vmnamepart_account_vm"
            ),
        ),
    ]
