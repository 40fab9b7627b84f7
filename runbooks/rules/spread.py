"""Work spread over processes where there is much of it; its answers in the order of the jobs."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Any, TypeVar

Job = TypeVar("Job")
Answer = TypeVar("Answer")
FEWEST = 24  # below that a process costs more to start than it saves
MOST_PROCESSES = 8


def spread(work: Callable[[Job], Answer], jobs: Sequence[Job]) -> list[Answer]:
    """Do every job, in processes of their own if there are many jobs and more than one core.

    `work` is a function of a module, or a partial of one, and pure. Processes are started afresh,
    so the program's first module must do nothing when it is imported. Where none can be started
    the jobs are done here.
    """
    processes = min(_cores(), MOST_PROCESSES, len(jobs) * 2 // FEWEST)
    if processes < 2:
        return [work(job) for job in jobs]
    try:
        fresh = get_context("spawn")
        with ProcessPoolExecutor(processes, fresh, initializer=_begin, initargs=(work,)) as pool:
            return list(pool.map(_done, jobs, chunksize=4))
    except (BrokenProcessPool, OSError):
        return [work(job) for job in jobs]


_work: list[Callable[[Any], Any]] = []  # what a process was started for, sent to it once


def _begin(work: Callable[[Any], Any]) -> None:
    _work[:] = [work]


def _done(job: Any) -> Any:
    return _work[0](job)


def _cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
