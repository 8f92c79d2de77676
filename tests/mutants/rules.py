"""Makes every mistake in the modules of the rules, and says which the tests of the rules do not see.

`python -m tests.mutants.rules models/cash/fx.py tests/rules/test_fx.py …`, or all of `RULES` and `TESTS`. The tests are
collected once; each mistake is put into its function in a fork of that process, which runs the tests that come by there,
the quickest first, until one fails. Defaults of parameters stay as they are; what runs at import alone has no test.
`ARFLOW_MISTAKES=20`: that many in each module, chosen by chance; `ARFLOW_MISTAKES_SEED=7`: the choice of a run before.
"""

import gc
import json
import os
import random
import resource
import signal
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from types import CodeType, FrameType, FunctionType
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from tests.mutants.mistakes import ROOT, Mistake, mistakes

SEEN, UNSEEN, NOT_MADE = 1, 0, 99
WAITED = 15
"""Seconds, after which a test that is looked at is let go: it waits for what is not there."""
Came = dict[tuple[str, str], list[tuple[float, str]]]
"""By file and function, and by file and line: the tests that came by, and how long they take."""


RULES = (
    "models/*.py", "models/[!d]*/*.py", "import_readers/*.py", "statement_readers/*.py", "operations/approvals/state.py",
)  # fmt: skip
"""Where they stand: all but SQL, and what only copies records into answers, which its types and the API's tests hold."""
TESTS = (
    "tests/rules", "tests/unit", "tests/imports", "tests/conversation", "tests/view360", "tests/webhooks",
)  # fmt: skip
"""Theirs; of the last ones those that need no server."""


def named() -> list[str]:
    """The modules of the rules."""
    found = {str(p.relative_to(ROOT)) for pattern in RULES for p in ROOT.glob(pattern)}
    return sorted(path for path in found if not path.endswith(("answers.py", "answer.py")))


class Trial:
    """A plugin of pytest: in place of running the tests it tries them on mistakes."""

    def __init__(self, paths: Sequence[str]) -> None:
        self.paths = paths
        self.unseen: dict[str, list[Mistake]] = {}
        self.made: dict[str, int] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> None:
        """A test that fails has seen it: no simpler example is looked for."""
        from hypothesis import Phase, settings  # pytest wants to be there before it

        once = settings(settings.get_profile("repeatable"), phases=(Phase.explicit, Phase.generate))
        settings.register_profile("mistaken", once)
        settings.register_profile("looked at", once, max_examples=20)
        settings.load_profile("mistaken")

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """What needs a server is no test of a rule alone, and its server would not survive a fork."""
        items[:] = [i for i in items if "shared_servers" not in getattr(i, "fixturenames", ())]

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if session.testsfailed:
            raise session.Interrupted("the tests cannot be collected")
        items = {item.nodeid: item for item in session.items}
        with TemporaryDirectory() as kept:
            came = self.came(session.items, Path(kept) / "came.json")
        functions = {path: _functions(str(ROOT / path)) for path in self.paths}
        gc.freeze()  # else every fork copies what it never uses
        for path in self.paths:
            began, every = time.monotonic(), self.chosen(path)
            found = {}
            for m in every:
                pid, found[m] = tried(m, functions[path], self.asked(m, came), items)
                self.tidy(pid)
            self.made[path] = sum(code != NOT_MADE for code in found.values())
            self.unseen[path] = [m for m, code in found.items() if code == UNSEEN]
            said = "".join(f"    {m}\n" for m in self.unseen[path])
            sys.__stderr__ and sys.__stderr__.write(f"{self.row(path)} {time.monotonic() - began:.0f} s |\n{said}")
        return True

    def came(self, items: Sequence[pytest.Item], kept: Path) -> Came:
        """Which tests come by each function. What fails without a mistake, in one process with all others, is not asked."""
        came, failed = tests_by_function(items, {str(ROOT / p) for p in self.paths}, kept)
        sys.__stderr__ and sys.__stderr__.write("".join(f"not asked: {node}\n" for node in failed))
        return came

    def asked(self, m: Mistake, came: Came) -> list[tuple[float, str]]:
        """The tests that may see a mistake, in their order."""
        return sorted(came[str(ROOT / m.path), m.function])

    def chosen(self, path: str) -> list[Mistake]:
        """Which mistakes are made in a file."""
        return chosen(mistakes(path, texts=True), path)

    def tidy(self, pid: int) -> None:
        """Take away what the process of a mistake has left: nothing, of a rule."""

    def row(self, path: str) -> str:
        made, unseen = self.made[path], len(self.unseen[path])
        return f"| {path} | {made} | {made - unseen} | {100 * (made - unseen) / made if made else 100:.0f} % |"


def chosen(every: list[Mistake], path: str) -> list[Mistake]:
    """As many of a module's as are wanted, all where nobody says how many."""
    seed, wanted = (
        os.environ.setdefault("ARFLOW_MISTAKES_SEED", str(random.randrange(10**6))),
        os.environ.get("ARFLOW_MISTAKES"),
    )
    return random.Random(f"{seed} {path}").sample(every, min(int(wanted or len(every)), len(every)))


def tests_by_function(items: Sequence[pytest.Item], files: set[str], kept: Path) -> tuple[Came, list[str]]:
    """Each test run once without any mistake, in a process of its own: nothing stays of it here. And which of them fail."""
    if (pid := os.fork()) == 0:
        from hypothesis import settings

        settings.load_profile("looked at")
        signal.signal(signal.SIGALRM, _let_go)
        told: list[list[str | float]] = []
        for item, following in zip(items, [*items[1:], None], strict=True):
            seen: set[tuple[str, str]] = set()
            note = _noting(seen, files)
            threading.settrace(note)  # requests to the application are carried out in threads
            sys.settrace(note)
            began = time.perf_counter()
            signal.alarm(WAITED)
            try:
                failed = any(r.failed for r in runtestprotocol(item, log=False, nextitem=following))
            except BaseException:  # pytest's own exit, or the alarm where no test takes it
                failed = True
            signal.alarm(0)
            sys.settrace(None)
            threading.settrace(None)
            if failed:
                told.append([item.nodeid])
                continue
            took = time.perf_counter() - began
            told += [[*one, took, item.nodeid] for one in tuple(seen)]
        kept.write_text(json.dumps(told))
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    if ended := os.waitstatus_to_exitcode(status):
        raise RuntimeError(f"the process that ran every test once ended with {ended}")
    came: Came = defaultdict(list)
    every = json.loads(kept.read_text())
    for file, function, seconds, node in (one for one in every if len(one) > 1):
        came[file, function].append((seconds, node))
    return came, [one[0] for one in every if len(one) == 1]


def _noting(seen: set[tuple[str, str]], files: set[str]) -> Callable[[FrameType, str, object], Any]:
    """What notes the functions of these files that are called, and their lines."""

    def line(frame: FrameType, event: str, arg: object) -> Any:
        seen.add((frame.f_code.co_filename, str(frame.f_lineno)))
        return line

    def call(frame: FrameType, event: str, arg: object) -> Any:
        code = frame.f_code
        if code.co_filename not in files:
            return None
        seen.add((code.co_filename, code.co_qualname.split(".<locals>")[0]))
        return line

    return call


def _let_go(number: int, frame: FrameType | None) -> None:
    raise TimeoutError


def _functions(path: str) -> dict[str, list[FunctionType]]:
    """The functions that a file has defined, whoever holds them, by name."""
    found: dict[str, list[FunctionType]] = defaultdict(list)
    gc.unfreeze()  # what tests/conftest.py has frozen is in no list
    for one in gc.get_objects():
        if isinstance(one, FunctionType) and one.__code__.co_filename == path:
            found[one.__code__.co_qualname].append(one)
    return {name: sorted(same, key=lambda f: f.__code__.co_firstlineno) for name, same in found.items()}


def _codes(code: CodeType) -> Iterator[CodeType]:
    """The code of the functions of a module and of its classes, in the order of the file."""
    for one in code.co_consts:
        if isinstance(one, CodeType):
            yield one
            yield from _codes(one)


def tried(
    m: Mistake, functions: dict[str, list[FunctionType]], came: list[tuple[float, str]], items: dict[str, pytest.Item]
) -> tuple[int, int]:
    """The process that tried it, and whether a test failed there, or did not come to its end."""
    if (pid := os.fork()) == 0:
        code = UNSEEN
        try:
            # Of the processor; they were timed while they were watched.
            limit = int(3 * sum(seconds for seconds, _ in came) + 5)
            resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 5))
            signal.alarm(10 * limit)  # who waits uses none of it
            code = _in_place(m, functions)
            tests = [items[node] for _, node in came]
            if code != NOT_MADE and _fails(tests):
                code = SEEN
        except BaseException:
            code = SEEN
        finally:
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    return pid, os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else SEEN


def _in_place(m: Mistake, functions: dict[str, list[FunctionType]]) -> int:
    path, source = str(ROOT / m.path), m.source()
    new: dict[str, list[CodeType]] = defaultdict(list)
    for code in _codes(compile(source, path, "exec", dont_inherit=True)):
        new[code.co_qualname].append(code)
    made = NOT_MADE if m.function in functions else UNSEEN
    within = f"{m.function}.<locals>."
    for name in (n for n in functions if n == m.function or n.startswith(within)):
        olds = list(dict.fromkeys(f.__code__ for f in functions[name]))  # what a function has made holds the same code
        for old, code in zip(olds, new[name], strict=False):
            for one in (f for f in functions[name] if f.__code__ is old and old != code):
                one.__code__ = code
                made = UNSEEN
    return made


def _fails(tests: Sequence[pytest.Item]) -> bool:
    following: list[pytest.Item | None] = [*tests, None][1:]
    return any(
        report.failed
        for test, after in zip(tests, following, strict=True)
        for report in runtestprotocol(test, log=False, nextitem=after)
    )


def main(given: Sequence[str]) -> int:
    tests = [path for path in given if path.startswith("tests/")] or TESTS
    return run(Trial([path for path in given if not path.startswith("tests/")] or named()), tests)


def run(trial: Trial, tests: Sequence[str]) -> int:
    """Collect these tests, try them, and say what they have not seen."""
    options = ["-q", "--capture=sys", "--assert=plain", "--tb=native", "-n", "0", "-p", "no:cacheprovider", "-m"]
    ended = pytest.main([*options, "not soak", *tests], plugins=[trial])
    for path in trial.made:
        sys.stdout.write(f"{trial.row(path)}\n" + "".join(f"    {m}\n" for m in trial.unseen[path]))
    made, unseen = sum(trial.made.values()), sum(map(len, trial.unseen.values()))
    sys.stdout.write(f"seed {os.environ.get('ARFLOW_MISTAKES_SEED')}\n{made - unseen} of {made} seen\n")
    return int(ended)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
