"""Words for why an image cannot be used."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from apps.core.words.says import Reason

IMAGE_REASONS: dict[str, Reason] = {
    "not_an_image": Reason(_("The file is not a disk image.")),
    "wrong_format": Reason(
        _("The file is not in the format qcow2."), _("Convert it: qemu-img convert -O qcow2.")
    ),
    "backing_file": Reason(
        _("The image builds on another file."), _("Flatten it: qemu-img convert -O qcow2.")
    ),
    "data_file": Reason(
        _("The image keeps its data in another file."), _("Flatten it: qemu-img convert -O qcow2.")
    ),
    "image_rejected/too_large": Reason(
        _("The image, or the disk that it unfolds to, is larger than may be."), _("Upload a smaller one.")
    ),
    "encrypted": Reason(_("The image is encrypted."), _("Upload it without encryption.")),
    "damaged": Reason(_("The image is damaged."), _("Make or download it again.")),
}
