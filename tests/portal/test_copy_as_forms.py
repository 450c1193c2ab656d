"""What a form shows to copy does what the form does: read off the page, run against a server of its own."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any

import pytest
from django.test import Client

from apps.accounts import secrets
from apps.accounts.actor import Actor
from apps.accounts.models import Account, User
from apps.accounts.tokens import issue_token
from apps.compute.models import ServiceOffering, SshKeyPair, VirtualMachine
from apps.compute.states import State
from apps.jobs.models import Job
from apps.storage.models import Template
from apps.zones.models import Zone
from tests import factories
from tests.api.conftest import PUBLIC_KEY
from tests.portal.test_copy_as import run
from tests.portal.test_create import CHECK, HTMX, NEW, fields_of

pytestmark = [pytest.mark.servers, pytest.mark.django_db(transaction=True)]


class Reader:
    """A member who copies from pages of a live portal, with a token of their own."""

    def __init__(self, url: str) -> None:
        self.url = url
        factories.root_domain()
        self.account: Account = factories.make_account()
        self.user: User = factories.make_user(self.account)
        self.zone: Zone = factories.make_zone()
        self.template: Template = factories.make_template(self.zone, self.account)
        self.offering: ServiceOffering = factories.make_offering()
        _row, self.token = issue_token(Actor.system("test"), user=self.user, name="test")
        self.client = Client(headers={"host": url.removeprefix("http://")})
        self.client.force_login(self.user)

    def paste(self, page: str, key: str, **environment: str) -> Any:
        found = re.search(rf'<code id="[\w-]+-{key}">(.*?)</code>', page, re.DOTALL)
        assert found
        told = run(key, unescape(found[1]), None, CLOUDPORTAL_TOKEN=self.token, **environment)
        return json.loads(told) if told.strip() else None


@pytest.fixture
def reader(live_server: Any, settings: Any) -> Reader:
    settings.ALLOWED_HOSTS = ["*"]
    return Reader(live_server.url)


@pytest.mark.parametrize("key", ["curl", "python"])
def test_the_form_of_creation(reader: Reader, key: str) -> None:
    ssh_key = SshKeyPair.objects.create(
        account=reader.account, name="κλειδί", public_key=PUBLIC_KEY, fingerprint="SHA256:x"
    )
    form = fields_of(reader.client.get(NEW).content.decode()) | {
        "name": "Ιστός 'α' $(id)",
        "ssh_keys": [str(ssh_key.uuid)],
        "strategy": "pack",
        "delete_protection": "on",
        "user_data": "#!/bin/sh\necho 'hello'\n",
    }
    page = reader.client.post(CHECK, form, headers=HTMX).content.decode()
    reader.paste(page, key, CLOUDPORTAL_USER_DATA=form["user_data"])
    assert reader.client.post(NEW, form).status_code == 302
    by_snippet, by_form = VirtualMachine.objects.order_by("id")

    def told(vm: VirtualMachine) -> list[Any]:
        user_data = secrets.unseal(VirtualMachine, vm.uuid, "user_data", vm.user_data)
        same = (vm.name, vm.zone, vm.template, vm.offering, vm.account, vm.strategy, vm.delete_protection)
        return [*same, user_data, list(vm.ssh_keys.all())]

    assert told(by_snippet) == told(by_form)


@pytest.mark.parametrize("key", ["curl", "python"])
def test_the_form_of_creation_for_several_at_once(reader: Reader, key: str) -> None:
    form = fields_of(reader.client.get(NEW).content.decode()) | {"name": "lab-%02d", "count": "3"}
    reader.paste(reader.client.post(CHECK, form, headers=HTMX).content.decode(), key)
    assert sorted(VirtualMachine.objects.values_list("name", flat=True)) == ["lab-01", "lab-02", "lab-03"]


@pytest.mark.parametrize("key", ["curl", "python"])
def test_the_pages_of_keys(reader: Reader, key: str) -> None:
    page = reader.client.get("/ssh-keys/new/").content.decode()
    made = reader.paste(page, key, CLOUDPORTAL_PUBLIC_KEY=PUBLIC_KEY)
    row = SshKeyPair.objects.get()
    assert (str(row.uuid), row.account) == (made["id"], reader.account)
    assert reader.paste(reader.client.get(f"/ssh-keys/{row.uuid}/delete/").content.decode(), key) is None
    assert not SshKeyPair.objects.exists()


@pytest.mark.parametrize("key", ["curl", "python"])
def test_deleting_for_good(reader: Reader, key: str) -> None:
    vm = factories.make_vm(reader.zone, account=reader.account, state=State.DESTROYED)
    reader.paste(reader.client.get(f"/trash/{vm.uuid}/delete/").content.decode(), key)
    assert Job.objects.get().kind == "vm.expunge"
