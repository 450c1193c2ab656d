from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "apps.accounts"

    def ready(self) -> None:
        from apps.accounts import models, policy, secrets

        policy.register(models.Account, policy.Members("pk"))
        policy.register(models.Domain, policy.Operators())
        policy.register(models.User, policy.Operators())
        policy.register(models.Quota, policy.Members())
        policy.register(models.Directory, policy.Operators())
        policy.register(models.DirectoryPerson, policy.Operators())
        secrets.register(models.Directory, "bind_password")
