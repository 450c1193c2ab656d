"""The primary storage contract."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.drivers.contract.kit import IMAGE_BYTES, HostKit, until
from workers.drivers import connect
from workers.drivers.base import TaskPhase
from workers.drivers.errors import DriverError, HypervisorRefused, ObjectMissing, PoolFull


def test_an_imported_image_is_in_the_pool(kit: HostKit) -> None:
    image = kit.name("tpl")
    status = kit.await_import(kit.storage, f"import-{image}", image)
    assert (status.phase, status.exit_code) == (TaskPhase.DONE, 0)
    assert image in kit.storage.names()


def test_importing_what_is_there_already_is_done_at_once(kit: HostKit) -> None:
    image = kit.image()
    for task_id in (f"import-{image}", f"again-{image}"):
        status = kit.storage.import_image(task_id, kit.source, image, IMAGE_BYTES)
        assert status.phase is TaskPhase.DONE


def test_importing_from_many_threads_makes_one_image(kit: HostKit) -> None:
    image = kit.name("tpl")
    with ThreadPoolExecutor(3) as pool:
        imports = [pool.submit(kit.await_import, kit.storage, f"import-{image}", image) for _ in range(3)]
    assert {outcome.result().phase for outcome in imports} == {TaskPhase.DONE}
    assert image in kit.storage.names()


def test_an_import_without_a_source_fails_and_leaves_nothing(kit: HostKit) -> None:
    image = kit.name("tpl")
    before = kit.storage.names()
    with pytest.raises(ObjectMissing):
        kit.await_import(kit.storage, f"import-{image}", image, kit.missing_source)
    assert kit.storage.names() == before


def test_a_failed_import_can_be_tried_again(kit: HostKit) -> None:
    image = kit.name("tpl")
    task_id = f"import-{image}"
    with pytest.raises(ObjectMissing):
        kit.await_import(kit.storage, task_id, image, kit.missing_source)
    assert until(lambda: kit.storage.cancel_import(task_id, image))
    assert kit.await_import(kit.storage, task_id, image).phase is TaskPhase.DONE


def test_a_cancelled_import_leaves_no_image(kit: HostKit) -> None:
    image = kit.name("tpl")
    task_id = f"import-{image}"
    before = kit.storage.names()
    kit.storage.import_image(task_id, kit.source, image, IMAGE_BYTES)
    assert until(lambda: kit.storage.cancel_import(task_id, image))
    assert kit.storage.names() == before
    assert kit.storage.cancel_import(task_id, image)


def test_a_cancelled_import_can_be_begun_again(kit: HostKit) -> None:
    image = kit.name("tpl")
    task_id = f"import-{image}"
    kit.storage.import_image(task_id, kit.source, image, IMAGE_BYTES)
    assert until(lambda: kit.storage.cancel_import(task_id, image))
    assert kit.await_import(kit.storage, task_id, image).phase is TaskPhase.DONE


def test_cancelling_an_import_that_never_began_is_certain_at_once(kit: HostKit) -> None:
    image = kit.name("tpl")
    assert kit.storage.cancel_import(f"import-{image}", image)
    assert image not in kit.storage.names()


def test_a_clone_stands_on_its_image(kit: HostKit) -> None:
    image, volume = kit.image(), kit.name("vol")
    kit.storage.clone(image, volume, 4 * IMAGE_BYTES)
    assert {image, volume} <= kit.storage.names()


def test_a_clone_of_a_missing_image_leaves_nothing(kit: HostKit) -> None:
    volume = kit.name("vol")
    with pytest.raises(ObjectMissing):
        kit.storage.clone(kit.name("tpl"), volume, IMAGE_BYTES)
    assert volume not in kit.storage.names()


def test_a_pool_lists_what_was_stored_and_nothing_else(kit: HostKit) -> None:
    before = kit.storage.names()
    image, volume, seed = kit.image(), kit.name("vol"), kit.name("seed")
    kit.storage.clone(image, volume, IMAGE_BYTES)
    kit.storage.write_seed(seed, bytes(2048))
    assert kit.storage.names() == before | {image, volume, seed}


def test_a_clone_is_not_smaller_than_its_image(kit: HostKit) -> None:
    image, volume = kit.image(), kit.name("vol")
    with pytest.raises(HypervisorRefused):
        kit.storage.clone(image, volume, IMAGE_BYTES - 512)
    assert volume not in kit.storage.names()


def test_a_volume_outlives_the_loss_of_its_image(kit: HostKit) -> None:
    image = kit.image()
    volume = kit.volume(image)
    kit.storage.delete(image)
    kit.storage.clone(image, volume, IMAGE_BYTES)
    assert volume in kit.storage.names()


def test_cloning_again_keeps_the_volume(kit: HostKit) -> None:
    image, other = kit.image(), kit.image()
    volume = kit.volume(image)
    kit.storage.clone(image, volume, IMAGE_BYTES)
    kit.storage.clone(other, volume, 2 * IMAGE_BYTES)
    assert volume in kit.storage.names()


def test_cloning_from_many_threads_makes_one_volume(kit: HostKit) -> None:
    image, volume = kit.image(), kit.name("vol")
    with ThreadPoolExecutor(4) as pool:
        for outcome in [pool.submit(kit.storage.clone, image, volume, IMAGE_BYTES) for _ in range(4)]:
            outcome.result()
    kit.hypervisor.start(kit.machine(volume=volume))
    assert volume in kit.storage.names()


def test_a_seed_is_replaced_by_a_newer_one(kit: HostKit) -> None:
    seed = kit.name("seed")
    kit.storage.write_seed(seed, bytes(4096))
    kit.storage.write_seed(seed, bytes(2048))
    assert seed in kit.storage.names()


@pytest.mark.parametrize("kind", ["tpl", "vol", "seed"])
def test_deleting_may_be_repeated(kit: HostKit, kind: str) -> None:
    name = kit.name(kind)
    match kind:
        case "tpl":
            kit.await_import(kit.storage, f"import-{name}", name)
        case "vol":
            kit.storage.clone(kit.image(), name, IMAGE_BYTES)
        case _:
            kit.storage.write_seed(name, bytes(2048))
    assert name in kit.storage.names()
    kit.storage.delete(name)
    assert name not in kit.storage.names()
    kit.storage.delete(name)
    assert name not in kit.storage.names()


def test_an_image_that_was_deleted_can_be_imported_by_the_same_task(kit: HostKit) -> None:
    image = kit.image()
    kit.storage.delete(image)
    assert kit.await_import(kit.storage, f"import-{image}", image).phase is TaskPhase.DONE
    assert image in kit.storage.names()


@pytest.mark.parametrize(
    "name", ["", ".", "..", "vol-", "a/b", "vol-../etc/passwd", "/etc/passwd", "vol-a\0", "vol-a\n", "-rf"]
)
def test_a_name_that_is_not_ours_goes_nowhere(kit: HostKit, name: str) -> None:
    for act in (
        kit.storage.path,
        kit.storage.delete,
        lambda name: kit.storage.write_seed(name, b""),
        lambda name: kit.storage.clone(name, name, IMAGE_BYTES),
        lambda name: kit.storage.import_image("import-1", kit.source, name, IMAGE_BYTES),
        lambda name: kit.storage.cancel_import("import-1", name),
    ):
        with pytest.raises(DriverError):
            act(name)


def test_paths_are_absolute_and_differ_by_name(kit: HostKit) -> None:
    first, second = kit.storage.path("vol-a"), kit.storage.path("vol-b")
    assert first.startswith("/")
    assert first != second


def test_a_pool_reports_its_size(kit: HostKit) -> None:
    facts = kit.storage.facts()
    assert 0 <= facts.used_bytes <= facts.capacity_bytes
    assert facts.capacity_bytes > 0


def test_a_pool_without_room_says_so_and_keeps_no_part_of_the_copy(kit: HostKit) -> None:
    small = connect.primary_storage(kit.host, kit.small_pool())
    image = kit.name("tpl")
    with pytest.raises(PoolFull):
        kit.await_import(small, f"import-{image}", image)
    assert small.cancel_import(f"import-{image}", image)
    assert image not in small.names()
    assert small.facts().used_bytes < small.facts().capacity_bytes / 2
