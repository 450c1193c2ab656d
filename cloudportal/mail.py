"""EMAIL_URL, as Django's mail settings."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

_BACKENDS = "django.core.mail.backends"


def mail_settings(url: str) -> dict[str, Any]:
    """smtp://host:25, smtp+tls://user:password@host:587 (STARTTLS), smtps://user:password@host:465, console:
    for a developer's eyes. “?from=address” names the sender, “&timeout=10” the longest wait. TLS is always
    verified. Without a URL no mail is sent."""
    parts = urlsplit(url)
    if not url:
        return {"MAIL_ENABLED": False, "EMAIL_BACKEND": f"{_BACKENDS}.dummy.EmailBackend"}
    if parts.scheme == "console":
        return {"MAIL_ENABLED": True, "EMAIL_BACKEND": f"{_BACKENDS}.console.EmailBackend"}
    ports = {"smtp": 25, "smtp+tls": 587, "smtps": 465}
    if parts.scheme not in ports or not parts.hostname:
        raise ImproperlyConfigured(
            "EMAIL_URL must read smtp://host:25, smtp+tls://user:password@host:587, "
            "smtps://user:password@host:465 or console:"
        )
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    return {
        "MAIL_ENABLED": True,
        "EMAIL_BACKEND": f"{_BACKENDS}.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or ports[parts.scheme],
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_TLS": parts.scheme == "smtp+tls",
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_TIMEOUT": int(query.get("timeout", "10")),
        "DEFAULT_FROM_EMAIL": query.get("from") or f"cloudportal@{parts.hostname}",
    }
