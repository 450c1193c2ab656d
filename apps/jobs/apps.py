from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "apps.jobs"

    def ready(self) -> None:
        from apps.accounts import audit, policy
        from apps.jobs import events, models

        audit.keep_with(events.record)
        policy.register(models.Job, policy.Records("job"))
        policy.register(models.Event, policy.Records("event"))
