"""The interpreter of a process that stays: when its collector of garbage looks, and how long one thread may compute."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """What modules make as they are loaded stays: the collector would look at all of it again and again, for a sixth of the
    time, and find nothing."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def settle_the_interpreter() -> None:
    """What was loaded until now stays: the collector need not look at it again, nor look as often.

    The loop and the threads hand the interpreter to each other several times per request or task; by default whoever
    is computing may keep it for 5 ms from one that is ready to answer.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    sys.setswitchinterval(0.001)
