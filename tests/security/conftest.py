"""The two tenants and the operator of the API's tests."""

from __future__ import annotations

from tests.api.conftest import cast

__all__ = ["cast"]
