"""People at the portal's pages, for tests of several of its sections."""

from __future__ import annotations

from django.test import Client

from apps.accounts.models import User


def client_of(user: User, language: str = "en") -> Client:
    """A browser in which this person is logged in."""
    client = Client(headers={"accept-language": language})
    client.force_login(user)
    return client
