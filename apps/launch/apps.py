from django.apps import AppConfig


class LaunchConfig(AppConfig):
    name = "apps.launch"

    def ready(self) -> None:
        from apps.accounts import policy
        from apps.launch import models

        policy.register(models.Launch, policy.Operators())
