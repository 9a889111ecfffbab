"""Who is here: one session per open page or program, known by a token that cannot be guessed.

A session ends
- a few seconds after its page said goodbye (a reload says goodbye too and is back within them),
- when its connection has been lost for longer than the grace time,
- when nothing was asked of it for long and nothing is being done for it,
- when a newcomer needs the place and this session has been idle the longest, and its page is not on its way back.
With a session go its folder and everything the engine holds for it. With the setting `state` the medium of a page that
has not said goodbye stays, and the page can come back to it, also on the next server.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import shutil
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

from sam2_core.errors import Busy, MaskletError
from sam2_core.media import ExportOptions, ObjectTraits, SkippedFile
from sam2_core.media.decoders import DecoderLimits, Decoders
from sam2_core.serving.better_model import BetterModel
from sam2_core.serving.detector_registry import DetectorRegistry
from sam2_core.serving.model_registry import ModelEntry, ModelRegistry, SessionModels
from sam2_core.serving.recovery import EngineSource
from sam2_core.serving.text_run import TextRun
from sam2_core.serving.tracking_run import TrackingRequest, TrackingRun
from sam2_core.serving.workspace import Workspace, WorkspaceObserver
from sam2_core.types import Progress
from ui.disk_quota import DiskQuota
from ui.files import Backdrops, Downloads, OpeningOptions, UploadedFile, limits_of, load_backdrops, open_files
from ui.jobs import BackgroundTasks, Executors, Job, JobCancelled, RateLimit, ThreadWork
from ui.kept_media import KeptMedia, name_of
from ui.memory import trim_memory
from ui.metrics import Metrics
from ui.models import load_model
from ui.protocol import Bounds, Event
from ui.server_folder import ServerFolder
from ui.settings import Settings
from ui.training import EVALUATION_SECONDS, TrainingResult, check_training, run_training, training_command

ACTIVE_SECONDS = 120.0  # a session in which something was done this recently is not closed for a newcomer
SWEEP_SECONDS = 1.0
KEPT_SWEEP_SECONDS = 60.0
DECODING_MODULES = ("ui.files", "ui.page.imports")  # what reads uploads
STOP_SECONDS = 5.0  # that reading an upload gets to end after it was given up

T = TypeVar("T")

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Services:
    """What all sessions share: settings, the networks, the detectors, threads, and the processes that read
    uploads. `better` is the network that is fetched in the background, if any."""

    settings: Settings
    models: ModelRegistry
    detectors: DetectorRegistry
    executors: Executors
    disk: DiskQuota
    metrics: Metrics
    decoders: Decoders
    better: BetterModel | None = None

    @classmethod
    def create(
        cls,
        settings: Settings,
        models: ModelRegistry,
        detectors: DetectorRegistry | None = None,
        better: BetterModel | None = None,
    ) -> Services:
        """With threads of their own."""
        executors = Executors(settings.max_jobs, 60.0 * settings.max_job_minutes)
        disk = DiskQuota(settings.max_disk_bytes)
        decoders = Decoders(_decoder_limits(settings), DECODING_MODULES, settings.max_jobs)
        return cls(settings, models, detectors or DetectorRegistry(), executors, disk, Metrics(), decoders, better)

    def close(self) -> None:
        """Shut the engines down and let the threads go as soon as they are done."""
        if self.better is not None:
            self.better.close()
        self.models.close()
        self.detectors.close()
        self.decoders.close()
        self.executors.close()

    def wait(self, seconds: float) -> bool:
        """Wait for the end of what `close` told to end; False where something goes on after so many seconds."""
        end = time.monotonic() + seconds
        ends = (self.models.wait, self.executors.wait, *(() if self.better is None else (self.better.wait,)))
        return all(wait(max(0.0, end - time.monotonic())) for wait in ends)


def _decoder_limits(settings: Settings) -> DecoderLimits | None:
    if not settings.decode_seconds:
        return None
    # A job is given up by then, so that no process can take more as long as the server is there to end it.
    cpu_seconds = 60 * settings.max_job_minutes * (os.cpu_count() or 1)
    return DecoderLimits(settings.decode_seconds, settings.decode_megabytes * 1_000_000, cpu_seconds)


class Client(Protocol):
    """The other end of a session: a page, or a program that uses the API."""

    @property
    def is_connected(self) -> bool:
        """Whether it is there right now."""
        ...

    @property
    def disconnected_at(self) -> float:
        """When it was lost, by the registry's clock."""
        ...

    @property
    def observer(self) -> WorkspaceObserver:
        """Is told about waiting and recovery."""
        ...

    def send(self, event: Event) -> None:
        """Progress of jobs, and errors."""
        ...

    async def close(self) -> None:
        """The session has ended."""
        ...


class Session:
    """Medium, running jobs and files of one user. Belongs to one event loop."""

    client: Client

    def __init__(
        self, token: str, folder: Path, services: Services, touched_at: float, *, login: str = "", address: str = ""
    ) -> None:
        """`login` is the digest of the login that opened it and may use it, empty where nobody has to log in;
        `address` is where its user comes from, see `client_address`."""
        settings = services.settings
        self.login, self.address, self.was_present = login, address, False
        self.token, self.folder, self.services = token, folder, services
        self.kept: KeptMedia | None = None
        """Where its media lie that are to outlast it; else they lie in its folder."""
        self.opened_at = self.touched_at = touched_at
        self.leaving_at: float | None = None
        self.receiving = asyncio.Lock()  # held while a file comes in
        self.tasks = BackgroundTasks(lambda event: self.client.send(event), self, services.metrics.count_error)
        self.rate = RateLimit(settings.messages_per_second)
        self.downloads = Downloads(folder / "downloads")
        self.backdrops = Backdrops(folder / "backdrops", settings.max_pixels, services.decoders)
        self.models = SessionModels(services.models)
        self.model = self.models.acquire(self.models.default)
        self.workspace: Workspace | None = None
        self._versions = 0  # of media that were opened so far
        self.is_restored = False  # what is open was open before the server was started
        self._tracking: TrackingRun | TextRun | None = None
        self.switching = asyncio.Lock()  # held while medium or network change, and by whoever needs that they do not

    @property
    def id(self) -> str:
        """Names the session in logs; opens nothing."""
        return self.folder.name[:8]

    @property
    def bounds(self) -> Bounds | None:
        """What the numbers of requests may be; None while nothing is open."""
        if self.workspace is None:
            return None
        info, settings = self.workspace.info, self.services.settings
        return Bounds(info.frames, info.height, info.width, settings.max_objects, settings.max_points, info.sizes)

    @property
    def is_present(self) -> bool:
        """Whether its page is there, or its program may ask on."""
        return self.client.is_connected and self.leaving_at is None

    @property
    def is_busy(self) -> bool:
        """Whether something long is being done or a file is coming in."""
        replaying = self.workspace is not None and self.workspace.is_replaying
        return self._tracking is not None or self.tasks.has_jobs or replaying or self.receiving.locked()

    async def open(
        self, files: Sequence[UploadedFile], options: OpeningOptions, job: Job
    ) -> tuple[Workspace, tuple[SkippedFile, ...]]:
        """Read uploaded files and work on them, then remove them with their folders; also gives the files that could
        not be used.

        What is open stays open until the new medium is ready. Raises `MediaError` and `JobCancelled`.
        """
        self._versions += 1
        executors, settings, version = self.services.executors, self.services.settings, self._versions
        place = self.folder if self.kept is None else await executors.read_file(self.kept.make_place, self.token)
        folder = place / f"medium-{version}"
        earlier = self.workspace.store if self.workspace is not None and options.add else None
        limits, report, reading = limits_of(settings, options), self._within_quota(job), ThreadWork()
        try:
            work = partial(open_files, self.services.decoders, files, folder, limits, options, earlier, report)
            skipped = await job.run(executors, reading.run, work)
        finally:
            await executors.read_file(reading.wait, STOP_SECONDS)
            for file in files:
                await executors.read_file(shutil.rmtree, file.path.parent, ignore_errors=True)
        async with self.switching:
            engine, observer = self.model.loader.engine, self.client.observer
            workspace = await executors.read_file(
                Workspace, folder, engine, settings.max_objects, observer, version, self.services.decoders
            )
            self.stop_tracking()
            self.tasks.cancel("export")
            self.tasks.cancel("detect")
            if self.kept is not None:
                await executors.read_file(self.kept.note, self.token, folder, version)
            await self._close_workspace()
            self.workspace, self.is_restored = workspace, False
        return workspace, skipped

    async def come_back(self, medium: Path, version: int) -> None:
        """Open a medium that was kept. It gets a new version, as of its masks nothing is here. Raises `MediaError`."""
        assert self.kept is not None  # noqa: S101
        executors, settings = self.services.executors, self.services.settings
        self._versions = version + 1
        engine, observer = self.model.loader.engine, self.client.observer
        self.workspace = await executors.read_file(
            Workspace, medium, engine, settings.max_objects, observer, self._versions, self.services.decoders
        )
        self.is_restored = True
        await executors.read_file(self.kept.note, self.token, medium, self._versions)

    def track(self, request: TrackingRequest) -> TrackingRun:
        """Begin to track, in place of a run that is under way; `end_tracking` must follow. Raises `BadPrompt`."""
        assert self.workspace is not None  # noqa: S101
        run = self.workspace.track(request)
        self.begin_tracking(run)
        return run

    def begin_tracking(self, run: TrackingRun | TextRun) -> None:
        """This run begins, in place of one that is under way; `end_tracking` must follow."""
        self.stop_tracking()
        self._tracking = run

    def stop_tracking(self) -> None:
        """End tracking after the step that is under way."""
        if self._tracking is not None:
            self._tracking.stop()
            self._tracking = None

    def end_tracking(self, run: TrackingRun | TextRun) -> None:
        """This run has ended."""
        if self._tracking is run:
            self._tracking = None

    async def choose_model(self, name: str, job: Job) -> None:
        """Load another network, replay the work there, and only then let the former one go.

        Raises `Busy` where it cannot be had; all stays as it was then.
        """
        try:
            handle = await load_model(self.models, name, job)
            try:
                self.stop_tracking()
                async with self.switching:
                    await self._move(handle.loader.engine, job)
                    former, self.model = self.model, handle
                    former.release()
            except BaseException:
                handle.release()
                raise
        except MaskletError as error:
            stays = f" You go on with {self.model.entry.title}." if self.model.loader.status.ready else ""
            raise Busy(f"{error}{stays}") from error

    async def export(self, objects: Sequence[ObjectTraits], frames: range, options: ExportOptions, job: Job) -> Path:
        """Write a download, in place of earlier ones; the file, in a folder that cannot be guessed.

        Raises `MediaError`, `BadPrompt` and `JobCancelled`.
        """
        assert self.workspace is not None  # noqa: S101
        executors, workspace = self.services.executors, self.workspace
        backdrops = self.backdrops.of(options.effects)
        await executors.read_file(self.downloads.clear)
        options = replace(options, backdrops=await executors.read_file(load_backdrops, backdrops))
        folder = await executors.read_file(self.downloads.new_folder)
        run = partial(job.run, executors)
        file = await workspace.export(folder, objects, frames, options, self._within_quota(job), run)
        if not self.tasks.has(job):
            raise JobCancelled(job.name)  # as it had just ended: what is waited for is a newer one, or none
        return file

    async def train(
        self, objects: Sequence[ObjectTraits], minutes: float, job: Job
    ) -> tuple[ModelEntry, TrainingResult]:
        """Fine-tune the network in use on the open photos and the masks of these objects, and offer the new weights to
        this session; the network in use stays.

        Raises `MediaError`, `TrainingFailed` and `JobCancelled`.
        """
        assert self.workspace is not None  # noqa: S101
        executors, workspace, base = self.services.executors, self.workspace, self.model.entry
        check_training(self.services.settings, workspace.info.kind, minutes)
        prompts = workspace.log.state.prompts
        photos = len({frame for each in objects for frame in prompts.get(each.id, ())})
        folder = self.folder / f"training-{secrets.token_hex(8)}"
        await executors.read_file(folder.mkdir)
        try:
            async with job.place(executors.training_queue):
                run = partial(job.run, executors)
                await workspace.write_dataset(folder / "dataset", objects, job.report, run)
                command = training_command(folder / "dataset", folder / "run", base, minutes)
                seconds = 60 * minutes + EVALUATION_SECONDS
                result = await _to_its_end(executors.run_training(run_training, command, folder, seconds, job.report))
                file = self.folder / "models" / f"{folder.name}{result.weights.suffix}"
                await executors.read_file(_move, result.weights, file)
        finally:
            await executors.read_file(shutil.rmtree, folder, ignore_errors=True)
        if not self.tasks.has(job):
            raise JobCancelled(job.name)
        title = f"{base.title.partition(', trained on ')[0]}, trained on {photos} photo{'s' * (photos != 1)}"
        entry = self.models.add(title, base.model, file, in_use=self.model.entry.name)
        return entry, replace(result, weights=file)

    async def close(self, keep: bool = False) -> None:
        """Stop everything and free it; `keep`: the medium stays for when its page comes back, where there is a place
        for that."""
        try:
            await self.client.close()
        finally:
            if self.workspace is not None:
                self.workspace.skip_tracking()
            await self.tasks.close()
            await self._close_workspace(remove=self.kept is None)
            if self.kept is not None:
                await self.services.executors.read_file(self.kept.touch if keep else self.kept.discard, self.token)
            self.model.release()
            self.models.close()

    def _within_quota(self, job: Job) -> Progress:
        """Reports of work that writes files; raises `Busy` where the disk has no room for more."""

        def report(fraction: float | None, message: str) -> None:
            self.services.disk.check()
            job.report(fraction, message)

        return report

    async def _move(self, engine: EngineSource, job: Job) -> None:
        if self.workspace is None:
            return
        if self.tasks.has("export"):
            raise Busy("A download is being written. Cancel it or wait for it, then change the model.")
        job.fields["moving"] = True
        await self.workspace.move(engine, job.report)

    async def _close_workspace(self, remove: bool = True) -> None:
        workspace, self.workspace = self.workspace, None
        if workspace is None:
            return
        await workspace.close()
        if remove:
            await self.services.executors.read_file(shutil.rmtree, workspace.folder, ignore_errors=True)


async def _to_its_end(work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, which has ended in any case when this returns: what it writes can then be deleted."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    finally:
        await asyncio.wait({task})
        task.cancelled() or task.exception()  # has been looked at


def _move(file: Path, target: Path) -> None:
    target.parent.mkdir(exist_ok=True)
    file.replace(target)


class SessionRegistry:
    """All sessions. Belongs to one event loop, apart from `remove_all_files`."""

    def __init__(self, services: Services, clock: Callable[[], float] = time.monotonic) -> None:
        self.services, self.clock = services, clock
        self._sessions: dict[str, Session] = {}
        self._has_freed = False  # memory, since it was last given back to the system
        services.metrics.gauge(self._figures)
        self._kept = KeptMedia.of(services.settings)
        self._folder = ServerFolder()
        self._root = self._folder.path
        self._kept_swept_at = clock()
        self._restoring = asyncio.Lock()
        self._closing: set[asyncio.Future[None]] = set()

    def __len__(self) -> int:
        return len(self._sessions)

    @property
    def exchange(self) -> Path:
        """The folder for files that programs send and get."""
        return self._root / "exchange"

    async def open(
        self,
        connect: Callable[[Session], Client],
        *,
        login: str = "",
        address: str = "",
        can_return: bool = False,
        token: str = "",
    ) -> Session:
        """A new session of a login, whose client `connect` makes; raises `Busy` where all places, or all that one
        address may have, are taken by active sessions.

        `can_return`: its client brings its edits again after the session has ended; `token`: with which it returns.
        """
        folder = self._root / secrets.token_hex(16)
        await asyncio.to_thread(folder.mkdir, mode=0o700)
        try:
            await self._make_room(address)
            # Nothing is awaited from here on: many may come at once, and each must see the places that others took.
            token, now = token or secrets.token_urlsafe(24), self.clock()
            session = Session(token, folder, self.services, now, login=login, address=address)
            session.kept = self._kept if can_return else None
        except BaseException:
            await asyncio.to_thread(folder.rmdir)
            raise
        session.client = connect(session)
        self._sessions[session.token] = session
        self.services.metrics.count_session()
        _log.info("A session was opened", extra={"fields": {"session": session.id, "sessions": len(self)}})
        return session

    async def bring_back(
        self, token: str, connect: Callable[[Session], Client], *, login: str | None = None, address: str = ""
    ) -> Session | None:
        """The session with this token, as `find`, or a new one with its medium if that was kept; None where there is
        neither, or no place."""
        if token in self._sessions or self._kept is None:
            return self.find(token, login)
        async with self._restoring:
            if token in self._sessions:
                return self.find(token, login)
            read = self.services.executors.read_file
            if (found := await read(self._kept.find, token)) is None:
                return None
            try:
                session = await self.open(connect, login=login or "", address=address, can_return=True, token=token)
            except Busy:
                return None
            try:
                await session.come_back(*found)
            except (MaskletError, OSError):
                _log.warning("A medium that was kept cannot be opened any more", exc_info=True)
                await self.close(session, keep=False)
                return None
            return session

    def find(self, token: str, login: str | None = None) -> Session | None:
        """The session with this token, if it is of this login (None: whosever it is); does not count as activity."""
        session = self._sessions.get(token)
        return session if session is None or login is None or session.login == login else None

    def touch(self, session: Session) -> None:
        """Something was asked of the session."""
        session.touched_at, session.leaving_at, session.was_present = self.clock(), None, True

    def leave(self, session: Session) -> None:
        """The page was closed or is being reloaded; only coming back in time keeps the work."""
        session.leaving_at = self.clock()

    async def sweep(self) -> None:
        """Close the sessions whose time is over, free detectors that nobody uses, see how full the disk is, and give
        freed memory back."""
        self.services.detectors.free_idle()
        read = self.services.executors.read_file
        await read(self.services.disk.measure, self._root, *([] if self._kept is None else [self._kept.folder]))
        await self._close_each([session for session in self._sessions.values() if self._is_over(session)])
        if self._kept is not None and self.clock() - self._kept_swept_at > KEPT_SWEEP_SECONDS:
            self._kept_swept_at = self.clock()
            await read(self._kept.sweep, {name_of(token) for token in self._sessions})
        if self._has_freed:
            self._has_freed = False
            await self.services.executors.run_in_background(trim_memory)

    async def sweep_forever(self) -> None:
        """Keep sweeping until cancelled."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            await self.sweep()

    async def close(self, session: Session, keep: bool = True) -> None:
        """End a session: its client is told, its work and folder go. Its medium stays if `keep`, its page has not said
        goodbye, and there is a place for that."""
        if self._sessions.pop(session.token, None) is None:
            return
        seconds = round(self.clock() - session.opened_at, 1)
        fields = {"session": session.id, "seconds": seconds, "sessions": len(self)}
        _log.info("A session has ended", extra={"fields": fields})
        try:
            await session.close(keep and not self._has_left(session))
        finally:
            await asyncio.to_thread(shutil.rmtree, session.folder, ignore_errors=True)
            self._has_freed = True

    def end_login(self, login: str) -> None:
        """Somebody has logged out: their sessions end."""
        ended = [session for session in self._sessions.values() if session.login == login]
        closing = asyncio.ensure_future(self._close_each(ended, keep=False))
        self._closing.add(closing)  # asyncio itself holds tasks weakly
        closing.add_done_callback(self._closing.discard)

    async def close_all(self) -> None:
        """End all sessions."""
        await self._close_each(list(self._sessions.values()))

    def remove_all_files(self) -> None:
        """Last call of a server that stops: nothing stays on the disk but in the folder of the setting `state`."""
        self._folder.remove()
        if self._kept is not None:
            self._kept.close()

    def _figures(self) -> Iterator[tuple[str, str, float]]:
        sessions, services = tuple(self._sessions.values()), self.services
        queue = services.executors.queue
        yield "masklet_sessions", "Sessions that are open", len(sessions)
        yield "masklet_sessions_present", "Sessions whose page is there", sum(each.is_present for each in sessions)
        yield "masklet_sessions_max", "Places", services.settings.max_sessions
        yield "masklet_jobs_running", "Uploads read and downloads written", queue.running
        yield "masklet_jobs_waiting", "Uploads and downloads that wait for their turn", queue.waiting
        yield "masklet_disk_bytes", "Of all visitors' files", services.disk.used
        yield "masklet_disk_bytes_max", "Most bytes of all visitors' files", services.disk.max_bytes
        engines = [engine.status() for engine in services.models.engines()]
        yield "masklet_models_loaded", "Networks in memory", len(engines)
        yield "masklet_engine_waiting", "Commands that wait for a network", sum(each.waiting for each in engines)
        yield "masklet_engine_restarts", "Networks that hung and were started again", services.models.restarts
        yield (
            "masklet_engine_evictions",
            "Sessions whose memory was freed for others",
            sum(each.evictions for each in engines),
        )
        yield "masklet_session_bytes", "Of tensors of visitors' objects", sum(each.session_bytes for each in engines)
        held = [each.device_bytes for each in engines if each.device_bytes is not None]
        yield "masklet_device_bytes", "Of the devices' memory that this process holds", max(held, default=0)

    async def _close_each(self, sessions: Sequence[Session], keep: bool = True) -> None:
        """Close them all, whatever goes wrong with one of them."""
        closing = (self.close(session, keep) for session in sessions)
        for result in await asyncio.gather(*closing, return_exceptions=True):
            if isinstance(result, Exception):
                _log.error("A session could not be closed cleanly", exc_info=result)

    async def _make_room(self, address: str) -> None:
        settings = self.services.settings
        while address and len(there := self._of_address(address)) >= settings.max_sessions_per_address:
            await self._close_longest_idle(there, "All places of your address are taken. Close another page of yours.")
        while len(self) >= settings.max_sessions:
            full = "All places are taken at the moment. Please try again in a few minutes."
            await self._close_longest_idle(self._sessions.values(), full)

    def _of_address(self, address: str) -> list[Session]:
        return [session for session in self._sessions.values() if session.address == address]

    async def _close_longest_idle(self, sessions: Iterable[Session], full: str) -> None:
        may_go = [session for session in sessions if self._may_go(session)]
        if not may_go:
            raise Busy(full)
        self.services.metrics.count_eviction()
        await self.close(max(may_go, key=self._idle))

    def _may_go(self, session: Session) -> bool:
        """Whether a newcomer may have its place: not as long as its page may come back, or has yet to come."""
        if session.client.is_connected:
            return self._idle(session) >= ACTIVE_SECONDS
        if session.was_present:
            return self._is_over(session)
        return self._idle(session) > self.services.settings.farewell_seconds

    def _idle(self, session: Session) -> float:
        """Seconds since something was asked of it; whoever waits for long work is not idle."""
        return 0.0 if session.is_busy else self.clock() - session.touched_at

    def _is_over(self, session: Session) -> bool:
        now, settings, client = self.clock(), self.services.settings, session.client
        if self._idle(session) > settings.idle_minutes * 60:
            return True
        if client.is_connected:
            return False
        if self._has_left(session):
            return True
        return now - client.disconnected_at > settings.grace_seconds

    def _has_left(self, session: Session) -> bool:
        """Whether its page said goodbye, and has not come back in time."""
        leaving_at = session.leaving_at
        return leaving_at is not None and self.clock() - leaving_at > self.services.settings.farewell_seconds
