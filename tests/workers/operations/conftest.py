from tests.faults.conftest import site, site_image

__all__ = ["site", "site_image"]
