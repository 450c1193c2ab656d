from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.cell import Image
from tests.faults.site import Site, build_site, environment


@pytest.fixture
def site_image(transactional_db: None) -> Iterator[tuple[Site, Image]]:
    """A site, and its image to begin each scenario from."""
    with environment():
        site = build_site()
        image = Image(site)
        yield site, image
        image.forget()
