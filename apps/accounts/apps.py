from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "apps.accounts"

    def ready(self) -> None:
        from apps.accounts import models, policy

        policy.register(models.Account, policy.Members("pk"))
        policy.register(models.Domain, policy.Operators())
        policy.register(models.User, policy.Operators())
        policy.register(models.Quota, policy.Members())
