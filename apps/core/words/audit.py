"""What a check of the seals over the events can find, and why nothing may be sealed."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

PROBLEMS: dict[str, str | Promise] = {
    "cut_off": _(
        "The record ends before the last head in the file: its end was removed, or a backup was put back."
    ),
    "event_changed": _("An event is not as it was sealed."),
    "event_inserted": _("An event was added where everything was sealed."),
    "event_removed": _("A sealed event is gone."),
    "head_differs": _("The head in the file is another one."),
    "head_missing": _("The file lacks this head and has later ones."),
    "line_unsigned": _("The file has a line that this portal did not sign."),
    "no_file": _("The file of heads is gone or empty."),
    "other_head": _("The record is not the one that the file's last head was made of."),
    "pruned_unsigned": _("Events were dropped, and the file does not say so."),
    "segment_changed": _("A segment's hashes do not fit together."),
    "segment_missing": _("A segment is gone."),
    "signature": _("The head is not signed by a key of this portal."),
    "words_changed": _("A name is not the one that was recorded."),
}
