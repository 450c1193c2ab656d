from django.db import migrations, models

from apps.core.names import fold


def fill(apps, schema_editor):
    for user in apps.get_model("accounts", "User").objects.all().iterator():
        user.search_key = fold(f"{user.username} {user.full_name} {user.email}")[:600]
        user.save(update_fields=["search_key"])


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_username_once")]
    operations = [
        migrations.AddField(
            "user", "search_key", models.CharField(default="", editable=False, max_length=600)
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
