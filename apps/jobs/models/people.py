"""The words by which events name people: kept apart from the events, so that they can be erased."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from typing import Self

from django.db import models
from django.utils import timezone

from apps.accounts.models import User

MAX_WORDS = 300


def reference_of(salt: str, words: str) -> uuid.UUID:
    """What stands for the words in the chain: whoever knows salt and words can check it, and once both
    are erased nobody can find the words by trying."""
    return uuid.UUID(bytes=hashlib.sha256(f"{salt}\n{words}".encode()).digest()[:16])


class Person(models.Model):
    """One text about somebody: a name, a mail address, where they came from. Two rows may say the same.

    Events, and their hashes, hold `reference`, which is made from the words; erasing leaves it as it is.
    """

    reference = models.UUIDField(unique=True, editable=False)
    user = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    words = models.CharField(max_length=MAX_WORDS, blank=True)
    salt = models.CharField(max_length=32, blank=True)
    erased_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        indexes = [models.Index(fields=["words"], name="person_words")]

    @classmethod
    def of(cls, user: User | None, words: str) -> Self:
        """A row that is not saved yet."""
        salt, words = secrets.token_hex(16), words[:MAX_WORDS]
        return cls(user=user, words=words, salt=salt, reference=reference_of(salt, words))

    @property
    def is_genuine(self) -> bool:
        """Whether the words are those that the reference was made from, or were erased."""
        if self.erased_at is not None:
            return not self.words and not self.salt
        return self.reference == reference_of(self.salt, self.words)
