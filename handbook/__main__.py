"""`python -m handbook`: build the documentation of this checkout into the site's var/docs."""

from __future__ import annotations

import os
import sys
import time

import django


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cloudportal.settings")
    django.setup()
    from django.conf import settings  # noqa: PLC0415 - settings first

    from handbook.build import BuildFailed, build  # noqa: PLC0415 - needs the apps

    begun = time.monotonic()
    try:
        made = build(settings.BASE_DIR, settings.VAR / "docs")
    except BuildFailed as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{made}: {len(list(made.rglob('index.html')))} pages in {time.monotonic() - begun:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
