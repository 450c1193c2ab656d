from django.db import migrations


def fill(apps, schema_editor):
    """Who was a member has the role of a user from now on."""
    members = apps.get_model("accounts", "Membership").objects.filter(role=None)
    if members.exists():
        names = {"name": "user", "name_key": "user", "name_sort": "user"}
        members.update(role=apps.get_model("accounts", "Role").objects.get_or_create(key="user", defaults=names)[0])


class Migration(migrations.Migration):
    dependencies = [("accounts", "0006_roles_and_grants")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
