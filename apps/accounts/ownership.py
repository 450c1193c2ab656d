"""What accounts own. Each model that has an owner says how its rows are counted, brought to rest, handed over
and released; what must be done to all that somebody owns is done through here, by the apps that stand below.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Model, Q, QuerySet

from apps.accounts.actor import Actor
from apps.accounts.models import Account, Domain, User
from apps.core.errors import CloudError, InvalidInput

NAMED = 5
"""How many rows of a kind are told by name."""
AT_ONCE = 200
"""How many rows are asked to go before whoever asks lets others work."""
Rows = QuerySet[Any]
Accounts = QuerySet[Account]


@dataclass(frozen=True, slots=True)
class Owned:
    """A model whose rows have an `account`. `release(actor, row, job)` asks for one to go, at once or by a
    child of the job; a row that cannot go yet is asked again later. Rows `needed` by others than these
    accounts stay and are handed over. `unlisted` rows are no news to anybody; `part` of something else goes
    with it. `at_rest(actor, accounts, job)` asks what works to stop, and says how much still works."""

    model: type[Model]
    order: int
    release: Callable[[Actor, Any, Any], None] | None = None
    needed: Callable[[Accounts], Rows] | None = None
    hand_over: Callable[[Actor, Any, Account], None] | None = None
    unlisted: Q | None = None
    at_rest: Callable[[Actor, Accounts, Any], int] | None = None

    @property
    def kind(self) -> str:
        return str(self.model._meta.verbose_name)

    def rows(self, accounts: Accounts) -> Rows:
        found: Rows = self.model._default_manager.filter(account__in=accounts).order_by("pk")
        return found


@dataclass(frozen=True, slots=True)
class Touched:
    """Rows of one kind that something concerns; `kind` is their model's name. `needed` of them stay, since
    others use them."""

    kind: str
    count: int
    names: list[str]
    needed: int = 0


_owned: dict[type[Model], Owned] = {}
UserCount = Callable[[User], tuple[str, int]]
_of_users: list[UserCount] = []


def register(owned: Owned) -> None:
    """Called once, by the model's app, when it is ready."""
    _owned[owned.model] = owned


def count_of_user(count: UserCount) -> None:
    """Say how many rows of a kind belong to a user: (kind, number). Called once, by the kind's app."""
    _of_users.append(count)


def all_owned() -> list[Owned]:
    """In the order in which they are released."""
    return sorted(_owned.values(), key=lambda owned: owned.order)


def accounts_of(owner: Account | Domain) -> Accounts:
    """The account itself, or all of a domain and below."""
    if isinstance(owner, Account):
        return Account.objects.filter(pk=owner.pk)
    return Account.objects.filter(domain__path__within=owner.path)


def touched(owner: Account | Domain) -> list[Touched]:
    """What belongs to an account, or to a domain with all below it: what goes when it is closed."""
    accounts = accounts_of(owner)
    found = list(_below(owner, accounts)) if isinstance(owner, Domain) else []
    for owned in all_owned():
        rows = owned.rows(accounts)
        rows = rows.exclude(owned.unlisted) if owned.unlisted is not None else rows
        needed = owned.needed(accounts).count() if owned.needed else 0
        found.append(_told(owned.kind, rows, needed))
    return [each for each in found if each.count or each.needed]


def _below(domain: Domain, accounts: Accounts) -> Iterator[Touched]:
    inside = Domain.objects.filter(path__within=domain.path).exclude(pk=domain.pk)
    yield _told("domain", inside.order_by("name_sort", "pk"))
    yield _told("account", accounts.order_by("name_sort", "pk"))


def _told(kind: str, rows: Rows, needed: int = 0) -> Touched:
    return Touched(kind, rows.count(), [str(row) for row in rows[:NAMED]], needed)


def touched_of_user(user: User) -> list[Touched]:
    """What belongs to a person: memberships, tokens, and whatever else apps count."""
    memberships = user.memberships.select_related("account").order_by("account__name_sort", "pk")
    names = [row.account.name for row in memberships[:NAMED]]
    tokens = user.tokens.order_by("pk")
    found = [
        Touched("membership", memberships.count(), names),
        Touched("token", tokens.count(), [token.name for token in tokens[:NAMED]]),
        *(Touched(kind, number, []) for kind, number in (count(user) for count in _of_users)),
    ]
    return [each for each in found if each.count]


def still_needed(owner: Account | Domain) -> int:
    """How many rows somebody else uses, so that another account has to take them over."""
    accounts = accounts_of(owner)
    return sum(owned.needed(accounts).count() for owned in all_owned() if owned.needed)


def bring_to_rest(actor: Actor, accounts: Accounts, job: Any) -> int:
    """Ask all that works to stop. How much works still."""
    return sum(owned.at_rest(actor, accounts, job) for owned in all_owned() if owned.at_rest)


def release_all(actor: Actor, accounts: Accounts, job: Any, heir: Account | None) -> int:
    """Ask the first kind that is there to go, each row in a transaction of its own: what others use goes
    to the heir, InvalidInput if there is none. How many rows are left."""
    for owned in all_owned():
        if owned.needed:
            _hand_over(actor, owned, owned.needed(accounts)[:AT_ONCE], heir)
        for row in owned.rows(accounts)[:AT_ONCE] if owned.release else ():
            try:
                with transaction.atomic():
                    owned.release(actor, row, job)  # type: ignore[misc]
            except CloudError:  # something is done to it now
                continue
        if left := owned.rows(accounts).count():
            return left
    return 0


def _hand_over(actor: Actor, owned: Owned, rows: Rows, heir: Account | None) -> None:
    for row in rows:
        if heir is None or owned.hand_over is None:
            raise InvalidInput("heir_needed", place="heir")
        with transaction.atomic():
            owned.hand_over(actor, row, heir)
