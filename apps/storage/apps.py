from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class StorageConfig(AppConfig):
    name = "apps.storage"

    def ready(self) -> None:
        from apps.accounts import counters, policy
        from apps.jobs import kinds
        from apps.jobs.world import register as look_with
        from apps.storage import models, owned, use, world

        owned.declare()
        places = {"zone": "zone_id", "region": "zone__region_id"}
        pool = {**places, "cluster": "cluster_id", "host": "host_id"}
        policy.register(models.PrimaryStorage, policy.Rows("primary_storage", places=pool))
        policy.register(models.SecondaryStorage, policy.Rows("secondary_storage", places=places))
        policy.register(
            models.TemplateCopy,
            policy.Rows("primary_storage", places={name: f"pool__{path}" for name, path in pool.items()}),
        )
        policy.register(models.Template, policy.Rows("template", account="account_id", public="is_public"))
        policy.register(models.Volume, policy.Rows("volume", account="account_id"))
        kinds.register(kinds.JobKind("primary_storage.connect", _("Connect the primary storage")))
        kinds.register(kinds.JobKind("secondary_storage.connect", _("Connect the secondary storage")))
        kinds.register(kinds.JobKind("template.register", _("Store the image"), queue="long"))
        kinds.register(kinds.JobKind("template.copy", _("Copy the image to a storage pool"), queue="long"))
        kinds.register(kinds.JobKind("template.delete", _("Delete the image")))
        counters.count_with(use.templates_of, "templates")
        look_with("template", world.findings_of_template)
        look_with("primary-storage", world.findings_of_pool)
        look_with("secondary-storage", world.findings_of_secondary)
