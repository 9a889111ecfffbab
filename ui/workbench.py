"""One visitor at work: what the page says is done here, and what comes of it goes to the outbox."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from sam2_core.errors import Busy, Cancelled, MaskletError, MediaError
from sam2_core.serving.catalogue import Lease
from ui import wire
from ui.annotations import Wish, read_and_propose
from ui.arrivals import Arrivals, read_files
from ui.backdrops import Backdrops
from ui.exports import Downloads, write_export
from ui.hovers import Hovers
from ui.jobs import Job, JobCancelled
from ui.medium import Medium
from ui.models import Models
from ui.previews import Previews
from ui.rate import Rate
from ui.reading import is_hover, parse, subject
from ui.resources import Resources
from ui.revival import Revival
from ui.showing import Showing, named
from ui.tasks import Tasks
from ui.tracker import Tracker
from ui.visitors import Visitor


class Workbench:
    """Medium, running jobs and downloads of one visitor. Belongs to one event loop."""

    def __init__(self, visitor: Visitor[Workbench], resources: Resources) -> None:
        self._folder, self._outbox, self._resources = visitor.folder, visitor.outbox, resources
        self._revival = Revival(visitor.outbox, resources)
        self.arrivals = Arrivals(resources)
        self._models = Models(visitor.outbox, resources)
        self.medium: Medium | None = None
        self.downloads = Downloads(visitor.folder / "downloads")
        self.backdrops = Backdrops(visitor.folder / "backdrops", resources.settings.max_pixels)
        self.previews = Previews(resources, self._revive)
        self._rate = Rate(resources.settings.messages_per_second)
        self._hovers = Hovers(visitor.outbox, resources)
        self.thumbnail_rate = Rate(resources.settings.messages_per_second)
        self._tasks = Tasks(visitor.outbox)
        self._version = 0
        self._order = asyncio.Lock()  # clicks are answered in the order in which they were made
        self._showing = Showing(visitor.outbox, self._revival, resources)
        self._tracker: Tracker | None = None
        self._untracked: int | None = None  # the last wish that was answered, if it took tracking back
        self._runs: set[asyncio.Task[None]] = set()  # of tracking; a stopped one still ends its last call

    @property
    def busy(self) -> bool:
        """Whether tracking, reading a file or writing a download is under way."""
        return self._tracker is not None or self._tasks.has_jobs or self._revival.busy

    def greet(self) -> None:
        """First words to a new connection."""
        tracking = self._tracker.describe() if self._tracker is not None else None
        header: dict[str, Any] = {"t": "hello", "version": 0, "medium": None, "tracking": tracking}
        if self.medium is not None:
            header |= {"version": self.medium.version, "medium": self._describe(self.medium)}
        self._outbox.put_first(wire.pack(header))
        self._tasks.start(self._models.tell())

    def hear(self, text: str) -> None:
        """Take a message of the page; never raises: answers and complaints come through the outbox."""
        medium, settings = self.medium, self._resources.settings
        try:
            if not is_hover(text):
                self._rate.count()
            elif not self._hovers.admit():
                return
            self._tasks.admit()
            bounds = None if medium is None else medium.bounds(settings.max_objects, settings.max_points)
            message = parse(text, bounds)
        except MaskletError as error:
            self._tasks.complain(str(error), **subject(text))
            return
        if isinstance(message, wire.Cancel):
            self._give_up(message.job)
        elif isinstance(message, wire.ListModels):
            self._tasks.start(self._models.tell_all())
        elif isinstance(message, wire.Choose):
            self._tasks.start_job("model", partial(self._choose, message.name), model=message.name)
        elif medium is not None:
            self._act(message, medium)

    def open(self, files: list[Path], add: bool = False) -> None:
        """Read uploaded files in the background, then remove them with their folders.

        What is open stays open until the new one is ready; with `add` its photos come first in it.
        """
        self._tasks.start_job("ingest", partial(self._open, files, add))

    def photos_to_join(self) -> int:
        """How many photos are open that more can be added to; raises `MediaError` where there is none."""
        if self.medium is None or self.medium.info.kind == "clip":
            raise MediaError("Photos can be added to photos only. Open them on their own.")
        return self.medium.info.frames

    async def read_annotations(self, file: Path, wish: Wish) -> dict[str, Any]:
        """What a file says about what is open, as prompts (see `propose`), in the background.

        Raises `MediaError` for a file that cannot be used, and `Cancelled` where the page gives up on it.
        """
        medium = self.medium
        if medium is None:
            raise MediaError("Open the picture or clip first that these annotations are about.")
        try:
            with self._tasks.job("annotations") as job:
                return await job.run(self._resources, partial(read_and_propose, file, medium.info, wish, job.report))
        except JobCancelled as error:
            raise Cancelled("The import was given up.") from error

    def cancel(self, job: str) -> None:
        """Give up on a job, if it runs."""
        if job == "replay":
            self._revival.cancel()
        else:
            self._tasks.cancel(job)

    def stop_tracking(self) -> None:
        """End tracking after the call that is under way."""
        if self._tracker is not None:
            self._tracker.stop()
            self._tracker = None

    async def close(self) -> None:
        """Stop everything and free it."""
        self._revival.cancel()
        await self._tasks.close()
        await self._put_away()
        self._models.close()

    def _act(self, message: wire.Message, medium: Medium) -> None:
        if isinstance(message, wire.Say | wire.Forget):
            self._untracked = None
        if isinstance(message, wire.Say):
            self._tasks.start(self._say(message, medium), seq=message.seq)
        elif isinstance(message, wire.Hover):
            self._tasks.start(self._hovers.answer(message, medium))
        elif isinstance(message, wire.Forget):
            self._tasks.start(self._forget(message, medium), seq=message.seq)
        elif isinstance(message, wire.Show):
            self._tasks.start(self._showing.masks(message, medium), **named(message.seq))
        elif isinstance(message, wire.Track):
            self._track(message, medium)
        elif isinstance(message, wire.Stop):
            self.stop_tracking()
        elif isinstance(message, wire.Untrack):
            self._tasks.start(self._untrack(message, medium), seq=message.seq)
        elif isinstance(message, wire.Export):
            self._tasks.start_job("export", partial(self._export, message, medium))
        elif isinstance(message, wire.Retell) and message.seq is None:
            self._revival.retell(message.entries)
        elif isinstance(message, wire.Retell) and message.more:
            self._tasks.start(self._say_more(message, medium), job="replay", seq=message.seq)
        elif isinstance(message, wire.Retell):
            self._tasks.start(self._begin_anew(message, medium), job="replay", seq=message.seq)

    async def _say(self, message: wire.Say, medium: Medium) -> None:
        async with self._order:
            medium.admit(message.object_id, self._resources.settings.max_objects)
            say = partial(medium.prompt, message.frame, message.object_id, message.prompt)
            masks = await self._revival.ask(medium, say)
            about = {"version": medium.version, "seq": message.seq, "object": message.object_id}
            self._outbox.put(await self._resources.call(partial(wire.pack_masks, masks, **about)))
        await self._showing.stale(medium)

    async def _forget(self, message: wire.Forget, medium: Medium) -> None:
        async with self._order:
            await self._revival.ask(medium, partial(medium.forget, message.object_id))
            self._outbox.put(wire.pack({"t": "forgotten", "seq": message.seq, "object": message.object_id}))

    async def _begin_anew(self, message: wire.Retell, medium: Medium) -> None:
        self.stop_tracking()
        self._revival.cancel()
        async with self._order:
            medium.admit_all(message.entries, self._resources.settings.max_objects)
            stopped = await self._revival.begin_anew(medium, message.entries)
            self._outbox.put(wire.pack({"t": "done", "job": "replay", "seq": message.seq, "stopped": stopped}))
        await self._showing.stale(medium)

    async def _say_more(self, message: wire.Retell, medium: Medium) -> None:
        self._revival.stop_adding()
        async with self._order:
            medium.admit_more(message.entries, self._resources.settings.max_objects)
            stopped = await self._revival.add(medium, message.entries)
            self._outbox.put(wire.pack({"t": "done", "job": "replay", "seq": message.seq, "stopped": stopped}))
        await self._showing.stale(medium)

    async def _untrack(self, message: wire.Untrack, medium: Medium) -> None:
        async with self._order:
            if message.seq != self._untracked:  # else the page did not hear the answer and asks once more
                await self._revival.ask(medium, partial(medium.untrack, message.frames, message.objects))
                self._untracked = message.seq
            self._outbox.put(wire.pack({"t": "untracked", "seq": message.seq}))
        await self._showing.stale(medium)

    def _track(self, message: wire.Track, medium: Medium) -> None:
        if medium.info.kind != "clip":
            text = "Photos do not follow one another: there is nothing to track."
            self._tasks.complain(text, job="track", run=message.run)
            return
        self.stop_tracking()
        tracker = self._tracker = Tracker(self._outbox, self._revival.ask, medium, message)
        run = self._tasks.start(self._run_tracker(tracker, medium), job="track", run=message.run)
        self._runs.add(run)
        run.add_done_callback(self._runs.discard)

    async def _run_tracker(self, tracker: Tracker, medium: Medium) -> None:
        try:
            await tracker.run()
        finally:
            if self._tracker is tracker:
                self._tracker = None
        await self._showing.stale(medium)

    def _give_up(self, job: str) -> None:
        """The page's own wish: files that wait for others of their batch go, too."""
        self.cancel(job)
        if job == "ingest":
            self._tasks.start(self.arrivals.clear())

    async def _open(self, files: list[Path], add: bool, job: Job) -> None:
        self._version += 1
        version, folder = self._version, self._folder / f"medium-{self._version}"
        earlier = self.medium.store if self.medium is not None and add else None
        try:
            read = partial(read_files, files, folder, self._resources.settings, job.report, earlier)
            skipped = await job.run(self._resources, read)
        finally:
            for file in files:
                await self._resources.call(partial(shutil.rmtree, file.parent, ignore_errors=True))
        async with self._order:  # nobody may change the network meanwhile
            fresh = await self._resources.call(partial(Medium, version, folder, self._models.startup))
            self.stop_tracking()
            self.cancel("export")
            await self._put_away()
            self.medium = fresh
            about = {"added": earlier is not None, "skipped": [asdict(each) for each in skipped]}
            self._outbox.put(wire.pack({"t": "opened", "version": version, "medium": self._describe(fresh), **about}))

    async def _choose(self, name: str, job: Job) -> None:
        """Load another network, bring the work there, and only then let the former one go."""
        try:
            lease = await self._models.load(name, job)
            try:
                await self._move(lease, job)
            except BaseException:
                lease.release()
                raise
        except MaskletError as error:
            raise Busy(f"{error}{self._models.still()}") from error

    async def _move(self, lease: Lease, job: Job) -> None:
        self.stop_tracking()
        await asyncio.gather(*self._runs, return_exceptions=True)
        async with self._order, self._showing.lock:  # what is said meanwhile is said to the new network
            if self.medium is not None:
                if self._tasks.has("export"):
                    raise Busy("A download is being written. Cancel it or wait for it, then change the model.")
                job.about["moving"] = True
                await self._revival.move(self.medium, lease.startup, job)
            self._models.take(lease)
            await self._models.tell()
            self._outbox.put(wire.pack({"t": "done", "job": "model", "name": lease.offer.name}))

    async def _export(self, wish: wire.Export, medium: Medium, job: Job) -> None:
        backdrops = self.backdrops.of(wish.order.effects)
        await self._resources.call(self.downloads.clear)
        await self._revive(medium)
        write = partial(write_export, medium, wish, backdrops, self.downloads.folder, job.report)
        path, size = await job.run(self._resources, write)
        if not self._tasks.has(job):
            raise JobCancelled(job.name)  # as it had just ended: what is waited for is a newer one, or none
        about = {"url": self.downloads.add(path), "name": path.name, "size": size}
        self._outbox.put(wire.pack({"t": "done", "job": "export", **about}))

    async def _revive(self, medium: Medium) -> None:
        """A lost session is brought back before work that could not wait for it."""
        await self._revival.ask(medium, partial(medium.masks, range(1)))

    async def _put_away(self) -> None:
        medium, self.medium = self.medium, None
        self.previews.forget()
        if medium is not None:
            await self._resources.call(medium.close)
            await self._resources.call(partial(shutil.rmtree, medium.folder, ignore_errors=True))

    def _describe(self, medium: Medium) -> dict[str, Any]:
        return wire.describe(medium.info, medium.store.times.tolist())
