"""Where the rows of a model lie: in which account, below which domain, in which region, zone, cluster, host.

`where` gives the rows within a reach as a filter, `holds` says it of one row. The two always agree.
`governs` says whether all of a row lies within, which is asked before something is done to it. `above`
names what it is, or gives, that the actor does not hold: then nothing is done to it, however wide the reach.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Protocol

from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Model, OuterRef, Q

from apps.accounts.actor import Actor
from apps.accounts.models import Account, Domain
from apps.accounts.reach import PLACES, Reach
from apps.core.keyset import matches


class Scope(Protocol):
    """`noun` begins the permissions of a model; `open` are the rows that everybody who is logged in sees."""

    noun: str

    def where(self, reach: Reach) -> Q: ...

    def holds(self, reach: Reach, row: Any) -> bool: ...

    def governs(self, reach: Reach, row: Any) -> bool: ...

    def above(self, actor: Actor, permission: str, row: Any) -> list[str]: ...

    def open_to(self, actor: Actor) -> Q | None: ...

    def is_open_to(self, actor: Actor, row: Any) -> bool: ...


class Rows:
    """Rows that lie where their columns say. `account` leads to the account's key, `domain` to a domain's
    path (of rows that lie below a domain without an account), and each of `places` to the key of a region,
    zone, cluster or host. With `public`, everybody sees the rows where that field is true; with
    `everyone`, all of them."""

    model: type[Model]  # set when it is registered

    def __init__(
        self,
        noun: str,
        *,
        account: str = "",
        domain: str = "",
        public: str = "",
        everyone: bool = False,
        places: Mapping[str, str] = MappingProxyType({}),
        around: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        assert set(places) <= set(PLACES)  # noqa: S101 - a mistake of ours, seen when the portal starts
        self.noun = noun
        self.account = account
        self.domain = domain
        self.public = public
        self.everyone = everyone
        self.places = places
        self.around = around

    def where(self, reach: Reach) -> Q:
        if reach.everything:
            return Q()
        condition = self._owned(reach) if self.account else Q(pk__in=[])
        if self.domain and reach.paths:
            condition |= reach.below(self.domain)
        for place, path in self.places.items():
            if keys := reach.keys_of(place):
                condition |= Q(**{f"{path}__in": keys})
        return condition

    def _owned(self, reach: Reach) -> Q:
        few = reach.few_accounts()
        if few is not None:
            return Q(**{f"{self.account}__in": few})
        if self.account == "pk":
            named = reach.known_accounts()
            if named is not None:
                return Q(pk__in=named)
            domain = matches(Domain.objects.filter(reach.below("path"), pk=OuterRef("domain_id")))
            return Q(pk__in=reach.accounts) | Q(domain)
        return Q(matches(Account.objects.filter(reach.account_rows(), pk=OuterRef(self.account))))

    def joined(self, reach: Reach) -> Q:
        """What `where` gives, as a join that leads from the domains to the rows: so they are counted, while
        a page looks at rows in its order. Without conditions where `where` is more than that."""
        only_paths = reach.paths and not (reach.everything or reach.accounts or reach.places)
        if not self.account or not only_paths or reach.few_accounts() is not None:
            return Q()
        if self.account == "pk":
            return reach.below("domain__path")
        return reach.below(f"{self.account.removesuffix('_id')}__domain__path")

    def holds(self, reach: Reach, row: Any) -> bool:
        if reach.everything:
            return True
        account = value_of(row, self.account) if self.account else None
        if account is not None and (account in reach.accounts or self._is_below(reach, account, row)):
            return True
        if self.domain and reach.paths and reach.has_path(value_of(row, self.domain)):
            return True
        return any(
            (place, value_of(row, path)) in reach.places
            for place, path in self.places.items()
            if reach.keys_of(place)
        )

    def governs(self, reach: Reach, row: Any) -> bool:
        return self.holds(reach, row)

    def above(self, actor: Actor, permission: str, row: Any) -> list[str]:
        return []

    def _is_below(self, reach: Reach, account: int, row: Any) -> bool:
        if not reach.paths:
            return False
        if isinstance(row, Account):
            return reach.has_path(row.domain.path)
        domain = loaded(row, [*self.account.removesuffix("_id").split("__"), "domain"])
        if domain is not None:
            return reach.has_path(domain.path)
        path = Account.objects.filter(pk=account).values_list("domain__path", flat=True).first()
        return reach.has_path(path)

    def may_hold(self, reach: Reach) -> bool:
        """Whether any row could lie within the reach: a host, for one, lies in no account."""
        return (
            reach.everything
            or bool(self.account and (reach.accounts or reach.paths))
            or bool(self.domain and reach.paths)
            or any(reach.keys_of(place) for place in self.places)
        )

    def around_of(self, reach: Reach) -> Q | None:
        """Rows that are seen because something within the reach lies in them: each of `around` leads to the
        places of one kind below a row."""
        condition: Q | None = None
        for place, path in self.around.items():
            if keys := reach.keys_of(place):
                found = Q(pk__in=self.model._default_manager.filter(**{f"{path}__in": keys}).values("pk"))
                condition = found if condition is None else condition | found
        return condition

    def parts(self, reach: Reach) -> list[Q]:
        """What `where` gives, account by account, for a list that merges what each has in its order;
        empty where that is not worth while."""
        if reach.everything or not self.account or (reach.places and self.places):
            return []
        return [Q(**{self.account: key}) for key in reach.few_accounts() or []]

    def open_to(self, actor: Actor) -> Q | None:
        if self.everyone:
            return Q()
        return Q(**{self.public: True}) if self.public else None

    def is_open_to(self, actor: Actor, row: Any) -> bool:
        return self.everyone or bool(self.public and getattr(row, self.public))


def value_of(row: Any, path: str) -> Any:
    """What stands at a path such as "vm__account_id"; None where something on the way is missing."""
    for name in path.split("__"):
        if row is None:
            return None
        try:
            row = getattr(row, name)
        except ObjectDoesNotExist:
            return None
    return row


def loaded(row: Any, way: list[str]) -> Any:
    """What lies at the end of a way of foreign keys, if all of it was read together with the row."""
    for name in way:
        row = row._state.fields_cache.get(name) if row is not None else None
    return row


class Records(Rows):
    """Jobs and events: those of an account lie there, and those about a part of the infrastructure, or
    about a machine on it, where that part lies. `target` names the row by its public id."""

    def __init__(self, noun: str) -> None:
        super().__init__(noun, account="account_id")

    def where(self, reach: Reach) -> Q:
        condition = super().where(reach)
        if reach.everything or not reach.places:
            return condition
        for model, scope in placed_models():
            inside = model._default_manager.filter(scope.where(reach)).values("uuid")
            condition |= Q(target_uuid__in=inside)
        return condition

    def holds(self, reach: Reach, row: Any) -> bool:
        if super().holds(reach, row):
            return True
        if reach.everything or not reach.places:
            return False
        return any(
            model._default_manager.filter(scope.where(reach), uuid=row.target_uuid).exists()
            for model, scope in placed_models()
        )

    def may_hold(self, reach: Reach) -> bool:
        return bool(reach.places) or super().may_hold(reach)

    def parts(self, reach: Reach) -> list[Q]:
        return [] if reach.places else super().parts(reach)


_scopes: dict[type[Model], Scope] = {}
_places: dict[str, type[Model]] = {}


def register(model: type[Model], scope: Scope, *, place: str = "") -> None:
    """Say where the rows of `model` lie; with `place`, that a role can be granted in one of them. Called
    once, by the model's app, when it is ready."""
    _scopes[model] = scope
    if isinstance(scope, Rows):
        scope.model = model
    if place:
        _places[place] = model


def scope_of(model: type[Model]) -> Scope:
    return _scopes[model]


def placed_models() -> list[tuple[type[Model], Rows]]:
    """The models whose rows lie in a part of the infrastructure."""
    return [(model, scope) for model, scope in _scopes.items() if isinstance(scope, Rows) and scope.places]


def registered_models() -> list[type[Model]]:
    return list(_scopes)


def could_hold(noun: str, reach: Reach) -> bool:
    """Whether anything of a noun could lie within the reach. What no model stands for lies in parts of the
    infrastructure (capacity, placement) or wherever people do."""
    if noun in {"capacity", "placement"}:
        return reach.everything or bool(reach.places)
    of_noun = [scope for scope in _scopes.values() if scope.noun == noun and isinstance(scope, Rows)]
    if not of_noun:
        return not reach.is_nowhere
    return any(scope.may_hold(reach) for scope in of_noun)


def nouns_of_no_tenant() -> set[str]:
    """Of models whose rows lie in no account and no domain."""
    rows = [scope for scope in _scopes.values() if isinstance(scope, Rows)]
    return {scope.noun for scope in rows if not (scope.account or scope.domain)}


def place_models() -> dict[str, type[Model]]:
    """What a role can be granted in, by the name of the scope."""
    return dict(_places)
