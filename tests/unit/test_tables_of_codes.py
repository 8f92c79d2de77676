"""The tables of the codes of fields and of the kinds of exceptions hold every one that the code uses, and no other."""

import ast
import re
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest

from api.invalid import _CODES
from models.approvals.chain import Decision
from models.errors import CODES, Refusal
from models.exceptions.kinds import KINDS
from models.field_codes import FIELD_CODES
from operations import registry  # noqa: F401 - every family of approvals
from operations.approvals.families import Family

ROOT: Final = Path(__file__).parents[2]
ROOMS: Final = ("api", "activities", "import_readers", "models", "operations", "statement_readers", "workflows")
SAYS_A_CODE: Final = re.compile(r"(invalid|FieldError|PydanticCustomError|_unknown)$")
"""Calls whose arguments hold the code of a field."""
CODE: Final = re.compile(r"[A-Z]+(_[A-Z]+)+")


@cache
def sources() -> Sequence[tuple[str, ast.Module]]:
    """Every module of the product by its dotted name."""
    paths = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
    return [(".".join(p.relative_to(ROOT).with_suffix("").parts), ast.parse(p.read_text())) for p in paths]


def called(node: ast.AST) -> str:
    """The name of what is called; empty where this is no call."""
    if not isinstance(node, ast.Call):
        return ""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def codes_in(nodes: Sequence[ast.AST]) -> set[str]:
    return {
        leaf.value
        for node in nodes
        for leaf in ast.walk(node)
        if isinstance(leaf, ast.Constant) and isinstance(leaf.value, str) and CODE.fullmatch(leaf.value)
    }


def codes_of(function: ast.AST) -> set[str]:
    """Those that its calls spell out, and those that a variable of one may hold."""
    calls = [node for node in ast.walk(function) if isinstance(node, ast.Call) and SAYS_A_CODE.search(called(node))]
    named = {a.id for call in calls for a in call.args if isinstance(a, ast.Name)}
    assigned = [
        node.value
        for node in ast.walk(function)
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id in named for t in node.targets)
    ]
    return codes_in([a for call in calls for a in (*call.args, *(k.value for k in call.keywords))]) | codes_in(assigned)


def test_every_code_of_a_field_stands_in_the_table_and_no_other() -> None:
    used = dict.fromkeys({*_CODES.values(), "FIELD_TYPE", "FIELD_INVALID"}, "api.invalid")
    used["MAPPING_INVALID"] = "models.imports.columns"  # of an exception that also ends a file, with other codes
    for module, tree in sources():
        told = [k.value for node in ast.walk(tree) if isinstance(node, ast.Call) for k in node.keywords
                if k.arg == "negative_code"]  # fmt: skip
        used |= dict.fromkeys(codes_of(tree) | codes_in(told), module)
    assert {code: where for code, where in used.items() if code not in FIELD_CODES and code not in CODES} == {}
    assert sorted(code for code in FIELD_CODES if code not in used) == []
    assert sorted(FIELD_CODES.keys() & CODES.keys()) == []


def families() -> list[Family[Any]]:
    return [kind() for kind in Family.__subclasses__()]


def kinds_of(node: ast.expr, module: ModuleType) -> set[str]:
    """What the expression may be: a text, a name of its module, `family.noun` of any family, or texts joined of these."""
    match node:
        case ast.Constant(value=str(text)):
            return {text}
        case ast.Name(id=name):
            return {getattr(module, name)}
        case ast.Attribute(value=ast.Name(id="family"), attr=attribute):
            return {getattr(family, attribute) for family in families()}
        case ast.Attribute(value=ast.Name(id=name), attr=attribute):
            return {getattr(getattr(module, name), attribute)}
        case ast.JoinedStr(values=values):
            parts = [kinds_of(v.value if isinstance(v, ast.FormattedValue) else v, module) for v in values]
            return {"".join(texts) for texts in product(*parts)}
        case _:
            pytest.fail(f"{module.__name__}: {ast.unparse(node)} is no kind that can be told from the source")


def never_returned() -> set[str]:
    """Kinds of families that nobody may give back."""
    found = set()
    for family in families():
        try:
            family.may(Decision.RETURN)
        except Refusal:
            found.add(f"{family.noun}_returned")
    return found


def test_every_kind_of_exception_stands_in_the_table_and_no_other() -> None:
    opened: set[str] = set()
    for module, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and called(node) == "open_exception":
                opened |= kinds_of(node.args[0], import_module(module))
            if isinstance(node, ast.Constant) and "INSERT INTO exceptions" in str(node.value):
                opened |= set(re.findall(r"SELECT :org, :id, '(\w+)'", str(node.value)))
    assert len(opened) > 20
    assert opened - never_returned() == KINDS.keys()
