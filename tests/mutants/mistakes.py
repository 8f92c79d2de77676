"""Small mistakes made in a module, one at a time: mutmut's, in every function, decorated or not.

mutmut itself leaves decorated functions alone, and every operation is one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import libcst as cst
from mutmut.mutation.mutators import mutation_operators, operator_string

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Mistake:
    """The `number`th mistake of a file."""

    path: str
    number: int

    @property
    def module(self) -> str:
        return self.path.removesuffix(".py").replace("/", ".")

    def source(self) -> str:
        """The file with the mistake in it."""
        tree, nodes = _parsed(self.path)
        old, new = nodes[self.number]
        changed = tree.deep_replace(old, new)
        assert isinstance(changed, cst.Module)
        return changed.code

    def __str__(self) -> str:
        _, nodes = _parsed(self.path)
        old, new = (cst.Module([]).code_for_node(n) for n in nodes[self.number])
        return f"{self.path}:{self.number}: {' '.join(old.split())[:90]} -> {' '.join(new.split())[:90]}"


def mistakes(path: str) -> list[Mistake]:
    return [Mistake(path, n) for n in range(len(_parsed(path)[1]))]


@cache
def _parsed(path: str) -> tuple[cst.Module, list[tuple[cst.CSTNode, cst.CSTNode]]]:
    tree = cst.parse_module((ROOT / path).read_text())
    return tree, list(_changes(tree, inside=False))


def _changes(node: cst.CSTNode, *, inside: bool) -> Iterator[tuple[cst.CSTNode, cst.CSTNode]]:
    """Each node within functions, with what a mistake makes of it. Texts are for people or are SQL: they stay."""
    if isinstance(node, cst.Annotation | cst.Decorator | cst.Import | cst.ImportFrom | cst.BaseString):
        return
    if inside:
        for kind, operator in mutation_operators:
            if isinstance(node, kind) and operator is not operator_string:
                yield from ((node, made) for made in operator(node))
    inside = inside or isinstance(node, cst.FunctionDef)
    for child in node.children:
        yield from _changes(child, inside=inside)
