"""What must be true of the tree of domains at any time, worked out from parents alone."""

from __future__ import annotations

from apps.accounts.models import Account, Domain, Quota


def chain(domain: Domain) -> list[int]:
    keys: list[int] = []
    here: Domain | None = domain
    while here is not None:
        assert here.pk not in keys, "a loop"
        keys.insert(0, here.pk)
        here = here.parent
    return keys


def check_tree() -> None:
    """Each path is the chain of parents, and each domain counts what the accounts below it use."""
    counted = {quota.domain_id: quota for quota in Quota.objects.exclude(domain=None)}
    used = dict.fromkeys(counted, 0)
    for account in Account.objects.select_related("domain", "quota"):
        for key in chain(account.domain):
            used[key] += account.quota.used_vcpus
    for domain in Domain.objects.all():
        assert domain.path == "/" + "".join(f"{key}/" for key in chain(domain))
    assert {key: quota.used_vcpus for key, quota in counted.items()} == used
