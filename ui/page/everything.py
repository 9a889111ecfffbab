"""Segment everything, for a page: candidates are sent as they are found, and the page filters them."""

from __future__ import annotations

from sam2_core.serving.commands import GetAutomaticSettings
from sam2_core.serving.workspace import Workspace
from ui.jobs import Executors, Job, JobCancelled
from ui.page.send_queue import SendQueue
from ui.protocol import DoneEvent, SegmentEverythingRequest, automatic_started_event, pack, pack_automatic_masks


async def send_everything(
    request: SegmentEverythingRequest, workspace: Workspace, queue: SendQueue, executors: Executors, job: Job
) -> None:
    """Run the request and send what it brings. Pauses while no page listens."""
    about = {"version": workspace.version, "run": request.run, "frame": request.frame}
    stopped = False
    try:
        wanted = request.with_defaults(await job.wait(workspace.run(GetAutomaticSettings())))
        run = workspace.segment_everything(wanted)
        queue.put(pack(automatic_started_event(wanted.settings, **about)))
        job.report(0.0, "Looking for everything")
        async for update in run:
            if update.found or update.dropped:
                queue.put(await executors.encode(pack_automatic_masks, update, **about))
            job.fields.update(done=update.done, total=update.total)
            if update.seconds_left is not None:
                job.fields["left"] = update.seconds_left
            job.report(update.done / update.total, "Looking for everything")
            await job.wait(queue.wait_for_room())
    except JobCancelled:
        stopped = True
    queue.put(pack(DoneEvent(job="everything", run=request.run, stopped=stopped)))
