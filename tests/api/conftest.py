"""The cast of the API's tests: who asks, and what there is to ask about."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from apps.accounts.models import Account, Domain, User
from apps.accounts.services import create_root_domain
from apps.compute.models import ServiceOffering, SshKeyPair, VirtualMachine
from apps.compute.states import State
from apps.storage.models import SecondaryStorage, Template
from apps.zones.models import Zone
from tests import factories
from tests.api.client import Api

PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"


@dataclass
class Cast:
    """One cloud with two tenants. `apis` are clients by role."""

    root: Domain
    zone: Zone
    account: Account
    other_account: Account
    offering: ServiceOffering
    template: Template
    private_template: Template
    storage: SecondaryStorage
    key: SshKeyPair
    vm: VirtualMachine
    users: dict[str, User] = field(default_factory=dict)
    apis: dict[str, Api] = field(default_factory=dict)

    @property
    def operator(self) -> Api:
        return self.apis["operator"]

    @property
    def member(self) -> Api:
        return self.apis["member"]

    @property
    def other(self) -> Api:
        return self.apis["other"]

    def wanted(self, **changes: object) -> dict[str, object]:
        """The body of a deploy that works."""
        return {
            "name": "web",
            "zone": str(self.zone.uuid),
            "offering": str(self.offering.uuid),
            "template": str(self.template.uuid),
            **changes,
        }


def make_cast(folder: str) -> Cast:
    root = create_root_domain()
    zone = factories.make_zone(hosts=2)
    account, other_account = factories.make_account(root), factories.make_account(root)
    storage = SecondaryStorage.objects.create(zone=zone, name="secondary", path=folder)
    template = factories.make_template(zone, account)
    vm = factories.make_vm(zone, account=account, template=template, state=State.STOPPED)
    cast = Cast(
        root=root,
        zone=zone,
        account=account,
        other_account=other_account,
        offering=factories.make_offering(vcpus=1, memory_mib=512),
        template=template,
        private_template=factories.make_template(zone, account, is_public=False),
        storage=storage,
        key=SshKeyPair.objects.create(
            account=account, name="key", public_key=PUBLIC_KEY, fingerprint="SHA256:x"
        ),
        vm=vm,
    )
    cast.users = {
        "operator": factories.make_user(factories.make_account(root), super_admin=True),
        "member": factories.make_user(account),
        "other": factories.make_user(other_account),
        "inactive": factories.make_user(account),
    }
    cast.apis = {role: Api(user) for role, user in cast.users.items()}
    cast.apis["anonymous"] = Api()
    User.objects.filter(pk=cast.users["inactive"].pk).update(is_active=False)
    return cast


@pytest.fixture
def cast(db: None, tmp_path_factory: pytest.TempPathFactory) -> Cast:
    return make_cast(str(tmp_path_factory.mktemp("secondary")))
