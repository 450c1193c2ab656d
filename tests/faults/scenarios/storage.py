"""Templates and pools."""

from __future__ import annotations

from typing import Any

from apps.accounts.actor import Actor
from apps.jobs.models import Job
from apps.jobs.services import submit
from apps.storage import services, services_templates
from apps.storage.models import PrimaryStorage, Template, TemplateCopy
from tests.faults.image import Rows, says_anything
from tests.faults.scenario import Scenario, add
from tests.faults.scenarios.compute import with_copy
from tests.faults.site import Site


def incoming_of(template: Template) -> str:
    return f"{template.secondary_storage.path}/incoming/{template.uuid}"


def final_of(template: Template) -> str:
    return f"{template.secondary_storage.path}/{template.image}.qcow2"


def submit_register(site: Site) -> Job:
    template = services_templates.new_template(
        site.actor,
        account=site.account,
        secondary_storage=site.template.secondary_storage,
        name="uploaded",
    )
    site.files.put(incoming_of(template))
    _template, job = services_templates.register_template(site.actor, template=template)
    return job


def registered(site: Site) -> None:
    template = Template.objects.get(name="uploaded")
    assert template.state == Template.State.READY
    assert (template.size_bytes, template.virtual_size_bytes) == (1000, 2**30)
    assert template.sha256 == "ab" * 32
    assert site.files.names() == {final_of(site.template), final_of(template)}


def error_template_left(_site: Site, before: Rows, after: Rows) -> Rows:
    """A template that could not be registered stays in Error, without a file, and counts as one template."""
    table = "storage_template"
    new = after[table] - before[table]
    left = {row for row in new if dict(row)["state"] == Template.State.ERROR}
    counts = after["accounts_quota"] - before["accounts_quota"]
    less = (dict(row) | {"used_templates": dict(row)["used_templates"] - len(left)} for row in counts)
    quotas = after["accounts_quota"] - counts | {tuple(row.items()) for row in less if says_anything(row)}
    return {**after, table: after[table] - left, "accounts_quota": quotas}


def submit_copy(site: Site) -> Job:
    return submit(
        Actor.system("a machine needs the template"),
        "template.copy",
        site.template,
        lock_keys=[f"template:{site.template.uuid}:pool:{site.pool.uuid}"],
        on_busy="join",
        pool=str(site.pool.uuid),
        host=str(site.hosts()[0].uuid),
    )


def copied(site: Site) -> None:
    copy = TemplateCopy.objects.get()
    assert (copy.template, copy.pool, copy.state, copy.uses) == (site.template, site.pool, "Ready", 0)
    assert [row[1] for row in site.simulator.world().images] == [site.template.image]


def submit_delete(site: Site) -> Job:
    return services_templates.delete_template(site.actor, site.template)


def deleted(site: Site) -> None:
    site.template.refresh_from_db()
    assert site.template.state == Template.State.DELETED
    assert not TemplateCopy.objects.exists()
    assert site.simulator.world().images == ()
    assert site.files.names() == frozenset()


def submit_pool(site: Site) -> Job:
    job = services.reconnect_primary_storage(site.actor, site.pool)
    assert job is not None
    return job


def pool_known(site: Site) -> None:
    pool = PrimaryStorage.objects.get()
    assert pool.capacity_bytes == 100 * 2**40
    assert pool.promised_bytes == pool.capacity_bytes * pool.overprovision_percent // 100


def submit_secondary(site: Site) -> Job:
    return services.reconnect_secondary_storage(site.actor, site.template.secondary_storage)


def secondary_opened(site: Site) -> None:
    assert site.files.opened == {site.template.secondary_storage.folder}


def nothing(_site: Site) -> Any:
    return None


add(
    Scenario(
        "register a template",
        "template.register",
        nothing,
        submit_register,
        registered,
        forgive=error_template_left,
        leaves_files=True,
    )
)
add(Scenario("copy a template", "template.copy", nothing, submit_copy, copied))
add(Scenario("copy a template that is there", "template.copy", with_copy, submit_copy, copied))
add(Scenario("delete a template", "template.delete", with_copy, submit_delete, deleted))
add(Scenario("connect a pool", "primary_storage.connect", nothing, submit_pool, pool_known))
add(
    Scenario(
        "connect a secondary storage",
        "secondary_storage.connect",
        nothing,
        submit_secondary,
        secondary_opened,
    )
)
