from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ZonesConfig(AppConfig):
    name = "apps.zones"

    def ready(self) -> None:
        from apps.accounts import policy, secrets
        from apps.jobs import kinds
        from apps.jobs.world import register as look_with
        from apps.zones import models, world

        zone = {"zone": "zone_id", "region": "zone__region_id"}
        policy.register(
            models.Region, policy.Rows("region", everyone=True, places={"region": "pk"}), place="region"
        )
        policy.register(
            models.Zone,
            policy.Rows("zone", everyone=True, places={"zone": "pk", "region": "region_id"}),
            place="zone",
        )
        policy.register(
            models.Pod, policy.Rows("pod", places=zone, around={"cluster": "clusters", "host": "hosts"})
        )
        policy.register(
            models.Cluster,
            policy.Rows(
                "cluster",
                places={"cluster": "pk", "zone": "pod__zone_id", "region": "pod__zone__region_id"},
                around={"host": "hosts"},
            ),
            place="cluster",
        )
        policy.register(
            models.Host,
            policy.Rows("host", places={"host": "pk", "cluster": "cluster_id", **zone}),
            place="host",
        )
        secrets.register(models.Host, "private_key")
        kinds.register(kinds.JobKind("host.connect", _("Connect the host")))
        look_with("host", world.findings_of_host)
