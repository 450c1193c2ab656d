"""People in events: words about them are kept in rows of their own, and an event has a reference."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from apps.accounts import policy
from apps.accounts.actor import Actor
from apps.accounts.audit import HIDDEN, Personal, is_secret, plain, record
from apps.accounts.models import Account, User
from apps.jobs.models import Event, Job, Person
from apps.jobs.models.people import MAX_WORDS
from apps.jobs.models.record import worded

REFERENCE = "person"
Key = tuple[int | None, str]


def named_each(targets: Sequence[object]) -> list[Personal | None]:
    """For each target whose name is a person's the words for it: a user, or the account that was made with
    one."""
    accounts = [row for row in targets if isinstance(row, Account) and row.kind == Account.Kind.TENANT]
    names = {row.name for row in accounts}
    users = {user.username: user for user in User.objects.filter(username__in=names)} if names else {}

    def named(target: object) -> Personal | None:
        if isinstance(target, User):
            return Personal(target, target.username)
        if isinstance(target, Account) and target.kind == Account.Kind.TENANT and target.name in users:
            return Personal(users[target.name], target.name)
        return None

    return [named(target) for target in targets]


def key_of(words: Personal) -> Key:
    return (words.user.pk if words.user else None, words.words[:MAX_WORDS])


def kept(wanted: Iterable[Personal]) -> dict[Key, Person]:
    """A row for each of these words: the one there is, or a new one. Two at once may both make one."""
    keys = {key_of(words): words for words in wanted}
    if not keys:
        return {}
    users = {user for user, _text in keys}
    known = Q(user__in=[user for user in users if user is not None])
    if None in users:
        known |= Q(user=None)
    rows = Person.objects.filter(known, words__in={text for _user, text in keys}, erased_at=None)
    found = {(row.user_id, row.words): row for row in rows.order_by("-id")}
    new = {key: Person.of(words.user, words.words) for key, words in keys.items() if key not in found}
    Person.objects.bulk_create(new.values())
    return found | new


def sought(value: Any) -> Iterator[Personal]:
    """Everybody in an event's data, however deep."""
    if isinstance(value, Actor):
        value = value.user
    if isinstance(value, User):
        yield Personal(value, value.username)
    elif isinstance(value, Personal):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from sought(item)
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from sought(item)


def written(value: Any, rows: Mapping[Key, Person]) -> Any:
    """The same as JSON: people by their reference, and nothing of what goes by a secret's name."""
    if isinstance(value, Actor):
        value = value.user or value.label
    if isinstance(value, User):
        value = Personal(value, value.username)
    if isinstance(value, Personal):
        return {REFERENCE: str(rows[key_of(value)].reference)}
    if isinstance(value, Mapping):
        return {
            str(name): written(item if _is_told(str(name), item) else HIDDEN, rows)
            for name, item in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [written(item, rows) for item in value]
    return value if isinstance(value, float) else plain(value)


def _is_told(name: str, item: Any) -> bool:
    return not item or item == [HIDDEN, HIDDEN] or not is_secret(name)


def read(value: Any, people: Mapping[UUID, Person]) -> Any:
    """An event's data for a reader: each reference as the words that it stands for now."""
    if isinstance(value, dict):
        if value.keys() == {REFERENCE}:
            return worded(people.get(_uuid(value[REFERENCE])))
        return {name: read(item, people) for name, item in value.items()}
    return [read(item, people) for item in value] if isinstance(value, list) else value


def _refers(value: Any) -> bool:
    if isinstance(value, dict):
        return value.keys() == {REFERENCE} or any(_refers(item) for item in value.values())
    return isinstance(value, list) and any(_refers(item) for item in value)


def _uuid(text: Any) -> UUID:
    try:
        return UUID(str(text))
    except ValueError:
        return UUID(int=0)


def told(event: Event) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    """An event's data and changes in words. Prefetch `mentions` where there are many."""
    if not _refers(event.data) and not _refers(event.changes):
        return event.data, event.changes
    people = {person.reference: person for person in event.mentions.all()}
    return read(event.data, people), read(event.changes, people)


@transaction.atomic
def erase_names(actor: Actor, user: User) -> int:
    """Erase the words by which the record names this user: names, mail addresses, network addresses. What
    was done stays, and the seals over it hold. How many texts that were."""
    policy.require(actor, "user.erase", user)
    Job.objects.filter(user=user).update(actor_label="")
    Job.objects.filter(target_type="user", target_uuid=user.uuid).update(target_name="")
    record(actor, "user.erase", user)
    now = timezone.now()
    return Person.objects.filter(user=user, erased_at=None).update(words="", salt="", erased_at=now)


def erase_for_removal(user: User) -> int:
    """The same, of somebody who is removed: whoever may remove them may have their names erased."""
    return erase_names(Actor.system("the user is removed"), user)


def forget_unused() -> int:
    """Drop the words that no event refers to any more."""
    events = Event.objects.order_by()
    used = [
        events.exclude(**{column: None}).values(column)
        for column in ("actor", "behalf", "address", "target_person")
    ]
    used.append(Event.mentions.through._default_manager.order_by().values("person"))
    unused = Person.objects.all()
    for keys in used:
        unused = unused.exclude(pk__in=keys)
    return unused.delete()[0]
