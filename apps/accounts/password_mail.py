"""The mail by which somebody who forgot their password sets another one.

The page only notes that an address was given; whether it is anybody's is found out when the mail is sent,
by a worker. So neither the answer nor its time says who is here.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from smtplib import SMTPException

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.accounts.actor import Actor
from apps.accounts.models import PasswordRequest, User
from apps.accounts.passwords import RESET_MINUTES, create_password_link, is_local
from apps.core.errors import InvalidInput

log = logging.getLogger(__name__)
A_ROUND = 50
TRIES = 5
AN_HOUR = timedelta(hours=1)
PER_EMAIL, PER_ADDRESS = 3, 20
"""How many links an hour are asked for in vain or not: beyond it requests are dropped, without a word."""


def can_mail() -> bool:
    """Whether this site sends mail at all."""
    return bool(settings.MAIL_ENABLED)


@transaction.atomic
def ask_for_link(email: str, *, address: str, language: str, portal: str) -> None:
    """Note that somebody asks for a link to this mail address; `portal` is where they reached us."""
    email = email.strip()
    try:
        validate_email(email)
    except ValidationError:
        raise InvalidInput("not_an_email", place="email") from None
    _forget_old()
    key = email.lower()[:254]
    asked = PasswordRequest.objects
    if asked.filter(email_key=key).count() >= PER_EMAIL or (
        asked.filter(address=address).count() >= PER_ADDRESS
    ):
        return
    asked.create(email=email, email_key=key, address=address, language=language, portal=portal[:300])


def send_pending() -> int:
    """Send what was asked for; how many mails went out. What a server did not take is tried again."""
    sent = 0
    _forget_old()
    waiting = PasswordRequest.objects.filter(
        handled_at=None, tries__lt=TRIES, asked_at__gt=timezone.now() - AN_HOUR
    )
    for row in waiting.order_by("pk")[:A_ROUND]:
        claimed = PasswordRequest.objects.filter(pk=row.pk, handled_at=None, tries=row.tries)
        if claimed.update(handled_at=timezone.now(), tries=row.tries + 1):
            sent += _handle(row)
    return sent


def _forget_old() -> None:
    """No address is kept longer than its limit counts."""
    PasswordRequest.objects.filter(asked_at__lt=timezone.now() - AN_HOUR).delete()


def _handle(row: PasswordRequest) -> int:
    sent = 0
    try:
        for user in _users_of(row.email):
            _mail(user, row)
            sent += 1
    except (SMTPException, OSError) as error:
        log.warning("a password mail could not be sent: %s", type(error).__name__)
        PasswordRequest.objects.filter(pk=row.pk).update(handled_at=None)
    return sent


def _users_of(email: str) -> list[User]:
    """Active people with exactly this address, who have a password here. Nobody gets a first one by mail:
    whose directory was removed would come back without anybody letting them in."""
    found = User.objects.filter(email__iexact=email, is_active=True, kind=User.Kind.PERSON)
    same = [user for user in found[:5] if user.email.lower() == email.lower()]
    return [user for user in same if user.has_usable_password() and is_local(user)]


def _mail(user: User, row: PasswordRequest) -> None:
    """One mail to the address that the user has here, which the request's may only resemble."""
    path = create_password_link(Actor.system("a password was forgotten"), user=user)
    link = (settings.PORTAL_URL or row.portal).rstrip("/") + path
    with translation.override(user.language or row.language):
        lines = [
            _("Somebody, most likely you, asked for a new password for %(name)s.") % {"name": user.username},
            ngettext(
                "With this link you choose one. It works once, within %(n)s minute:",
                "With this link you choose one. It works once, within %(n)s minutes:",
                RESET_MINUTES,
            )
            % {"n": RESET_MINUTES},
            link,
            _("If it was not you, do nothing: your password stays as it is."),
        ]
        EmailMessage(_("A new password for the cloud"), "\n\n".join(lines) + "\n", to=[user.email]).send()
