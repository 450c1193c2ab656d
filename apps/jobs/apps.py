from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "apps.jobs"

    def ready(self) -> None:
        from apps.accounts import policy
        from apps.jobs import models

        policy.register(models.Job, policy.Members())
        policy.register(models.Event, policy.Members())
