from django.apps import AppConfig


class ComputeConfig(AppConfig):
    name = "apps.compute"

    def ready(self) -> None:
        from apps.accounts import policy, quota, secrets
        from apps.compute import models, placement, verbs, world
        from apps.jobs.world import register as look_with

        verbs.declare()
        policy.register(models.ServiceOffering, policy.Everyone())
        policy.register(models.SshKeyPair, policy.Members())
        policy.register(models.VirtualMachine, policy.Members())
        policy.register(models.Nic, policy.Members("vm__account_id"))
        policy.register(models.StrayMachine, policy.Operators())
        secrets.register(models.VirtualMachine, "user_data")
        quota.count_with(placement.used_by)
        look_with("virtual-machine", world.findings_of_machine)
