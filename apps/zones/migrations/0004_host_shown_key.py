"""The key that a host showed before anybody trusted one."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("zones", "0003_pod_ranges")]

    operations = [migrations.AddField("host", "shown_key", models.TextField(blank=True, default=""), False)]
