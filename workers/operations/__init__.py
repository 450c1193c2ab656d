"""The operations: the only code that calls drivers and moves lifecycle state.

Importing this package registers all of them; each verb has a file of its own.
"""

from __future__ import annotations

import importlib
import pkgutil

for _module in pkgutil.walk_packages(__path__, f"{__name__}."):
    importlib.import_module(_module.name)
