from django.apps import AppConfig


class NetworkConfig(AppConfig):
    name = "apps.network"

    def ready(self) -> None:
        from apps.accounts import policy
        from apps.network import models

        policy.register(
            models.Network, policy.Rows("network", places={"zone": "zone_id", "region": "zone__region_id"})
        )
