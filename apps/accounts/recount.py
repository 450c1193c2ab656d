"""Counting anew what quotas say: whether `used_*` is what the rows add up to.

Each app says how to count what it owns. A count and the rows that it stands for change in one
transaction, which holds the quota row from then on; so a difference is confirmed with that row locked:
what is still under way then is in neither, and adds its part to whatever is written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from apps.accounts import metering, quota
from apps.accounts.amounts import Amount
from apps.accounts.counters import Holder, tally
from apps.accounts.models import Account, Counting, Domain, Quota


@dataclass(frozen=True, slots=True)
class Drift:
    """A count that is not what the rows add up to. `uuid` and `name` are the owner's; `member` is the
    name of the user whose part of the account it is, if it is one's."""

    uuid: str
    name: str
    member: str
    resource: str
    recorded: int
    actual: int


def recount(scope: Domain | Account | None = None, *, fix: bool = False) -> list[Drift]:
    """The drift in every quota of `scope`: a domain with all below it, an account with its members, or
    the whole cloud. `fix` writes what the rows say; the drift told is what there was."""
    rows = list(_rows_of(scope).select_related("domain"))
    accounts = None if scope is None else _accounts_of(scope)
    totals = _by_row(tally(accounts))
    suspects = [row.pk for row in rows if _difference(row, totals.get(_key(row), Amount()))]
    return [drift for pk in suspects for drift in _confirm(pk, fix)]


def recount_row(row: Quota) -> Quota:
    """Set one row's `used_*` to what is counted, and judge its grace anew."""
    _confirm(row.pk, fix=True)
    row = Quota.objects.get(pk=row.pk)
    Quota.objects.filter(pk=row.pk).update(grace_until=quota.grace_from(row, timezone.now()))
    row.refresh_from_db()
    return row


def _rows_of(scope: Domain | Account | None) -> QuerySet[Quota]:
    rows = Quota.objects.order_by("pk")
    if scope is None:
        return rows
    if isinstance(scope, Account):
        return rows.filter(Q(account=scope) | Q(within=scope))
    path = scope.path
    return rows.filter(
        Q(domain__path__within=path)
        | Q(account__domain__path__within=path)
        | Q(within__domain__path__within=path)
    )


def _accounts_of(scope: Domain | Account) -> QuerySet[Account]:
    if isinstance(scope, Account):
        return Account.objects.filter(pk=scope.pk)
    return Account.objects.filter(domain__path__within=scope.path)


_Key = tuple[str, int, int]


def _key(row: Quota) -> _Key:
    if row.domain_id is not None:
        return ("domain", row.domain_id, 0)
    if row.account_id is not None:
        return ("account", row.account_id, 0)
    return ("member", row.within_id or 0, row.user_id or 0)


def _by_row(totals: Mapping[Holder, Amount]) -> dict[_Key, Amount]:
    """What each quota row should say: an account's use counts in every domain above it."""
    above = _paths_of({account for account, _user in totals})
    found: dict[_Key, Amount] = defaultdict(Amount)
    for (account, user), amount in totals.items():
        for domain in above.get(account, ()):
            found["domain", domain, 0] += amount
        found["account", account, 0] += amount
        if user is not None:
            found["member", account, user] += amount
    return found


def _paths_of(accounts: Iterable[int]) -> dict[int, list[int]]:
    keys, paths = sorted(accounts), {}
    for begin in range(0, len(keys), 500):
        rows = Account.objects.filter(pk__in=keys[begin : begin + 500]).select_related("domain")
        paths.update({account.pk: account.domain.ancestor_ids() for account in rows})
    return paths


def _difference(row: Quota, actual: Amount) -> dict[str, int]:
    """The resources whose count differs, with the true one."""
    return {name: value for name, value in asdict(actual).items() if row.used(name) != value}


def _confirm(pk: int, fix: bool) -> list[Drift]:
    with transaction.atomic():
        Quota.objects.select_for_update().get(pk=pk)
        row = Quota.objects.select_related("account", "domain", "within", "user").get(pk=pk)
        totals = _by_row(tally(_accounts_of(row.owner)))
        difference = _difference(row, totals.get(_key(row), Amount()))
        if fix and difference:
            _set(row, difference)
    owner, member = row.owner, row.user.username if row.user is not None else ""
    return [
        Drift(str(owner.uuid), owner.name, member, name, row.used(name), actual)
        for name, actual in difference.items()
    ]


def _set(row: Quota, used: Mapping[str, int]) -> None:
    changes: dict[str, object] = {f"used_{name}": value for name, value in used.items()}
    if row.account_id is not None:
        metering.close_hours(row.pk, metering.now())
        changes |= metering.changes(metering.now())
    Quota.objects.filter(pk=row.pk).update(**changes)


def counting_in_force(domain: Domain) -> Counting:
    """What the domain, or the nearest above it that says anything, sets."""
    keys = domain.ancestor_ids()
    said = dict(
        Quota.objects.filter(domain__in=keys).exclude(counting="").values_list("domain_id", "counting")
    )
    return Counting(next((said[key] for key in reversed(keys) if key in said), Counting.ALLOCATED))


@transaction.atomic
def settle(account: Account) -> bool:
    """Let the account's counts follow the policy that its domain sets now; whether that changed anything.
    Its quota rows are locked from the root down first, so that nobody counts by the old policy
    meanwhile."""
    quota.lock_root()
    counting = counting_in_force(Domain.objects.get(accounts=account))
    own = Quota.objects.filter(account=account)
    now_said = own.values_list("counting", flat=True).first()
    if now_said is None or (now_said or Counting.ALLOCATED) == counting:
        own.update(counting=counting)
        return False
    mine = Account.objects.filter(pk=account.pk)
    before = tally(mine)
    own.update(counting=counting)
    after = tally(mine)
    for member_id, difference in _by_member(before, after):
        quota.reserve(account, difference, member_id=member_id, beyond=True)
    return True


def _by_member(
    before: Mapping[Holder, Amount], after: Mapping[Holder, Amount]
) -> Iterator[tuple[int | None, Amount]]:
    for holder in sorted({*before, *after}, key=str):
        difference = after.get(holder, Amount()) - before.get(holder, Amount())
        if difference:
            yield holder[1], difference
