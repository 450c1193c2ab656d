from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "apps.accounts"

    def ready(self) -> None:
        from apps.accounts import models, policy, secrets
        from apps.accounts.invitations import InvitationScope
        from apps.accounts.scopes_people import Grants, Groups, People, Quotas, Roles

        policy.register(models.Account, policy.Rows("account", account="pk"), place="account")
        policy.register(models.Domain, policy.Rows("domain", domain="path"), place="domain")
        policy.register(models.User, People())
        policy.register(models.Quota, Quotas())
        policy.register(models.Role, Roles())
        policy.register(models.Group, Groups())
        policy.register(models.Grant, Grants())
        policy.register(models.Invitation, InvitationScope())
        policy.register(models.Directory, policy.Rows("directory"))
        policy.register(models.DirectoryGroup, policy.Rows("directory"))
        policy.register(models.DirectoryPerson, policy.Rows("directory"))
        policy.register(models.LeftBehind, policy.Rows("leaver", account="account_id"))
        policy.register(models.MappingRule, policy.Rows("mapping"))
        policy.register(models.SyncRun, policy.Rows("mapping"))
        secrets.register(models.Directory, "bind_password")
