"""Words for why a request cannot be read."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from apps.core.words.says import Reason

REQUEST_REASONS: dict[str, Reason] = {
    "not_readable": Reason(_("The request's body cannot be read in the format that its header names.")),
    "not_utf8": Reason(_("The request's body is not UTF-8.")),
    "not_json": Reason(_("The request's body is not JSON.")),
    "too_deep": Reason(_("The JSON is nested deeper than %(limit)s levels."), _("Nest less deeply.")),
    "not_finite": Reason(
        _("The JSON holds a number that cannot be used: %(value)s."), _("Send ordinary numbers.")
    ),
    "nul_character": Reason(_("A text holds the character NUL."), _("Remove it.")),
    "lone_surrogate": Reason(_("A text holds half of a character."), _("Send whole characters.")),
    "not_an_object": Reason(_("The request's body is not a JSON object.")),
    "one_place": Reason(
        _("The request names more than one part of the cloud."), _("Name one region, zone, pod or cluster.")
    ),
    "no_file": Reason(_("The form holds no file."), _("Send the image in the field “file”.")),
    "bad_cursor": Reason(
        _("The cursor is not one that this list gave out for this order."),
        _("Begin again without a cursor."),
    ),
    "bad_idempotency_key": Reason(
        _("An Idempotency-Key is 1 to 255 visible ASCII characters."), _("Use a UUID, for example.")
    ),
}
