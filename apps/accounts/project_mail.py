"""Mail to who runs a project, before its last day."""

from __future__ import annotations

import logging
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils import formats, translation
from django.utils.translation import gettext as _

from apps.accounts.models import Project, User
from apps.accounts.projects import admins

log = logging.getLogger(__name__)


def warn(project: Project) -> int:
    """To each of them in their language; how many mails went out. One that fails is not sent again: the
    home page says the same."""
    if not settings.MAIL_ENABLED or project.ends_on is None:
        return 0
    sent = 0
    for member in admins(project.account):
        if not member.user.email:
            continue
        try:
            with translation.override(member.user.language or settings.LANGUAGE_CODE):
                sent += _mail(project, member.user).send()
        except (SMTPException, OSError) as error:
            log.warning("a project's warning could not be mailed: %s", type(error).__name__)
    return sent


def _mail(project: Project, user: User) -> EmailMessage:
    told = {"name": project.account.name, "day": formats.date_format(project.ends_on or "")}
    lines = [
        _("The last day of the project “%(name)s” is %(day)s.") % told,
        _(
            "After it nothing can be started or made there, and its machines are stopped. Some time later it "
            "is deleted with all that belongs to it."
        ),
        _("If it has to go on, ask an administrator of its domain for a later day."),
    ]
    if settings.PORTAL_URL:
        lines.append(f"{settings.PORTAL_URL.rstrip('/')}/projects/{project.account.uuid}/")
    return EmailMessage(_("“%(name)s” ends on %(day)s") % told, "\n\n".join(lines) + "\n", to=[user.email])
