"""What all visitors share."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from sam2_core.serving.catalogue import Catalogue
from ui.settings import Settings
from ui.turns import Turns

Result = TypeVar("Result")
CALL_THREADS = 32  # they only wait for the device's own thread
POLITENESS = 10  # how much the thread for trifles stands back, in the terms of `nice`


@dataclass(frozen=True)
class Resources:
    """Settings, the networks, and threads: many for short calls, few for long jobs, for which there is a queue, few for
    painting, one for trifles."""

    settings: Settings
    catalogue: Catalogue
    calls: Executor
    jobs: Executor
    turns: Turns
    trifles: Executor
    painters: Executor

    @classmethod
    def create(cls, settings: Settings, catalogue: Catalogue) -> Resources:
        """With thread pools of their own."""
        calls = ThreadPoolExecutor(CALL_THREADS, thread_name_prefix="call")
        jobs = ThreadPoolExecutor(settings.max_jobs, thread_name_prefix="job")
        trifles = ThreadPoolExecutor(1, thread_name_prefix="trifle", initializer=_stand_back)
        painters = ThreadPoolExecutor(max(1, (os.cpu_count() or 1) // 2), thread_name_prefix="painter")
        return cls(settings, catalogue, calls, jobs, Turns(settings.max_jobs), trifles, painters)

    async def call(self, work: Callable[[], Result]) -> Result:
        """Run something short that blocks."""
        return await asyncio.get_running_loop().run_in_executor(self.calls, work)

    async def long_job(self, work: Callable[[], Result]) -> Result:
        """Run something long, when its turn has come."""
        return await asyncio.get_running_loop().run_in_executor(self.jobs, work)

    async def paint(self, work: Callable[[], Result]) -> Result:
        """Run something short that takes a core for itself: never on all of them at once."""
        return await asyncio.get_running_loop().run_in_executor(self.painters, work)

    async def trifle(self, work: Callable[[], Result]) -> Result:
        """Run something short that nobody waits for: one after the other, and only when the machine has time for it."""
        return await asyncio.get_running_loop().run_in_executor(self.trifles, work)

    def close(self) -> None:
        """Shut the engines down and let the threads go as soon as they are done."""
        self.catalogue.close()
        self.calls.shutdown(wait=False, cancel_futures=True)
        self.jobs.shutdown(wait=False, cancel_futures=True)
        self.trifles.shutdown(wait=False, cancel_futures=True)
        self.painters.shutdown(wait=False, cancel_futures=True)


def _stand_back() -> None:
    if sys.platform == "linux":  # elsewhere this would slow the whole process down, not only this thread
        os.nice(POLITENESS)
