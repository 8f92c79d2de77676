"""Importing this module registers every operation and every kind of approval: whatever stands in a module of this room."""

import importlib
import pkgutil

import operations

for module in pkgutil.walk_packages(operations.__path__, "operations."):
    importlib.import_module(module.name)
