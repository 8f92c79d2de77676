"""The tables, declared once, in whichever module of this room. The migrations make them; a test compares the two.

What the database does by itself (triggers, functions, policies, checks) stands in the migrations only.
"""

import importlib
import pkgutil

from models.db.tables.metadata import metadata

for module in pkgutil.iter_modules(__path__, f"{__name__}."):
    importlib.import_module(module.name)

__all__ = ["metadata"]
