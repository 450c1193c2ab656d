"""Rules of built images: once for the same inputs, whole or not at all, one builder at a time."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from guest.artifact import digest_of_sources, is_current, only_builder, publish, workspace


@pytest.fixture
def image(tmp_path: Path) -> Path:
    built = tmp_path / "built"
    built.write_bytes(b"image")
    image = tmp_path / "out" / "image.qcow2"
    publish(built, image, "inputs")
    return image


def test_an_image_of_the_same_inputs_is_current(image: Path) -> None:
    assert image.read_bytes() == b"image"
    assert is_current(image, "inputs")


def test_an_image_of_other_inputs_is_not_current(image: Path) -> None:
    assert not is_current(image, "other inputs")


def test_an_image_that_was_changed_since_is_not_current(image: Path) -> None:
    image.write_bytes(b"imagE")
    assert not is_current(image, "inputs")


def test_a_missing_image_or_record_is_not_current(image: Path) -> None:
    image.with_name("image.qcow2.json").write_text("{")
    assert not is_current(image, "inputs")
    assert not is_current(image.with_name("none"), "inputs")


def test_publishing_leaves_nothing_but_the_image_and_its_record(image: Path) -> None:
    assert {path.name for path in image.parent.iterdir()} == {"image.qcow2", "image.qcow2.json"}


def test_sources_differ_by_content_name_and_being_executable(tmp_path: Path) -> None:
    source = tmp_path / "a"
    source.write_text("1")
    digests = [digest_of_sources([tmp_path])]
    source.write_text("2")
    digests.append(digest_of_sources([tmp_path]))
    source.chmod(0o755)
    digests.append(digest_of_sources([tmp_path]))
    source.rename(tmp_path / "b")
    digests.append(digest_of_sources([tmp_path]))
    digests.append(digest_of_sources([tmp_path], ["more"]))
    assert len(set(digests)) == 5


def test_a_build_begins_in_an_empty_folder_whatever_a_killed_one_left(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work/left").touch()
    with workspace(tmp_path) as work:
        assert list(work.iterdir()) == []
    assert not work.exists()


def test_a_second_builder_waits_for_the_first(tmp_path: Path) -> None:
    order = []

    def second() -> None:
        with only_builder(tmp_path):
            order.append("second")

    with only_builder(tmp_path):
        waiting = threading.Thread(target=second)
        waiting.start()
        waiting.join(timeout=0.2)
        order.append("first")
    waiting.join()
    assert order == ["first", "second"]
