"""Fill the portal with the demo campus, once."""

from __future__ import annotations

import os
import sys
import time

import django


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cloudportal.settings")
    django.setup()
    from workers.campus.build import build_campus  # noqa: PLC0415 - settings first

    begun = time.monotonic()
    counts = build_campus()
    if counts is None:
        print("the campus is there already")
    else:
        made = ", ".join(f"{number} {what}" for what, number in counts.items())
        print(f"{made} in {time.monotonic() - begun:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
