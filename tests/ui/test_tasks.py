from __future__ import annotations

import asyncio
import logging

import pytest

from sam2_core.errors import Busy, MediaError
from tests.ui.house import unpack
from ui.jobs import Job, JobCancelled
from ui.outbox import Outbox
from ui.tasks import MOST_TASKS, Tasks


async def told(outbox: Outbox) -> list[dict[str, object]]:
    return [unpack(message)[0] for message in await outbox.drain()]


def test_what_goes_wrong_reaches_the_page_in_words(caplog: pytest.LogCaptureFixture) -> None:
    async def fail(error: Exception) -> None:
        raise error

    async def scene() -> list[dict[str, object]]:
        outbox = Outbox()
        tasks = Tasks(outbox)
        failing = [MediaError("It is broken."), RuntimeError("/secret/path"), JobCancelled("export")]
        await asyncio.gather(*(tasks.start(fail(error), seq=place) for place, error in enumerate(failing)))
        return await told(outbox)

    with caplog.at_level(logging.CRITICAL, "ui.tasks"):
        said = asyncio.run(scene())
    assert [each["seq"] for each in said] == [0, 1]
    assert said[0] == {"t": "error", "text": "It is broken.", "seq": 0}
    assert "secret" not in str(said[1])


def test_a_newer_job_takes_the_place_of_the_older_one() -> None:
    async def scene() -> None:
        tasks, jobs = Tasks(Outbox()), list[Job]()

        async def wait(job: Job) -> None:
            jobs.append(job)
            await job.pause(asyncio.sleep(60))

        tasks.start_job("export", wait)
        tasks.start_job("model", wait)
        await asyncio.sleep(0)
        tasks.start_job("export", wait)
        await asyncio.sleep(0)
        older, model, newer = jobs
        assert [tasks.has(job) for job in (older, model, newer)] == [False, True, True]
        tasks.cancel("model")
        assert not tasks.has("model")
        assert tasks.has_jobs
        await tasks.close()
        assert not tasks.has_jobs

    asyncio.run(scene())


def test_a_job_that_somebody_waits_for_is_listed_meanwhile() -> None:
    async def scene() -> None:
        tasks = Tasks(Outbox())
        with tasks.job("annotations") as job:
            assert tasks.has(job)
            tasks.cancel("annotations")
            with pytest.raises(JobCancelled):
                await job.pause(asyncio.sleep(60))
        with tasks.job("annotations") as older:
            with tasks.job("annotations") as newer:
                assert not tasks.has(older)
            assert not tasks.has(newer)
        assert not tasks.has_jobs

    asyncio.run(scene())


def test_nobody_has_countless_tasks() -> None:
    async def scene() -> None:
        tasks = Tasks(Outbox())
        for _ in range(MOST_TASKS):
            tasks.admit()
            tasks.start(asyncio.sleep(60))
        with pytest.raises(Busy):
            tasks.admit()
        await asyncio.sleep(0)
        await tasks.close()
        tasks.admit()

    asyncio.run(scene())
