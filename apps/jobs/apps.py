from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class JobsConfig(AppConfig):
    name = "apps.jobs"

    def ready(self) -> None:
        from apps.accounts import audit, background, policy, secrets
        from apps.jobs import events, kinds, models, people, services

        audit.keep_with(events.record_each)
        audit.erase_with(people.erase_for_removal)
        secrets.keep_keys_of(models.keys_of_heads)
        background.run_with(services.submit)
        kinds.register(kinds.JobKind("account.halt", _("Stop the account's machines")))
        kinds.register(kinds.JobKind("account.remove", _("Delete the account")))
        kinds.register(kinds.JobKind("account.rest", _("Stop the machines that somebody left behind")))
        kinds.register(kinds.JobKind("directory.preview", _("Preview the directory's mapping"), queue="long"))
        kinds.register(kinds.JobKind("directory.sync", _("Follow the directory"), queue="long"))
        kinds.register(kinds.JobKind("directory.test", _("Test the connection to the directory")))
        kinds.register(kinds.JobKind("domain.halt", _("Stop the domain's machines")))
        kinds.register(kinds.JobKind("domain.remove", _("Delete the domain")))
        kinds.register(kinds.JobKind("quota.recount", _("Count quotas anew")))
        policy.register(models.Job, policy.Records("job"))
        policy.register(models.Event, policy.Records("event"))
