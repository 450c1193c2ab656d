"""Passwords that the portal keeps itself."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from apps.accounts.lockout import user_named
from apps.accounts.models import User

LOCAL = "apps.accounts.backends.LocalPasswords"


class LocalPasswords(ModelBackend):
    """Name and password of a person who has a password here. It takes as long for a name that nobody has,
    and for a user without a password."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **more: Any,
    ) -> User | None:
        if not username or password is None or len(password) > MAX_PASSWORD:
            return None
        user = user_named(username)
        if user is None:
            User().set_password(password)
            return None
        return user if user.check_password(password) and self.user_can_authenticate(user) else None

    def user_can_authenticate(self, user: Any) -> bool:
        return bool(super().user_can_authenticate(user)) and not user.is_service


MAX_PASSWORD = 1000
"""Longer ones are refused unread: hashing them would cost what an attacker likes."""
