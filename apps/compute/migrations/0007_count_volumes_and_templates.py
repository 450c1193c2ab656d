from collections import Counter

from django.db import migrations
from django.db.models import Count


def count(apps, schema_editor):
    """What quotas did not count before: volumes of machines that hold quota, and templates."""
    account, quota = apps.get_model('accounts', 'Account'), apps.get_model('accounts', 'Quota')
    volumes = apps.get_model('compute', 'VolumeAttachment').objects.exclude(vm__state='Error').order_by()
    templates = apps.get_model('storage', 'Template').objects.exclude(state='Deleted').order_by()
    paths = dict(account.objects.values_list('pk', 'domain__path'))
    columns = {
        'used_volumes': volumes.values_list('vm__account').annotate(Count('pk')),
        'used_templates': templates.values_list('account').annotate(Count('pk')),
    }
    for column, counts in columns.items():
        totals = Counter()
        for key, number in counts:
            totals['account', key] += number
            for domain in filter(None, (paths[key] or '').split('/')):
                totals['domain', int(domain)] += number
        for (kind, key), number in totals.items():
            quota.objects.filter(**{kind: key}).update(**{column: number})


class Migration(migrations.Migration):

    dependencies = [
        ('compute', '0006_counted_by_place'),
        ('accounts', '0012_quota_by_member'),
        ('storage', '0004_template_created_by'),
    ]

    operations = [migrations.RunPython(count, migrations.RunPython.noop)]
