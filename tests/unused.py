"""Names that nobody uses: functions, classes and constants at the top of a module which no line of the product imports, reads or
calls. Imports are followed, so that a name which stands elsewhere too is no excuse; that a test uses it is none either."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
ROOMS: Final = (
    "activities", "api", "cli", "conversation", "demo", "import_readers", "models", "operations", "sources", "stack",
    "statement_readers", "workflows",
)  # fmt: skip
PASSIVE: Final = re.compile(r"(dataclass|cache|lru_cache|contextmanager|asynccontextmanager|final|runtime_checkable)\b")
"""Decorators that change what a name is; every other one makes it known: as a route, an operation, a workflow, an activity."""
BY_NAME: Final = ("cli.main", "demo.main")
"""Modules that say the names of others in texts: the commands, the parts of the walk."""
KNOWN: Final[dict[str, str]] = {
    "models.retention.STAYS": "a register: a test holds it against the tables of the database",
    "stack.time_skipping.time_skipping_environment": "Temporal's test server, which `stack.prepare` installs, for the tests",
}
"""`module.name` → who uses it, although no line of the product does."""


def unused() -> list[str]:
    """`module.name` of what nobody uses, and of what KNOWN excuses for nothing."""
    trees = {_module(p): ast.parse(p.read_text()) for p in _files()}
    used: dict[str, set[str]] = defaultdict(set)
    for module, tree in trees.items():
        _uses(module, tree, trees, used)
    found = {
        f"{module}.{name}"
        for module, tree in trees.items()
        for node in tree.body
        for name in _defined(node)
        if not name.startswith("__") and name not in used[module] and "*" not in used[module]
    }
    return sorted(
        [f"{name}: nobody uses it" for name in found - KNOWN.keys()]
        + [f"{name}: it is used" for name in KNOWN.keys() - found]
    )


def _files() -> Iterator[Path]:
    yield from ROOT.glob("*.py")
    for room in ROOMS:
        yield from (p for p in (ROOT / room).rglob("*.py") if "migrations" not in p.parts)


def _module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _defined(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name] if all(PASSIVE.match(ast.unparse(d)) for d in node.decorator_list) else []
    if isinstance(node, ast.AnnAssign):
        return [node.target.id] if isinstance(node.target, ast.Name) else []
    return [t.id for t in node.targets if isinstance(t, ast.Name)] if isinstance(node, ast.Assign) else []


def _uses(module: str, tree: ast.Module, trees: dict[str, ast.Module], used: dict[str, set[str]]) -> None:
    """Enter what the module uses: of itself, of others by their import, of others through their own name."""
    modules: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for a in node.names:
                if (whole := f"{node.module}.{a.name}") in trees:
                    modules[a.asname or a.name] = whole
                else:
                    used[node.module].add(a.name)
        elif isinstance(node, ast.Import):
            modules |= {a.asname or a.name: a.name for a in node.names}
    for top in tree.body:
        own = getattr(top, "name", None)
        of_modules = {id(n.value) for n in ast.walk(top) if isinstance(n, ast.Attribute)}
        for n in ast.walk(top):
            if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load) and n.id != own:
                used[module].add(n.id)
                if n.id in modules and id(n) not in of_modules:  # handed on as a whole, as a store is to a family
                    used[modules[n.id]].add("*")
            elif isinstance(n, ast.Attribute) and (of := ast.unparse(n.value)) in modules.keys() | trees.keys():
                used[modules.get(of, of)].add(n.attr)
            elif isinstance(n, ast.Constant) and isinstance(n.value, str):
                if module in BY_NAME:
                    for other in [m for m in trees if m.startswith(module.removesuffix("main"))]:
                        used[other] |= set(re.findall(r"\w+", n.value))
                elif " " not in n.value:  # an annotation in quotes
                    used[module] |= set(re.findall(r"\w+", n.value)) - {own}
