"""Files for browsers under names that hold a digest of their content."""

from __future__ import annotations

from whitenoise.storage import CompressedManifestStaticFilesStorage


class Collected(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Modules import one another by those names too."""

    support_js_module_import_aggregation = True
