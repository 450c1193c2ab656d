"""Whether an account may start and make things: it, its domain and all domains above have to be active.

Services ask before they write anything, and an operation that claims a host asks again: what was asked for
in time and comes too late fails there, so that a machine that runs is one that those who stop them see.
"""

from __future__ import annotations

from dataclasses import dataclass

from apps.accounts.models import Account, Domain, Standing
from apps.core.errors import AccountDisabled
from apps.core.trees import keys_of


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an account may, and the account or domain that decides it: the first that is not active, from
    the account up."""

    standing: Standing
    decided_by: Account | Domain

    @property
    def is_active(self) -> bool:
        return self.standing == Standing.ACTIVE


def verdict(owner: Account | Domain) -> Verdict:
    """How it stands now, whatever the row in hand remembers."""
    if isinstance(owner, Account):
        owner = Account.objects.select_related("domain").get(pk=owner.pk)
        line: list[Account | Domain] = [owner]
        path = owner.domain.path
    else:
        line, path = [], Domain.objects.values_list("path", flat=True).get(pk=owner.pk)
    above = Domain.objects.in_bulk(keys_of(path))
    line += [above[key] for key in reversed(keys_of(path)) if key in above]
    for each in line:
        if each.standing != Standing.ACTIVE:
            return Verdict(each.standing, each)
    return Verdict(Standing.ACTIVE, owner)


def require_active(owner: Account | Domain) -> None:
    """AccountDisabled, which says what is disabled and who can enable it, unless it may work."""
    found = verdict(owner)
    if found.is_active:
        return
    level = "account" if isinstance(found.decided_by, Account) else "domain"
    domain = owner.domain if isinstance(owner, Account) else owner
    raise AccountDisabled(reason=f"{level}_{found.standing}", name=owner.name, domain=domain.name)
