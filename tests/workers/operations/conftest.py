from tests.faults.conftest import site_image

__all__ = ["site_image"]
