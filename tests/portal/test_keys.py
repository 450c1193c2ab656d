"""The pages of SSH keys: each role, bad input, and a private key that is nobody's but the reader's."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Account, IdempotencyKey, User
from apps.compute.models import SshKeyPair
from apps.compute.states import State
from apps.jobs.models import Event
from tests import factories
from tests.api.conftest import PUBLIC_KEY
from tests.portal.browsing import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> Account:
    return factories.make_account()


@pytest.fixture
def member(account: Account) -> User:
    return factories.make_user(account)


@pytest.fixture
def client(member: User) -> Client:
    return client_of(member)


@pytest.fixture
def key(account: Account) -> SshKeyPair:
    return SshKeyPair.objects.create(
        account=account, name="Φορητός", public_key=PUBLIC_KEY, fingerprint="SHA256:abc"
    )


def test_a_pasted_key_is_stored_without_its_comment(client: Client, account: Account) -> None:
    form = {
        "name": "Κλειδί",
        "account": account.uuid,
        "public_key": f"{PUBLIC_KEY} ada@laptop",
        "do": "store",
    }
    answer = client.post("/ssh-keys/new/", form)
    key = SshKeyPair.objects.get()
    assert answer["Location"] == f"/ssh-keys/{key.uuid}/"
    page = client.get(answer["Location"]).content.decode()
    assert key.fingerprint in page
    assert "ada@laptop" not in page


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"name": ""}, "name"),
        ({"name": "a\u202eb"}, "name"),
        ({"name": "ΦΟΡΗΤΟΣ"}, "name"),
        ({"public_key": ""}, "public_key"),
        ({"public_key": "-----BEGIN OPENSSH PRIVATE KEY-----"}, "public_key"),
        ({"account": "00000000-0000-0000-0000-000000000000"}, "account"),
        ({"name": "Φορητός", "do": "generate"}, "name"),
    ],
)
def test_a_mistake_is_told_at_its_field_and_keeps_what_was_typed(
    client: Client, key: SshKeyPair, changes: dict[str, str], place: str
) -> None:
    form = {
        "name": "kept",
        "account": str(key.account.uuid),
        "public_key": PUBLIC_KEY,
        "do": "store",
    } | changes
    answer = client.post("/ssh-keys/new/", form)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert f'id="id_{place}_error"' in page
    assert place == "name" or 'value="kept"' in page
    assert SshKeyPair.objects.count() == 1


def test_a_key_that_is_made_is_handed_over_once(client: Client, account: Account) -> None:
    answer = client.post("/ssh-keys/new/", {"name": "made", "account": account.uuid, "do": "generate"})
    private = answer.content.decode()
    key = SshKeyPair.objects.get()
    assert answer["Content-Type"] == "application/x-pem-file"
    assert answer["Content-Disposition"].startswith("attachment; filename=")
    assert private.startswith("-----BEGIN OPENSSH PRIVATE KEY-----")
    secret = private.splitlines()[3]
    kept = [*Event.objects.values_list("data"), *IdempotencyKey.objects.values_list("answer"), key.public_key]
    assert secret not in str(kept)
    assert secret not in client.get(f"/ssh-keys/{key.uuid}/").content.decode()


def test_the_list_says_how_many_machines_each_key_is_in(
    client: Client, key: SshKeyPair, account: Account
) -> None:
    zone = factories.make_zone()
    for _number in range(2):
        factories.make_vm(zone, account=account, state=State.STOPPED).ssh_keys.add(key)
    page = client.get("/ssh-keys/").content.decode()
    assert "SHA256:abc" in page
    assert '<td data-label="Machines"><div>2</div></td>' in page


def test_the_list_costs_the_same_for_any_number_of_keys(client: Client, account: Account) -> None:
    counts = []
    for number in (1, 40):
        for _each in range(number):
            name = factories.numbered("key")
            SshKeyPair.objects.create(account=account, name=name, public_key="x", fingerprint="y")
        with CaptureQueriesContext(connection) as queries:
            client.get("/ssh-keys/")
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 12


def test_deleting_says_what_uses_the_key_and_leaves_machines_alone(
    client: Client, key: SshKeyPair, account: Account
) -> None:
    vm = factories.make_vm(factories.make_zone(), account=account, state=State.STOPPED)
    vm.ssh_keys.add(key)
    path = f"/ssh-keys/{key.uuid}/delete/"
    whole, inside = (
        client.get(path, headers=headers).content.decode() for headers in ({}, {"HX-Request": "true"})
    )
    assert vm.name in whole
    assert vm.name in inside
    assert "<html" in whole
    assert "<html" not in inside
    assert SshKeyPair.objects.exists()
    assert client.post(path)["Location"] == "/ssh-keys/"
    assert not SshKeyPair.objects.exists()
    vm.refresh_from_db()


@pytest.mark.parametrize("path", ["", "delete/"])
def test_who_may_not_know_of_a_key_finds_nothing(key: SshKeyPair, path: str) -> None:
    address = f"/ssh-keys/{key.uuid}/{path}"
    assert Client().get(address)["Location"].startswith("/login/")
    stranger = Client()
    stranger.force_login(factories.make_user(factories.make_account()))
    assert stranger.get(address).status_code == 404
    assert stranger.post(address).status_code == 404
    assert key.name not in stranger.get("/ssh-keys/").content.decode()
    operator = Client()
    operator.force_login(factories.make_user(super_admin=True))
    assert operator.get(address).status_code == 200
    assert SshKeyPair.objects.exists()
