from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.cell import Image
from tests.faults.site import Site, build_site, environment, standing_in


@pytest.fixture
def site_image(transactional_db: None) -> Iterator[tuple[Site, Image]]:
    """A site, and its image to begin each scenario from."""
    with environment():
        site = build_site()
        image = Image(site)
        yield site, image
        image.forget()


@pytest.fixture
def site(site_image: tuple[Site, Image]) -> Iterator[Site]:
    """The same site, with its clock and its files in place of the machine's."""
    site, _image = site_image
    with standing_in(site):
        yield site
