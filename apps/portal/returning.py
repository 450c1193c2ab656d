"""Back to where a reader was: only ever to an address of this portal."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme


def safe_address(request: HttpRequest, wanted: str | None) -> str:
    """The address if it is one of ours; home otherwise."""
    text = wanted or ""
    ours = url_has_allowed_host_and_scheme(text, {request.get_host()}, require_https=request.is_secure())
    return text if ours else "/"
