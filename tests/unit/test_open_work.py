"""Every process is begun again by somebody where it is lost."""

import importlib
import pkgutil

from temporalio.client import ScheduleActionStartWorkflow

import workflows
from operations import execution, registry  # noqa: F401 - registers the operations
from operations.runner import OPERATIONS
from workflows.import_feed import FEED_SCHEDULE
from workflows.open_work import OPEN_WORK, PASSING
from workflows.schedules import SCHEDULES
from workflows.seals import STAMP_SCHEDULE


def types_of_processes() -> set[str]:
    found = set()
    for module in pkgutil.iter_modules(workflows.__path__):
        for thing in vars(importlib.import_module(f"workflows.{module.name}")).values():
            if isinstance(thing, type) and (defined := getattr(thing, "__temporal_workflow_definition", None)):
                found.add(defined.name)
    return found


def test_every_process_is_begun_again_where_it_is_lost() -> None:
    postings = {o.execution.process for o in OPERATIONS.values() if isinstance(o.execution, execution.Posting)}
    actions = [s.action for s in {**SCHEDULES, **FEED_SCHEDULE, **STAMP_SCHEDULE}.values()]
    by_the_clock = {a.workflow for a in actions if isinstance(a, ScheduleActionStartWorkflow)}
    known = postings | by_the_clock | {work.process for work in OPEN_WORK} | set(PASSING)
    assert types_of_processes() <= known, "enter the new process in workflows/open_work.py, or a schedule"
