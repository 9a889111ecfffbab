from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ui.jobs import Job, JobCancelled
from ui.outbox import Outbox
from ui.turns import Turns


class Place:
    """Stands in for the server's resources: one place for long work, which is done on the spot."""

    def __init__(self) -> None:
        self.turns = Turns(1)

    async def long_job(self, work: Any) -> Any:
        return work()


async def run(place: Any, job: Job) -> str:
    return await job.run(place, lambda: "done")


def test_no_place_is_lost_however_late_a_visitor_leaves() -> None:
    async def scene() -> None:
        place = Place()
        for steps in range(8):
            task = asyncio.create_task(run(place, Job("ingest", Outbox())))
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert await asyncio.wait_for(run(place, Job("ingest", Outbox())), 10) == "done"

    asyncio.run(scene())


@pytest.mark.parametrize("at_once", [True, False])
def test_a_job_that_is_given_up_stops_waiting(at_once: bool) -> None:
    async def scene() -> None:
        job = Job("model", Outbox())
        task = asyncio.create_task(job.pause(asyncio.sleep(1000)))
        if not at_once:
            await asyncio.sleep(0)
        job.cancel()
        with pytest.raises(JobCancelled):
            await asyncio.wait_for(task, 10)

    asyncio.run(scene())
