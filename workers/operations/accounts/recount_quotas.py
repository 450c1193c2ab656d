"""Count quotas anew: each account below a domain by the policy that is set for it now."""

from __future__ import annotations

from typing import Literal

from apps.accounts.models import Account, Domain
from apps.accounts.recount import settle
from workers.operation import Later, Operation, Outcome, Step

BATCH = 20
"""Accounts a transaction: it holds the root domain's quota, which every request needs."""


class SettleAccounts(Step):
    atomic = True
    no_undo = "counts follow the policy that is set, which stays"

    def do(self, op: RecountQuotas) -> Outcome:
        rows = Account.objects.filter(domain__path__within=op.path, pk__gt=op.memo.get("last", 0))
        accounts = list(rows.select_related("domain").order_by("pk")[:BATCH])
        for account in accounts:
            settle(account)
        if len(accounts) < BATCH:
            return None
        op.memo["last"] = accounts[-1].pk
        return Later(0.0, note="counting_quotas")


class RecountQuotas(Operation):
    kind = "quota.recount"
    steps = (SettleAccounts,)

    @property
    def path(self) -> str:
        """Of the domain; the whole tree's if it was removed meanwhile."""
        domain = Domain.objects.filter(uuid=self.job.target_uuid).first()
        return (domain.path if domain else None) or "/"

    def resolved(self) -> Literal["done", "failed"]:
        rows = Account.objects.filter(domain__path__within=self.path).select_related("domain")
        for account in rows.order_by("pk"):
            settle(account)
        return "done"
