from django.apps import AppConfig


class ComputeConfig(AppConfig):
    name = "apps.compute"

    def ready(self) -> None:
        from apps.accounts import counters, policy, secrets
        from apps.compute import models, usage, verbs, world
        from apps.compute.services import owned
        from apps.jobs.world import register as look_with

        verbs.declare()
        owned.declare()
        policy.register(models.ServiceOffering, policy.Rows("service_offering", everyone=True))
        policy.register(models.SshKeyPair, policy.Rows("ssh_key", account="account_id"))
        places = {
            "region": "zone__region_id",
            "zone": "zone_id",
            "cluster": "host__cluster_id",
            "host": "host_id",
        }
        policy.register(models.VirtualMachine, policy.Rows("vm", account="account_id", places=places))
        policy.register(
            models.Nic,
            policy.Rows(
                "vm", account="vm__account_id", places={name: f"vm__{path}" for name, path in places.items()}
            ),
        )
        policy.register(
            models.StrayMachine,
            policy.Rows(
                "host",
                places={
                    "host": "host_id",
                    "cluster": "host__cluster_id",
                    "zone": "host__zone_id",
                    "region": "host__zone__region_id",
                },
            ),
        )
        secrets.register(models.VirtualMachine, "user_data")
        counters.count_with(usage.usage, *usage.RESOURCES)
        look_with("virtual-machine", world.findings_of_machine)
