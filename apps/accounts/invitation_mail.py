"""The mails of invitations. The secret of a link is made when its mail is sent, by a worker, so that no
row, no job and no log ever holds it."""

from __future__ import annotations

import logging
import secrets
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.accounts.invitations import DAYS, MAILS_EACH, PENDING, digest, path_of
from apps.accounts.models import Invitation

log = logging.getLogger(__name__)
A_ROUND = 50


def send_pending() -> int:
    """Send what waits; how many mails went out. What a server did not take is tried again."""
    sent = 0
    waiting = Invitation.objects.filter(
        mail_due=True, state=PENDING, expires_at__gt=timezone.now(), mail_tries__lt=MAILS_EACH
    )
    for row in waiting.select_related("account", "invited_by").order_by("pk")[:A_ROUND]:
        text = secrets.token_urlsafe(32)
        claimed = Invitation.objects.filter(
            pk=row.pk, state=PENDING, mail_due=True, mail_tries=row.mail_tries
        )
        now = timezone.now()
        if claimed.update(mail_due=False, mail_tries=row.mail_tries + 1, mailed=digest(text), mailed_at=now):
            sent += _send(row, text)
    return sent


def _send(row: Invitation, text: str) -> int:
    try:
        with translation.override(row.language or settings.LANGUAGE_CODE):
            _mail(row, text).send()
    except (SMTPException, OSError) as error:
        log.warning("the mail of an invitation could not be sent: %s", type(error).__name__)
        Invitation.objects.filter(pk=row.pk, state=PENDING).update(mail_due=True)
        return 0
    return 1


def _mail(row: Invitation, text: str) -> EmailMessage:
    inviter = row.invited_by
    who = (inviter.full_name or inviter.username) if inviter else ""
    named = {"name": row.account.name, "who": who}
    lines = [
        _("%(who)s invites you to “%(name)s”, to use virtual machines there together.") % named,
        ngettext(
            "Log in and answer by this link. It works once, within %(n)s day:",
            "Log in and answer by this link. It works once, within %(n)s days:",
            DAYS,
        )
        % {"n": DAYS},
        (settings.PORTAL_URL or row.portal).rstrip("/") + path_of(text),
        _("If you do not know what this is about, do nothing."),
    ]
    subject = _("An invitation to “%(name)s”") % named
    return EmailMessage(subject, "\n\n".join(lines) + "\n", to=[row.email])
