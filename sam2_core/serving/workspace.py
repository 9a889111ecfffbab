"""A workspace: one medium, the engine's session on it, the edit log, and recovery of the session from that log.

The page, the API and the command line work on one each. They parse, call, and pack; everything in between is here.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from sam2_core.dataset.export import write_dataset
from sam2_core.errors import BadPrompt, MaskletError, SessionGone
from sam2_core.media import ExportOptions, MaskedMedia, ObjectTraits, export, open_store
from sam2_core.media.decoders import IN_PROCESS, Decoders
from sam2_core.media.progress import ProgressReporter
from sam2_core.serving.automatic_run import AutomaticRequest, AutomaticRun
from sam2_core.serving.commands import (
    Command,
    EncodeFrame,
    GetMasks,
    Preview,
    RemoveObject,
    SetPrompt,
    StaleFrames,
    Track,
    Untrack,
)
from sam2_core.serving.edit_log import EditLog, Entry, PromptEntry, RemoveEntry, fold, needed_for_replay
from sam2_core.serving.engine import QueueStatus
from sam2_core.serving.export_formats import SESSION_FORMATS
from sam2_core.serving.recovery import EngineSource, RecoverableSession, RecoveryObserver
from sam2_core.serving.text_run import RunDetection, TextRequest, TextRun
from sam2_core.serving.tracking_run import TrackingRequest, TrackingRun
from sam2_core.types import FrameMasks, FrameSpan, Progress, Prompt, Rating

T = TypeVar("T")
_log = logging.getLogger(__name__)


class WorkspaceObserver(RecoveryObserver):
    """Is told what happens in a workspace beside the results of its calls. Does nothing by itself."""

    def waiting(self, is_waiting: bool) -> None:
        """A call began to wait for the engine while none did, or the last one ended."""

    def answered(self, command: Command[Any], seconds: float) -> None:
        """A command was run; so long did its call take, waiting included."""


class Workspace:
    """One medium at work. Belongs to one event loop, but for `read_masks`.

    The engine's session is opened when it is first needed. Where the engine has lost it (`SessionGone`), it is replayed
    from the edit log and the command is run again. Commands that change something run in the order of the calls and are
    recorded, also where the caller stops waiting.
    """

    def __init__(
        self,
        folder: Path,
        engine: EngineSource,
        max_objects: int,
        observer: WorkspaceObserver | None = None,
        version: int = 0,
        decoders: Decoders = IN_PROCESS,
    ) -> None:
        """`folder` is what `media.ingest` made; `max_objects` how many objects may have prompts at a time; `version` a
        number of the caller's own for this medium; `decoders` read the uploaded files again. Blocks: it opens files.
        Raises `MediaError`."""
        self.folder, self.version = folder, version
        self.store = open_store(folder, decoders)
        self.info = self.store.info
        self.log = EditLog()
        self.max_objects = max_objects
        self._observer = observer or WorkspaceObserver()
        self._session = RecoverableSession(folder, engine, lambda: self.log.entries, self._observer)
        self._order = asyncio.Lock()
        self._waiting: dict[object, float] = {}  # call -> when it began to wait for the engine
        self._edits: set[asyncio.Future[Any]] = set()  # commands under way
        self._tracking: set[asyncio.Future[Any]] = set()
        self._may_track = asyncio.Event()
        self._may_track.set()
        self._changes = 0
        self._encoding: Future[None] = Future()  # of a frame ahead

    # --- prompts, masks, tracking ---------------------------------------------------------------------------------

    async def prompt(self, frame: int, object_id: int, prompt: Prompt) -> FrameMasks:
        """Set, or with an empty prompt clear, what holds for an object on a frame; see `SetPrompt`.

        Raises `BadPrompt`, also where there would be too many objects, and `Busy`.
        """
        return await self.run(SetPrompt(frame, object_id, prompt))

    async def preview(self, frame: int, object_id: int, prompt: Prompt) -> FrameMasks:
        """See `Preview`. A lost session is not brought back for it: raises `SessionGone`."""
        session = await self._session.open()
        return await session.run(Preview(frame, object_id, prompt))

    async def encode_frame(self, frame: int) -> None:
        """Let the engine encode a frame that the user looks at, when it has nothing else to do. Of several calls the
        newest counts. Does not wait for it, and a lost session is not brought back for it. Raises as `Engine.open`."""
        session = await self._session.open()
        self._encoding.cancel()
        self._encoding = session.engine.run(session.id, EncodeFrame(frame))

    def track(self, request: TrackingRequest) -> TrackingRun:
        """Propagate all objects through the clip; iterate over the run to do so. Raises `BadPrompt` for images."""
        if self.info.kind != "clip":
            raise BadPrompt("Photos do not follow one another: there is nothing to track.")
        return TrackingRun(self, request, self.info.frames)

    def find_objects(self, request: TextRequest, detect: RunDetection, first_object: int | None = None) -> TextRun:
        """Find what a text names, prompt it, and track it; iterate over the run to do so. See `TextRun`."""
        return TextRun(self, detect, request, first_object)

    def segment_everything(self, request: AutomaticRequest) -> AutomaticRun:
        """Find all masks of a frame; iterate over the run to do so. Raises `BadPrompt`."""
        if not 0 <= request.frame < self.info.frames:
            raise BadPrompt(f"Frame {request.frame} does not exist: there are {self.info.frames}, counted from 0.")
        return AutomaticRun(self, request, self.info.size_of(request.frame))

    async def masks(self, frames: range) -> tuple[FrameMasks, ...]:
        """See `GetMasks`."""
        return await self.run(GetMasks(frames))

    async def stale_frames(self) -> tuple[FrameSpan, ...]:
        """See `StaleFrames`, of the whole clip."""
        return await self.run(StaleFrames(range(self.info.frames)))

    async def run(self, command: Command[T]) -> T:
        """The result of any command, recorded where it changes something. A lost session is brought back first."""
        kind = type(command)
        if kind in (SetPrompt, RemoveObject, Untrack):
            return await self._despite_cancelling(self._run_in_order(command), self._edits)
        if kind is Track:
            while not self._may_track.is_set():
                await self._may_track.wait()
            return await self._despite_cancelling(self._run_recorded(command), self._tracking)
        return await self._run(command)

    def read_masks(self, frames: range) -> Sequence[FrameMasks]:
        """`masks` for a thread that may block. Raises `SessionGone` where the session is lost."""
        session = self._session.current
        if session is None:
            raise SessionGone()
        return session.engine.run(session.id, GetMasks(frames)).result()

    def masked_media(self, objects: Sequence[ObjectTraits], frames: range | None = None) -> MaskedMedia:
        """The medium with the masks of these objects on these frames, for a thread that may block; see `read_masks`.

        The network does not judge a mask that is its prompt. One that it proposed has the predicted IoU and the rating
        that it was proposed with, until a person changes it.
        """
        prompts = self.log.state.prompts
        proposed = {
            (each.id, frame): (min(max(each.provenance.predicted_iou, 0.0), 1.0), each.provenance.rating)
            for each in objects
            if each.provenance.source != "person" and each.provenance.predicted_iou is not None
            for frame, prompt in prompts.get(each.id, {}).items()
            if prompt.mask is not None
        }

        def read(numbers: range) -> Sequence[FrameMasks]:
            return [_as_proposed(masks, proposed) for masks in self.read_masks(numbers)]

        return MaskedMedia(self.store, read if proposed else self.read_masks, objects, frames)

    async def export(
        self,
        folder: Path,
        objects: Sequence[ObjectTraits],
        frames: range,
        options: ExportOptions,
        progress: Progress,
        run_blocking: Callable[..., Awaitable[Path]] = asyncio.to_thread,
    ) -> Path:
        """Write the masks of these objects on these frames to a file in `folder`; the file.

        `run_blocking` runs a function on a thread, where `progress` is called, which may raise to end it. Raises
        `MediaError` and `BadPrompt`.
        """
        await self.masks(range(1))  # brings back a lost session
        media = self.masked_media(objects, frames)
        return await run_blocking(export, folder, media, options, progress, SESSION_FORMATS)

    async def write_dataset(
        self,
        folder: Path,
        objects: Sequence[ObjectTraits],
        progress: Progress,
        run_blocking: Callable[..., Awaitable[None]] = asyncio.to_thread,
    ) -> None:
        """Write the photos and the masks of these objects into a dataset folder; see `export`. Raises `MediaError`."""
        await self.masks(range(1))  # brings back a lost session
        media = self.masked_media(objects)
        await run_blocking(write_dataset, folder, media, ProgressReporter(progress))

    # --- the whole of the work ------------------------------------------------------------------------------------

    async def add(self, entries: Sequence[Entry], progress: Progress) -> None:
        """Do the prompts and removals among these entries beside all that holds. `progress` may raise to end it; what
        was done until then stays."""
        await self._despite_cancelling(self._add(entries, progress), self._edits)

    async def replace(self, entries: Sequence[Entry], progress: Progress) -> bool:
        """Put these entries in place of all that holds; whether their tracking was skipped (`skip_tracking`).

        Where that fails, all stays as it was.
        """
        self._check_count(fold(entries).prompts.keys())
        return await self._despite_cancelling(self._replace(entries, progress), self._edits)

    async def move(self, engine: EngineSource, progress: Progress) -> None:
        """Replay everything on another engine and go on there; where that fails, or is cancelled, all stays as it was.

        `progress` may raise to end it.
        """
        async with self._exclusively():
            await self._session.replay(self.log.entries, progress, engine)

    def skip_tracking(self) -> None:
        """Let a replay that is under way leave out the rest of its tracking."""
        self._session.skip_tracking()

    async def close(self) -> None:
        """Free the session and the store; calls that wait fail. What the engine still does is not waited for."""
        self._encoding.cancel()
        self._session.close()
        self.store.close()

    # --- how it stands --------------------------------------------------------------------------------------------

    @property
    def revision(self) -> int:
        """The newest revision of the session."""
        session = self._session.current
        return 0 if session is None else session.revision

    @property
    def state(self) -> tuple[int, int]:
        """Another one whenever masks may have changed."""
        return self.revision, self._changes + self._session.replaced

    @property
    def is_replaying(self) -> bool:
        """Whether the session is being brought back."""
        return self._session.is_replaying

    @property
    def waiting_seconds(self) -> float:
        """For how long the oldest call has been waiting for the engine; 0 where none does."""
        return time.monotonic() - min(self._waiting.values()) if self._waiting else 0.0

    def status(self) -> QueueStatus:
        """See `Engine.status`; raises `Busy` while the engine is loading."""
        return self._session.status()

    # --- inside ---------------------------------------------------------------------------------------------------

    async def _add(self, entries: Sequence[Entry], progress: Progress) -> None:
        wanted = [entry for entry in needed_for_replay(entries) if isinstance(entry, PromptEntry)]
        removals = [entry for entry in entries if isinstance(entry, RemoveEntry)]
        added = {entry.object_id for entry in wanted if not entry.prompt.is_empty}
        async with self._order:
            left = self.log.state.prompts.keys() - {entry.object_id for entry in removals}
            self._check_count(left | added)
            for removal in removals:
                await self._run_recorded(RemoveObject(removal.object_id))
            for number, entry in enumerate(wanted):
                progress(number / len(wanted), "Applying the prompts")
                with suppress(BadPrompt):  # what is no valid prompt here has no effect, as in a replay
                    await self._run_recorded(SetPrompt(entry.frame, entry.object_id, entry.prompt))

    async def _replace(self, entries: Sequence[Entry], progress: Progress) -> bool:
        async with self._exclusively():
            skipped = await self._session.replay(entries, progress)
            self.log.replace(entries)
        return skipped

    async def _run_in_order(self, command: Command[T]) -> T:
        async with self._order:
            if isinstance(command, SetPrompt) and not command.prompt.is_empty:
                self._check_count(self.log.state.prompts.keys() | {command.object_id})
                self.log.admit(command.prompt)
            return await self._run_recorded(command)

    async def _run_recorded(self, command: Command[T]) -> T:
        result = await self._run(command)
        self._changes += 1
        if isinstance(command, SetPrompt):
            self.log.record_prompt(command.frame, command.object_id, command.prompt)
        elif isinstance(command, RemoveObject):
            self.log.record_removal(command.object_id)
        elif isinstance(command, Untrack):
            self.log.record_untracked(command.frames, command.objects)
        elif isinstance(command, Track) and isinstance(result, tuple):
            for masks in result:
                fresh = [each.object_id for each in masks.objects if each.fresh]
                if fresh:
                    self.log.record_tracked(masks.frame, command.frames.step, fresh)
        return result

    async def _run(self, command: Command[T]) -> T:
        start = time.monotonic()
        with self._wait():
            result = await self._session.run(command)
        self._observer.answered(command, time.monotonic() - start)
        return result

    @asynccontextmanager
    async def _exclusively(self) -> AsyncIterator[None]:
        """No command that changes something is under way, and none begins."""
        async with self._order:
            self._may_track.clear()
            try:
                if self._tracking:
                    await asyncio.wait(self._tracking)
                async with self._session.recovering:
                    yield
            finally:
                self._may_track.set()

    async def _despite_cancelling(self, work: Awaitable[T], kept_in: set[asyncio.Future[Any]]) -> T:
        """The result of `work`, which goes on to its end even where the caller stops waiting."""
        task = asyncio.ensure_future(work)
        kept_in.add(task)  # asyncio itself holds tasks weakly
        task.add_done_callback(kept_in.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(_log_fault)
            raise

    @contextmanager
    def _wait(self) -> Iterator[None]:
        """Around a call that waits for the engine."""
        call = object()
        self._waiting[call] = time.monotonic()
        if len(self._waiting) == 1:
            self._observer.waiting(True)
        try:
            yield
        finally:
            del self._waiting[call]
            if not self._waiting:
                self._observer.waiting(False)

    def _check_count(self, objects: Collection[int]) -> None:
        if len(objects) > self.max_objects:
            raise BadPrompt(f"At most {self.max_objects} objects fit in one session. Remove one first.")


def _log_fault(task: asyncio.Future[Any]) -> None:
    """Look at what became of work for which nobody waits any more: an error that is meant for users concerns nobody."""
    error = None if task.cancelled() else task.exception()
    if error is not None and not isinstance(error, MaskletError):
        _log.error("A command failed for which nobody waited", exc_info=error)


def _as_proposed(masks: FrameMasks, proposed: Mapping[tuple[int, int], tuple[float, Rating | None]]) -> FrameMasks:
    """The masks of a frame with the predicted IoUs and ratings that are given by object and frame."""
    objects = []
    for each in masks.objects:
        predicted_iou, rating = proposed.get((each.object_id, masks.frame), (each.predicted_iou, each.rating))
        objects.append(replace(each, predicted_iou=predicted_iou, rating=rating))
    return replace(masks, objects=tuple(objects))
