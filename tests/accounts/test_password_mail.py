"""A forgotten password: a real mail server takes the mail, its link works once, and nobody learns who is
here."""

from __future__ import annotations

import email
import email.policy
import re
import socket
from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.utils import timezone

from apps.accounts.actor import Actor
from apps.accounts.models import Directory, DirectoryPerson, LoginLink, PasswordRequest, User
from apps.accounts.password_mail import PER_ADDRESS, PER_EMAIL, send_pending
from apps.accounts.service_accounts import create_service_account
from apps.accounts.tokens import digest
from apps.jobs.models import Event
from cloudportal.mail import mail_settings
from tests import factories

pytestmark = pytest.mark.django_db
OTHER = "nine green kettles"


class Inbox:
    """What the server was sent, as messages."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.refuses = False

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's
        if self.refuses:
            return "451 come back later"
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.messages.append(message)
        return "250 taken"


@pytest.fixture
def inbox(settings: Any) -> Iterator[Inbox]:
    inbox = Inbox()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Controller(inbox, hostname="127.0.0.1", port=port)
    server.start()
    for name, value in mail_settings(f"smtp://127.0.0.1:{port}?from=cloud@example.org").items():
        setattr(settings, name, value)
    yield inbox
    server.stop()


@pytest.fixture
def user() -> User:
    made = User.objects.create_user("ada", email="Ada@example.org", language="el")
    made.set_password(OTHER[::-1])
    made.save()
    made.accounts.set([factories.make_account()])
    return made


def ask(address: str, client_address: str = "192.0.2.1", language: str = "en") -> Any:
    client = Client(REMOTE_ADDR=client_address, headers={"accept-language": language})
    return client.post("/login/forgotten/", {"email": address})


def text_of(message: EmailMessage) -> str:
    body = message.get_body()
    assert body is not None
    return str(body.get_content())


def test_a_mail_brings_a_link_that_sets_a_password_once(inbox: Inbox, user: User) -> None:
    assert ask("ada@EXAMPLE.org").status_code == 200
    assert inbox.messages == []
    assert send_pending() == 1
    message = inbox.messages[0]
    assert (message["From"], message["To"]) == ("cloud@example.org", "Ada@example.org")
    assert "Νέος κωδικός" in message["Subject"]
    found = re.search(r"http://testserver/login/password/#([\w-]+)", text_of(message))
    assert found
    assert LoginLink.objects.get().digest == digest(found[1])
    assert found[1] not in str(list(Event.objects.values())) + str(list(PasswordRequest.objects.values()))
    form = {"token": found[1], "new_password": OTHER, "again": OTHER}
    assert Client().post("/login/password/", form).status_code == 302
    assert Client().post("/login/password/", form).status_code == 422
    assert send_pending() == 0
    entered = Client().post("/login/", {"username": "ada", "password": OTHER})
    assert entered.status_code == 302


def test_the_answer_is_the_same_whoever_has_the_address(inbox: Inbox, user: User) -> None:
    texts = {
        re.sub(r'name="csrfmiddlewaretoken" value="\w+"|data-live-since="\d+"', "", ask(address).text)
        for address in ("ada@example.org", "nobody@example.org")
    }
    assert len(texts) == 1
    assert send_pending() == 1


@pytest.mark.parametrize("text", ["", "no address", "a@b", "a@example.org\nBcc: b@example.org"])
def test_what_is_no_address_is_told(inbox: Inbox, text: str) -> None:
    answer = ask(text)
    assert (answer.status_code, 'id="id_email_error"' in answer.text) == (422, True)
    assert not PasswordRequest.objects.exists()


def test_a_mail_goes_to_the_address_on_record_not_to_one_that_only_folds_alike(
    inbox: Inbox, user: User
) -> None:
    User.objects.filter(pk=user.pk).update(email="mike@example.org")
    ask("mıke@example.org")
    ask("miKe@example.org")
    send_pending()
    assert [message["To"] for message in inbox.messages] == ["mike@example.org"]


def test_nobody_gets_one_who_is_kept_out_or_has_the_password_elsewhere(inbox: Inbox, user: User) -> None:
    directory = Directory.objects.create(name="campus", kind="openldap")
    DirectoryPerson.objects.create(directory=directory, user=user, stable_id="1", dn="uid=ada")
    User.objects.create_user("eve", email="ada@example.org", is_active=False)
    ask("ada@example.org")
    assert send_pending() == 0
    assert inbox.messages == []


def test_nobody_gets_a_first_password_by_mail(inbox: Inbox, user: User) -> None:
    """Such as those whose directory was removed: an operator lets them in."""
    user.set_unusable_password()
    user.save()
    ask("ada@example.org")
    assert send_pending() == 0
    assert inbox.messages == []


def test_so_many_an_hour_and_no_more(inbox: Inbox, user: User) -> None:
    for number in range(PER_EMAIL + 2):
        assert ask("ada@example.org", f"192.0.2.{number}").status_code == 200
    assert send_pending() == PER_EMAIL
    for number in range(PER_ADDRESS + 5):
        assert ask(f"x{number}@example.org", "198.51.100.1").status_code == 200
    assert PasswordRequest.objects.filter(address="198.51.100.1").count() == PER_ADDRESS
    PasswordRequest.objects.update(asked_at=timezone.now() - timedelta(minutes=61))
    ask("ada@example.org")
    assert PasswordRequest.objects.count() == 1


def test_what_a_server_does_not_take_is_tried_again_and_given_up(
    inbox: Inbox, user: User, caplog: pytest.LogCaptureFixture
) -> None:
    inbox.refuses = True
    ask("ada@example.org")
    assert send_pending() == 0
    inbox.refuses = False
    assert send_pending() == 1
    inbox.refuses = True
    ask("ada@example.org")
    assert [send_pending() for _ in range(7)] == [0] * 7
    assert PasswordRequest.objects.latest("pk").tries == 5
    assert "#" not in caplog.text
    assert "ada@" not in caplog.text


def test_a_site_that_sends_no_mail_says_so(settings: Any, user: User) -> None:
    settings.MAIL_ENABLED = False
    assert "I forgot my password" not in Client().get("/login/").text
    assert "sends no mail" in Client().get("/login/forgotten/").text
    assert "sends no mail" in ask("ada@example.org").text
    assert not PasswordRequest.objects.exists()


def test_a_service_account_has_no_address() -> None:
    account = factories.make_account()
    robot = create_service_account(Actor.system("a test"), account=account, username="robot")
    assert robot.email == ""


def test_mail_is_told_by_one_url() -> None:
    found = mail_settings("smtp+tls://me:p%40ss@mail.example.org?from=a@b.org&timeout=3")
    assert found["EMAIL_BACKEND"].endswith("smtp.EmailBackend")
    assert (found["EMAIL_HOST"], found["EMAIL_PORT"], found["EMAIL_USE_TLS"]) == (
        "mail.example.org",
        587,
        True,
    )
    assert (found["EMAIL_HOST_USER"], found["EMAIL_HOST_PASSWORD"]) == ("me", "p@ss")
    assert (found["EMAIL_TIMEOUT"], found["DEFAULT_FROM_EMAIL"]) == (3, "a@b.org")
    assert mail_settings("smtps://h")["EMAIL_PORT"] == 465
    assert mail_settings("")["MAIL_ENABLED"] is False
    for bad in ("mail.example.org", "http://h", "smtp://"):
        with pytest.raises(ImproperlyConfigured):
            mail_settings(bad)
