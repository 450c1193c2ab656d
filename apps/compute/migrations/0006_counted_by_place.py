from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_user_search_key'),
        ('compute', '0005_name_parts_by_account'),
        ('storage', '0003_template_name_words'),
        ('zones', '0004_host_shown_key'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name='virtualmachine',
            index=models.Index(fields=['zone', 'pod', 'host', 'state'], name='vm_place_state'),
        ),
    ]
