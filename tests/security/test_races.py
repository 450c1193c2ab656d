"""What is taken away while it is used: once the taking is answered nothing more is done by it, and what may
be done once is done once, however many try at the same moment."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from apps.accounts import members, sessions, tokens
from apps.accounts.actor import Actor
from apps.accounts.closing import disable
from apps.accounts.models import Account, ApiToken, LoginLink, User
from apps.accounts.passwords import create_password_link, redeem_password_link
from apps.accounts.tokens import create_login_link, issue_token, redeem_login_link
from apps.compute.models import SshKeyPair
from apps.compute.services.offerings import create_ssh_key
from apps.core.errors import CloudError
from tests import factories
from tests.race import race, shared_database

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.databases,
    pytest.mark.servers,
]
SYSTEM = Actor.system("a test")
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
HANDS, ACTS = 3, 30
Told = tuple[str, float, float]


def redeem(what: tuple[str, str]) -> str:
    kind, text = what
    try:
        if kind == "login":
            return redeem_login_link(text).username
        return redeem_password_link(text, new=f"nine green kettles {time.time_ns()}").username
    except CloudError as error:
        return error.code


@pytest.mark.parametrize("kind", ["login", "password"])
def test_a_one_time_link_opens_once(tmp_path: Path, kind: str) -> None:
    user = factories.make_user(factories.make_account())
    make = create_login_link if kind == "login" else create_password_link
    text = make(SYSTEM, user=user).partition("#")[2]
    with shared_database(tmp_path):
        answers = race(redeem, [[(kind, text)] for _ in range(6)])
        assert sorted(answers) == sorted([user.username, *["permission_denied"] * 5])
        assert redeem((kind, text)) == "permission_denied"
        assert LoginLink.objects.exclude(used_at=None).count() == 1


def use(what: tuple[str, str, int]) -> Told:
    """One act, and when it began and ended: "key" of a member with a token, or what takes the right away."""
    verb, text, key = what
    begun = time.monotonic()
    try:
        if verb == "act":
            token = tokens.token_of(text)
            if token is None:
                return "no_token", begun, time.monotonic()
            account = Account.objects.get(pk=key)
            name = f"key-{time.time_ns()}"
            create_ssh_key(Actor(token.user), account=account, name=name, public_key=KEY)
            said = "done"
        else:
            time.sleep(0.05)
            begun = time.monotonic()
            take(verb, text, key)
            said = verb
    except CloudError as error:
        said = error.code
    return said, begun, time.monotonic()


def take(verb: str, text: str, key: int) -> None:
    token = ApiToken.objects.get(digest=tokens.digest(text))
    if verb == "revoke-token":
        tokens.revoke_token(SYSTEM, token)
    elif verb == "cut-off":
        User.objects.filter(pk=token.user_id).update(is_active=False)
        sessions.cut_off(token.user)
    elif verb == "remove-member":
        members.remove_member(SYSTEM, Account.objects.get(pk=key), user=token.user)
    else:
        disable(SYSTEM, Account.objects.get(pk=key))


@pytest.mark.parametrize("how", ["revoke-token", "cut-off", "remove-member", "disable-account"])
def test_nothing_is_done_by_what_was_taken_away(tmp_path: Path, how: str) -> None:
    account = factories.make_account()
    factories.make_user(account)
    user = factories.make_user(account)
    _row, text = issue_token(SYSTEM, user=user, name="race")
    with shared_database(tmp_path):
        acts = [[("act", text, account.pk)] * ACTS for _ in range(HANDS)]
        told = race(use, [*acts, [(how, text, account.pk)]])
        (taken,) = [ended for said, _begun, ended in told if said == how]
        late = [said for said, begun, _ended in told if begun > taken]
        late.append(use(("act", text, account.pk))[0])
        assert "done" not in late
        done = [said for said, _begun, _ended in told if said == "done"]
        assert SshKeyPair.objects.filter(account=account).count() == len(done)
        assert {said for said, *_times in told} <= {"done", how, *REFUSED}


REFUSED = ("no_token", "not_found", "permission_denied", "state_conflict", "account_disabled", "stopped")
