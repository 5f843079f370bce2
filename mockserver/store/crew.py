"""Work on many files by all processors at once, where there is enough of it to be worth the processes."""

import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

ENOUGH = 64 << 20
"""From how many bytes on: a quarter of a second of work."""

_SHARES = 8
"""Into how many shares each process's part is cut, so that none has to wait long for another."""


def spread(work: Callable[[T], R], items: Sequence[T], size: int) -> Iterator[R]:
    """Yield what *work* makes of each of *items*, in their order; together they are *size* bytes.

    Processes are forked for it where that is safe: on Linux, and before there are threads. They have to be able to send their results
    here. Elsewhere the work is done here.
    """
    crew = _crew() if size >= ENOUGH else 1
    if crew < 2:
        yield from map(work, items)
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    with ProcessPoolExecutor(crew, get_context("fork")) as pool:
        yield from pool.map(work, items, chunksize=max(len(items) // (crew * _SHARES), 1))


def _crew() -> int:
    """Return how many processes there may be."""
    if sys.platform != "linux" or threading.active_count() > 1:
        return 1
    return min(len(os.sched_getaffinity(0)), 4)
