"""Python reads this at its start where this folder is on PYTHONPATH: the one module is loaded with its mistake."""

import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType

MODULE, SOURCE = os.environ.get("ARFLOW_MISTAKE", "=").split("=")


class Mistaken(SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType:
        return compile(Path(SOURCE).read_text(), self.path, "exec", dont_inherit=True)


class Finder:
    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != MODULE:
            return None
        found = PathFinder.find_spec(name, path, target)
        assert found is not None
        assert found.origin is not None
        return spec_from_file_location(name, found.origin, loader=Mistaken(name, found.origin))


if MODULE:
    sys.meta_path.insert(0, Finder)
