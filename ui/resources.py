"""What all visitors share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from sam2_core.serving.startup import Startup
from ui.settings import Settings

Result = TypeVar("Result")
CALL_THREADS = 32  # they only wait for the device's own thread


@dataclass(frozen=True)
class Resources:
    """Settings, the engine as it starts up, and threads: many for short calls, few for long jobs."""

    settings: Settings
    startup: Startup
    calls: Executor
    jobs: Executor

    @classmethod
    def create(cls, settings: Settings, startup: Startup) -> Resources:
        """With thread pools of their own."""
        calls = ThreadPoolExecutor(CALL_THREADS, thread_name_prefix="call")
        return cls(settings, startup, calls, ThreadPoolExecutor(settings.max_jobs, thread_name_prefix="job"))

    async def call(self, work: Callable[[], Result]) -> Result:
        """Run something short that blocks."""
        return await asyncio.get_running_loop().run_in_executor(self.calls, work)

    async def long_job(self, work: Callable[[], Result]) -> Result:
        """Run something long; waits while other long jobs run."""
        return await asyncio.get_running_loop().run_in_executor(self.jobs, work)

    def close(self) -> None:
        """Shut the engine down and let the threads go as soon as they are done."""
        self.startup.close()
        self.calls.shutdown(wait=False, cancel_futures=True)
        self.jobs.shutdown(wait=False, cancel_futures=True)
