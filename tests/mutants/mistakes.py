"""Small mistakes made in a module, one at a time: mutmut's, in every function, decorated or not.

mutmut itself leaves decorated functions alone, and every operation is one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators, operator_string

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Mistake:
    """The `number`th mistake of a file; `texts`: of those that are made in texts too."""

    path: str
    number: int
    texts: bool = False

    @property
    def module(self) -> str:
        return self.path.removesuffix(".py").replace("/", ".")

    @property
    def function(self) -> str:
        """The outermost function that it is made in, as Python calls it: `Class.method`."""
        return self._change.function

    @property
    def line(self) -> int:
        """Where it begins."""
        return _lines(self.path, self.texts)[self.number]

    @property
    def _change(self) -> "_Change":
        return _parsed(self.path, self.texts)[1][self.number]

    def source(self) -> str:
        """The file with the mistake in it."""
        changed = _parsed(self.path, self.texts)[0].deep_replace(self._change.old, self._change.new)
        assert isinstance(changed, cst.Module)
        return changed.code

    def __str__(self) -> str:
        old, new = (cst.Module([]).code_for_node(n) for n in (self._change.old, self._change.new))
        return f"{self.path}:{self.line} ({self.number}): {' '.join(old.split())[:90]} -> {' '.join(new.split())[:90]}"


@dataclass(frozen=True)
class _Change:
    old: cst.CSTNode
    new: cst.CSTNode
    function: str


def mistakes(path: str, *, texts: bool = False) -> list[Mistake]:
    """All that can be made in a file; `texts` for people, or of SQL, are left alone unless asked for."""
    return [Mistake(path, n, texts) for n in range(len(_parsed(path, texts)[1]))]


@cache
def _parsed(path: str, texts: bool) -> tuple[cst.Module, list[_Change]]:
    tree = cst.parse_module((ROOT / path).read_text())
    return tree, list(_changes(tree, texts, "", inside=False))


@cache
def _lines(path: str, texts: bool) -> list[int]:
    tree, changes = _parsed(path, texts)
    where = MetadataWrapper(tree, unsafe_skip_copy=True).resolve(PositionProvider)
    return [where[c.old].start.line for c in changes]


def _changes(node: cst.CSTNode, texts: bool, where: str, *, inside: bool) -> Iterator[_Change]:
    """Each node within functions, with what a mistake makes of it."""
    if isinstance(node, cst.Annotation | cst.Decorator | cst.Import | cst.ImportFrom):
        return
    if isinstance(node, cst.BaseString) and not texts:
        return
    if inside:
        for kind, operator in mutation_operators:
            if isinstance(node, kind) and (texts or operator is not operator_string):
                yield from (_Change(node, made, where) for made in operator(node))
    elif isinstance(node, cst.FunctionDef | cst.ClassDef):
        where = f"{where}.{node.name.value}".lstrip(".")
    inside = inside or isinstance(node, cst.FunctionDef)
    for child in node.children:
        yield from _changes(child, texts, where, inside=inside)
