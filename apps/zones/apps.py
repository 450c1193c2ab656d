from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ZonesConfig(AppConfig):
    name = "apps.zones"

    def ready(self) -> None:
        from apps.accounts import policy, secrets
        from apps.jobs import kinds
        from apps.jobs.world import register as look_with
        from apps.zones import models, world

        policy.register(models.Region, policy.Everyone())
        policy.register(models.Zone, policy.Everyone())
        for model in (models.Pod, models.Cluster, models.Host):
            policy.register(model, policy.Operators())
        secrets.register(models.Host, "private_key")
        kinds.register(kinds.JobKind("host.connect", _("Connect the host")))
        look_with("host", world.findings_of_host)
