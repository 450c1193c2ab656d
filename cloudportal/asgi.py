"""ASGI entry point."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cloudportal.settings")
_portal = get_asgi_application()

from apps.accounts.secrets import require_keyring  # noqa: E402 - settings first
from apps.portal.live.stream import Live  # noqa: E402
from cloudportal.body_limit import BodyLimit  # noqa: E402
from cloudportal.start import settle  # noqa: E402

require_keyring()
application = BodyLimit(Live(_portal))  # type: ignore[arg-type]
settle()
