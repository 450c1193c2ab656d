from django.apps import AppConfig


class LaunchConfig(AppConfig):
    name = "apps.launch"

    def ready(self) -> None:
        from apps.accounts import policy, secrets
        from apps.launch import models

        policy.register(
            models.Launch, policy.Rows("launch", places={"zone": "zone_id", "region": "zone__region_id"})
        )
        secrets.register(models.ZoneDraft, "private_key")
