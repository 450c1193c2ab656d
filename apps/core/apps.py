from django.apps import AppConfig
from django.conf import settings


class CoreConfig(AppConfig):
    name = "apps.core"

    def ready(self) -> None:
        from apps.core.translations.compiled import compile_stale

        compile_stale(settings.BASE_DIR / "locale", settings.VAR / "locale")
