"""What the operator's forms offer to be copied does, sent to the API, what the form does."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from apps.portal.copy_as import ApiRequest, Secret
from apps.storage.models import PrimaryStorage, SecondaryStorage, Template
from apps.zones.models import Cluster, Host, Pod, Region
from tests import factories
from tests.portal.browsing import client_of

pytestmark = pytest.mark.django_db
AT = "/infrastructure/"


@pytest.fixture
def operator() -> Client:
    return client_of(factories.make_user(super_admin=True))


@pytest.fixture
def scene() -> dict[str, Any]:
    zone = factories.make_zone(hosts=1)
    PrimaryStorage.objects.update(driver="directory")
    SecondaryStorage.objects.create(zone=zone, name="spare", path="/srv/spare")
    factories.make_template(zone, factories.make_account())
    return {
        "regions": zone.region,
        "zones": zone,
        "pods": Pod.objects.get(),
        "clusters": Cluster.objects.get(),
        "hosts": Host.objects.get(),
        "primary-storages": PrimaryStorage.objects.get(),
        "secondary-storages": SecondaryStorage.objects.get(),
    }


def send(client: Client, wanted: ApiRequest) -> int:
    body = json.dumps(wanted.body) if wanted.body is not None else ""
    answer = client.generic(wanted.method, f"/api/v1/{wanted.path}", body, content_type="application/json")
    return int(answer.status_code)


def test_every_change_form_offers_a_request_that_the_api_takes(
    operator: Client, scene: dict[str, Any]
) -> None:
    answers = {}
    for noun, row in scene.items():
        page = operator.get(f"{AT}{noun}/{row.uuid}/change/")
        assert "curl --fail-with-body" in page.text
        answers[noun] = send(operator, page.context["asked"])
    offering, template = factories.make_offering(), Template.objects.get()
    for path in (f"/offerings/{offering.uuid}/change/", f"/templates/{template.uuid}/change/"):
        answers[path] = send(operator, operator.get(path).context["asked"])
    assert set(answers.values()) == {200}


def test_what_was_typed_and_refused_is_what_is_copied(operator: Client, scene: dict[str, Any]) -> None:
    cluster = {"name": "x", "parent": scene["pods"].uuid, "hypervisor": "kvm", "arch": "x86_64"}
    cluster |= {"cpu_overcommit_percent": "5", "memory_overcommit_percent": "100"}
    page = operator.post(f"{AT}clusters/new/", cluster)
    assert page.status_code == 422
    body = dict(page.context["asked"].body)
    assert (body["pod"], body["cpu_overcommit_percent"]) == (str(scene["pods"].uuid), 5)
    assert send(operator, ApiRequest("POST", "clusters/", body | {"cpu_overcommit_percent": 150})) == 201
    pool = {"owner": f"cluster:{scene['clusters'].uuid}", "driver": "directory", "name": "p", "path": "no"}
    page = operator.post(f"{AT}primary-storages/new/", pool | {"overprovision_percent": "200"})
    body = dict(page.context["asked"].body)
    assert body["zone"] == str(scene["zones"].uuid)
    assert send(operator, ApiRequest("POST", "primary-storages/", body | {"path": "/srv/p"})) == 202


def test_a_private_key_is_named_and_not_said(operator: Client, scene: dict[str, Any]) -> None:
    host = {"parent": scene["clusters"].uuid, "name": "n", "address": "bad address", "port": "22"}
    page = operator.post(
        f"{AT}hosts/new/", host | {"username": "root", "uri": "x", "private_key": "SENTINEL"}
    )
    assert page.context["asked"].body["private_key"] == Secret("HOST_PRIVATE_KEY")
    shown = page.text[page.text.index('class="copy-as"') :]
    assert "SENTINEL" not in shown
    assert "HOST_PRIVATE_KEY" in shown


def test_a_removal_offers_its_request(operator: Client) -> None:
    region, offering = Region.objects.create(name="r"), factories.make_offering()
    for path in (f"{AT}regions/{region.uuid}/remove/", f"/offerings/{offering.uuid}/remove/"):
        assert send(operator, operator.get(path).context["asked"]) == 204


def test_invitation_and_upload_offer_theirs(operator: Client, scene: dict[str, Any]) -> None:
    wanted = operator.get("/people/invite/").context["asked"]
    assert send(operator, ApiRequest("POST", wanted.path, {**wanted.body, "username": "ada"})) == 201
    page = operator.get("/templates/new/")
    assert page.context["asked"].file
    assert "--form" in page.text
