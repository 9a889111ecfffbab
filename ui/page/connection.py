"""A page's end of its session: requests come in, events go out through the send queue (see ui/protocol)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from sam2_core.errors import Busy, Cancelled, MaskletError, MediaError
from sam2_core.media.names import safe_file_name
from sam2_core.serving.better_model import BetterModel
from sam2_core.serving.commands import RemoveObject, Untrack
from sam2_core.serving.text_run import TextRun, TextUpdate
from sam2_core.serving.tracking_run import TrackingRun, TrackingUpdate
from sam2_core.serving.workspace import Workspace, WorkspaceObserver
from sam2_core.types import FrameMasks
from ui import protocol
from ui.files import AS_THEY_ARE, OpeningOptions, UploadedFile
from ui.jobs import Job, JobCancelled, Pacer, RateLimit
from ui.metrics import MeasuringObserver
from ui.models import better_model_event, describe_models, model_event, models_event, report_loading
from ui.page.detection import TextPrompts
from ui.page.everything import send_everything
from ui.page.imports import ImportOptions, read_and_propose
from ui.page.live import LiveCamera
from ui.page.previews import EffectPreviews
from ui.page.send_queue import SendQueue
from ui.page.sound import ClipSound
from ui.page.uploads import UploadBatch
from ui.page.visitor import Visitor
from ui.protocol import (
    CancelRequest,
    ChooseModelRequest,
    DetectClipRequest,
    DetectRequest,
    DoneEvent,
    EditLogRequest,
    EncodeFrameRequest,
    Event,
    ExportRequest,
    GetMasksRequest,
    HelloEvent,
    ListDetectorsRequest,
    ListModelsRequest,
    ObjectRemovedEvent,
    OpenedEvent,
    PreviewRequest,
    ProgressEvent,
    QueueEvent,
    RemoveObjectRequest,
    Request,
    RetryDownloadRequest,
    SegmentEverythingRequest,
    SetPromptRequest,
    StopRequest,
    TrackingRunData,
    TrackRequest,
    TrainRequest,
    UntrackedEvent,
    UntrackRequest,
    describe_medium,
    pack,
    pack_masks,
    pack_preview,
    stale_event,
)
from ui.sessions import Session
from ui.settings import Settings

# Events that tell how something stands.
_STATES = ("model", "models", "better_model", "detectors", "queue", "stale", "heartbeat")
# Requests that change masks.
_EDITS = SetPromptRequest | RemoveObjectRequest | TrackRequest | DetectClipRequest | UntrackRequest | EditLogRequest
MAX_PAGE_NAME = 64  # characters
PREVIEWS_PER_SECOND = 25  # a page asks at most every 60 milliseconds


class PageConnection:
    """Requests of one page. It is the session's client, whether or not a socket is there. Belongs to one event loop."""

    def __init__(self, session: Session, clock: Callable[[], float]) -> None:
        services = session.services
        self._session, self._tasks, self._executors = session, session.tasks, services.executors
        self.queue = SendQueue(clock)
        self.uploads = UploadBatch(services)
        self.effect_previews, self.effect_thumbnails = EffectPreviews(services), EffectPreviews(services)
        self.sound = ClipSound(services)
        self.thumbnail_rate = RateLimit(services.settings.messages_per_second)
        self.visitor = Visitor()
        self._previews = HoverPreviews(self)
        self._pacer = _pacer(services.settings)
        self._text_prompts = TextPrompts(services, self.send)
        self.live = LiveCamera(session, self.send, self.queue.put)
        self._answering = asyncio.Lock()  # edits are answered in the order in which they were asked for
        self._telling_stale = asyncio.Lock()
        self._tracking: TrackRequest | DetectClipRequest | None = None  # the run under way
        self._page, self._editor, self._edits = "", "", 0  # names of the page and of the last one that changed masks
        self._stop_listening = self._follow_better_model(services.better)
        self._untracked: int | None = None  # seq of the last request that was answered, if it took tracking back

    # --- the session's client -------------------------------------------------------------------------------------

    @property
    def is_connected(self) -> bool:
        """See `Client`."""
        return self.queue.is_connected

    @property
    def disconnected_at(self) -> float:
        """See `Client`."""
        return self.queue.disconnected_at

    @property
    def observer(self) -> WorkspaceObserver:
        """See `Client`."""
        return PageObserver(self._session, self.send)

    def send(self, event: Event) -> None:
        """Queue an event; of progress and state only the newest waits."""
        newest_only = f"progress {event.job}" if isinstance(event, ProgressEvent) else event.t
        self.queue.put(pack(event), newest_only if isinstance(event, ProgressEvent) or event.t in _STATES else "")

    async def close(self) -> None:
        """See `Client`."""
        self._stop_listening()
        self.live.stop()
        await self.queue.disconnect()

    # --- requests -------------------------------------------------------------------------------------------------

    def greet(self, page: str) -> None:
        """First events of a new connection; `page` is the name that a page has given itself when it was loaded."""
        self._page = page[:MAX_PAGE_NAME]
        workspace = self._session.workspace
        version, medium = (0, None) if workspace is None else (workspace.version, _describe(workspace))
        tracking, last_object = self._tracking, None
        if isinstance(tracking, DetectClipRequest):
            last_object = tracking.first_object + self._session.services.settings.max_objects
        everything = self._tasks.fields_of("everything").get("run")
        hello = HelloEvent(
            version=version,
            medium=medium,
            opening=self._tasks.has("ingest"),
            restored=self._session.is_restored,
            editor=self._editor,
            edits=self._edits,
            tracking=tracking,
            last_object=last_object,
            everything=everything,
        )
        if tracking is not None:
            self._note_edit()  # its masks come to this page from now on
        self.queue.put_first(pack(hello))
        self._tasks.start(report_loading(lambda: self._session.model, self.send))
        self._send_better_model()

    def _note_edit(self) -> None:
        self._editor, self._edits = self._page, self._edits + 1

    async def handle(self, text: str) -> None:
        """Take a request of the page: answers and errors come through the queue. Raises `TooFast` for a flood.

        Returns when the request is under way, so requests that are handed over one after the other begin in this order.
        """
        self.visitor.enter()
        is_preview = protocol.is_preview(text)
        if not (is_preview and self._previews.admit()):
            await self._pacer.wait(len(text))
            if is_preview:
                return
        try:
            self._tasks.admit()
            if protocol.is_live(text):
                read = partial(protocol.parse_live_request, bounds=self.live.bounds)
                self._tasks.start(self.live.handle(await self._off_loop_if_large(read, text)), job="live")
                return
            parse = partial(protocol.parse_request, bounds=self._session.bounds)
            request: Request = await self._off_loop_if_large(parse, text)
        except MaskletError as error:
            self._session.services.metrics.count_error(error)
            self._tasks.report_error(str(error), **protocol.request_subject(text))
            return
        with self._tasks.reporting_errors():
            self._begin(request)

    async def _off_loop_if_large(self, read: Callable[[str], Any], text: str) -> Any:
        return await self._executors.read_message(read, text) if protocol.is_large(text) else read(text)

    def _begin(self, request: Request) -> None:
        """Start what is asked for; each kind of request has its own method below."""
        start = self._tasks.start
        if isinstance(request, CancelRequest):
            self._cancel(request)
        elif isinstance(request, ListModelsRequest):
            start(self._list_models())
        elif isinstance(request, RetryDownloadRequest):
            if self._session.services.better is not None:
                self._session.services.better.retry()
        elif isinstance(request, ListDetectorsRequest):
            start(self._text_prompts.list())
        elif isinstance(request, ChooseModelRequest):
            self._tasks.start_job("model", partial(self._choose_model, request), model=request.name)
        elif (workspace := self._session.workspace) is not None:
            self._begin_on(request, workspace)

    def _begin_on(self, request: Request, workspace: Workspace) -> None:
        start = self._tasks.start
        if isinstance(request, _EDITS):
            self._note_edit()
        if isinstance(request, SetPromptRequest | RemoveObjectRequest):
            self._untracked = None
        if isinstance(request, SetPromptRequest):
            start(self._set_prompt(request, workspace), seq=request.seq)
        elif isinstance(request, PreviewRequest):
            start(self._previews.answer(request, workspace))
        elif isinstance(request, RemoveObjectRequest):
            start(self._remove_object(request, workspace), seq=request.seq)
        elif isinstance(request, GetMasksRequest):
            start(self._send_masks(request, workspace), **({} if request.seq is None else {"seq": request.seq}))
        elif isinstance(request, EncodeFrameRequest):
            start(self._encode_frame(request, workspace))
        elif isinstance(request, TrackRequest | DetectClipRequest):
            self._track(request, workspace)
        elif isinstance(request, DetectRequest):
            work = partial(self._text_prompts.detect, request, workspace)
            self._tasks.start_job("detect", work, run=request.run)
        elif isinstance(request, StopRequest):
            self._session.stop_tracking()
        elif isinstance(request, UntrackRequest):
            start(self._untrack(request, workspace), seq=request.seq)
        elif isinstance(request, SegmentEverythingRequest):
            self._segment_everything(request, workspace)
        elif isinstance(request, ExportRequest):
            self._tasks.start_job("export", partial(self._export, request))
        elif isinstance(request, TrainRequest):
            self._tasks.start_job("train", partial(self._train, request))
        elif isinstance(request, EditLogRequest):
            edit = self._add_entries if request.more else self._replace_entries
            start(edit(request, workspace), job="replay", seq=request.seq)

    # --- prompts --------------------------------------------------------------------------------------------------

    async def _set_prompt(self, request: SetPromptRequest, workspace: Workspace) -> None:
        async with self._answering:
            masks = await workspace.prompt(request.frame, request.object, request.prompt)
            await self._put_masks(masks, workspace, seq=request.seq, object=request.object)
        await self._send_stale(workspace)

    async def _remove_object(self, request: RemoveObjectRequest, workspace: Workspace) -> None:
        async with self._answering:
            await workspace.run(RemoveObject(request.object))
            self.send(ObjectRemovedEvent(seq=request.seq, object=request.object))

    async def _untrack(self, request: UntrackRequest, workspace: Workspace) -> None:
        async with self._answering:
            if request.seq != self._untracked:  # else the page did not get the answer and asks once more
                await workspace.run(Untrack(request.frame_range, request.objects))
                self._untracked = request.seq
            self.send(UntrackedEvent(seq=request.seq))
        await self._send_stale(workspace)

    async def _replace_entries(self, request: EditLogRequest, workspace: Workspace) -> None:
        self._session.stop_tracking()
        workspace.skip_tracking()  # of an earlier replay that is under way
        async with self._answering:
            stopped = await workspace.replace(request.entries, self._report_replay)
            self.send(DoneEvent(job="replay", seq=request.seq, stopped=stopped))
        await self._send_stale(workspace)

    async def _add_entries(self, request: EditLogRequest, workspace: Workspace) -> None:
        stopped = False
        with self._tasks.job("replay") as job:
            async with self._answering:
                try:
                    await workspace.add(request.entries, job.report)
                except JobCancelled:
                    stopped = True
                self.send(DoneEvent(job="replay", seq=request.seq, stopped=stopped))
        await self._send_stale(workspace)

    def _report_replay(self, fraction: float | None, message: str) -> None:
        self.send(ProgressEvent(job="replay", fraction=fraction, message=message))

    # --- masks ----------------------------------------------------------------------------------------------------

    async def _send_masks(self, request: GetMasksRequest, workspace: Workspace) -> None:
        """All that is known of some frames, as fast as the page takes them."""
        async with self._session.switching:
            for masks in await workspace.masks(request.frame_range):
                await self.queue.wait_for_room()
                await self._put_masks(masks, workspace, seq=request.seq)

    async def _encode_frame(self, request: EncodeFrameRequest, workspace: Workspace) -> None:
        with suppress(MaskletError):  # nobody asked for it; the next click tells what is wrong
            await workspace.encode_frame(request.frame)

    async def _send_stale(self, workspace: Workspace) -> None:
        """What is stale now: after every edit, but without making the next one wait."""
        if workspace.info.kind != "clip" or workspace is not self._session.workspace:  # else another one is open now
            return
        async with self._telling_stale:  # in order, so that the last to arrive is the newest
            self.send(stale_event(await workspace.stale_frames(), workspace.version))

    async def send_preview(self, masks: FrameMasks, workspace: Workspace, seq: int) -> None:
        """The answer to a preview; of several only the newest waits to be sent."""
        message = await self._executors.encode(pack_preview, masks, version=workspace.version, seq=seq)
        self.queue.put(message, "preview")

    async def _put_masks(self, masks: FrameMasks, workspace: Workspace, **fields: Any) -> None:
        message = await self._executors.encode(pack_masks, masks, version=workspace.version, **fields)
        self.queue.put(message)

    # --- tracking -------------------------------------------------------------------------------------------------

    def _track(self, request: TrackRequest | DetectClipRequest, workspace: Workspace) -> None:
        with self._tasks.reporting_errors(job="track", run=request.run):
            run: TrackingRun | TextRun
            if isinstance(request, DetectClipRequest):
                run = self._text_prompts.run(request, workspace)
                self._session.begin_tracking(run)
            else:
                run = self._session.track(request.tracking)
            self._tracking = request
            self._tasks.start(self._follow(run, request, workspace), job="track", run=request.run)

    async def _follow(
        self, run: TrackingRun | TextRun, request: TrackRequest | DetectClipRequest, workspace: Workspace
    ) -> None:
        """Send the masks as they come. Pauses while no page listens."""
        try:
            await self.queue.wait_for_room()
            async for update in run:
                if isinstance(update, TextUpdate):
                    await self._send_found(update, request, workspace)
                else:
                    await self._send_update(update, request, workspace)
                await self.queue.wait_for_room()
        finally:
            self._session.end_tracking(run)
            if self._tracking is request:
                self._tracking = None
        done = DoneEvent(job="track", run=request.run, **asdict(run.summary))
        if isinstance(run, TextRun):
            done = done.model_copy(update={"objects": run.objects, "missing": run.missing})
        self.send(done)
        await self._send_stale(workspace)

    async def _send_found(self, update: TextUpdate, request: TrackingRunData, workspace: Workspace) -> None:
        """The new objects of a frame and their masks."""
        await self._text_prompts.send_found(update, request.run, workspace)
        for each in update.added:
            await self._put_masks(each.masks, workspace, object=each.id)

    async def _send_update(self, update: TrackingUpdate, request: TrackingRunData, workspace: Workspace) -> None:
        for masks in update.masks:
            await self._put_masks(masks, workspace, run=request.run, step=update.step)
        pace = update.frames_per_second
        self.send(
            ProgressEvent(
                job="track",
                fraction=update.done / update.total,
                message="Tracking",
                run=request.run,
                direction=update.direction,
                frame=update.frame,
                done=update.done,
                total=update.total,
                fps=None if pace is None else round(pace, 2),
                left=update.seconds_left,
            )
        )

    def _segment_everything(self, request: SegmentEverythingRequest, workspace: Workspace) -> None:
        work = partial(send_everything, request, workspace, self.queue, self._executors)
        self._tasks.start_job("everything", work, run=request.run)

    # --- jobs -----------------------------------------------------------------------------------------------------

    def open(self, files: list[UploadedFile], options: OpeningOptions = AS_THEY_ARE) -> None:
        """Read uploaded files in the background; what is open stays open until the new medium is ready."""
        self._tasks.start_job("ingest", partial(self._open, files, options))

    async def read_annotations(self, file: Path, options: ImportOptions) -> dict[str, Any]:
        """What a file says about the open medium, as prompts (see `propose`).

        Raises `MediaError` for a file that cannot be used, and `Cancelled` where the page gives up on it.
        """
        workspace = self._session.workspace
        if workspace is None:
            raise MediaError("Open the picture or clip first that these annotations are about.")
        try:
            with self._tasks.job("import") as job:
                work = partial(self._session.services.decoders.run, read_and_propose, file, workspace.info, options)
                return await job.run(self._executors, work, report=job.report)
        except JobCancelled as error:
            raise Cancelled("The import was given up.") from error

    def photos_to_join(self) -> int:
        """How many photos are open that more can be added to; raises `MediaError` where there are none."""
        workspace = self._session.workspace
        if workspace is None or workspace.info.kind == "clip":
            raise MediaError("Photos can be added to photos only. Open them on their own.")
        return workspace.info.frames

    async def _open(self, files: list[UploadedFile], options: OpeningOptions, job: Job) -> None:
        self._tasks.cancel("everything")
        add = options.add and self._session.workspace is not None
        workspace, skipped = await self._session.open(files, options, job)
        self.effect_previews.forget()
        self.effect_thumbnails.forget()
        left_out = tuple(protocol.SkippedData(name=each.name, reason=each.reason) for each in skipped)
        medium = _describe(workspace)
        warnings = workspace.info.warnings
        self.send(OpenedEvent(version=workspace.version, medium=medium, added=add, skipped=left_out, warnings=warnings))

    async def _export(self, request: ExportRequest, job: Job) -> None:
        file = await self._session.export(request.objects, request.frame_range, request.options, job)
        url = self._session.downloads.add(file)
        self.send(DoneEvent(job="export", url=url, name=file.name, size=file.stat().st_size))

    async def _train(self, request: TrainRequest, job: Job) -> None:
        entry, result = await self._session.train(request.objects, request.minutes, job)
        file = result.weights
        file_name = safe_file_name(Path(entry.model).stem, f"_trained{file.suffix}")
        self.send(
            DoneEvent(
                job="train",
                name=entry.name,
                title=entry.title,
                before=dict(result.before),
                after=dict(result.after),
                photos=result.photos,
                masks=result.masks,
                url=f"weights/{entry.name}/{file_name}",
                size=(await self._executors.read_file(file.stat)).st_size,
            )
        )

    async def _list_models(self) -> None:
        better = self._session.services.better
        models = await self._executors.read_file(describe_models, self._session.models, better)
        self.send(models_event(self._session.model, models))

    def _follow_better_model(self, better: BetterModel | None) -> Callable[[], None]:
        """Tell the page how far the download of a better network is; the result ends that."""
        if better is None:
            return lambda: None
        loop = asyncio.get_running_loop()

        def tell() -> None:
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._send_better_model)

        return better.listen(tell)

    def _send_better_model(self) -> None:
        event = better_model_event(self._session.services.better)
        if event is not None:
            self.send(event)

    async def _choose_model(self, request: ChooseModelRequest, job: Job) -> None:
        self._tasks.cancel("everything")  # else it would go on with masks of another network
        await self._session.choose_model(request.name, job)
        self.send(model_event(self._session.model))
        self.send(DoneEvent(job="model", name=self._session.model.entry.name))

    def _cancel(self, request: CancelRequest) -> None:
        """Of a replay, its tracking is skipped; files that wait for others of their batch go with the job."""
        self._tasks.cancel(request.job)
        if request.job == "replay" and self._session.workspace is not None:
            self._session.workspace.skip_tracking()
        elif request.job == "ingest":
            self._tasks.start(self.uploads.clear())


def _pacer(settings: Settings) -> Pacer:
    size = 1e6 * settings.message_mb_per_second
    return Pacer(
        RateLimit(settings.messages_per_second),
        RateLimit(size, burst=max(2 * size, 2 * protocol.MAX_REQUEST_CHARACTERS)),
        settings.flood_seconds,
    )


def _describe(workspace: Workspace) -> protocol.MediumData:
    return describe_medium(workspace.info, workspace.store.times.tolist())


class HoverPreviews:
    """Answers previews under a moving pointer, one at a time; of those that wait meanwhile only the newest is kept.

    They have a budget of their own, so that a pointer never costs a click its place. What is too much or goes wrong is
    passed over in silence: nobody asked for anything.
    """

    def __init__(self, connection: PageConnection) -> None:
        self._connection = connection
        self._rate = RateLimit(PREVIEWS_PER_SECOND)
        self._newest: tuple[PreviewRequest, Workspace] | None = None
        self._answering = False

    def admit(self) -> bool:
        """Whether one more may be read."""
        try:
            self._rate.count()
        except Busy:
            return False
        return True

    async def answer(self, request: PreviewRequest, workspace: Workspace) -> None:
        """Answer, unless a newer one comes before it is this one's turn."""
        self._newest = (request, workspace)
        if self._answering:
            return
        self._answering = True
        try:
            while self._newest is not None:
                newest, self._newest = self._newest, None
                await self._send(*newest)
        finally:
            self._answering = False

    async def _send(self, request: PreviewRequest, workspace: Workspace) -> None:
        masks = FrameMasks(request.frame, 0, ())
        if not workspace.status().is_metered:  # else it would cost the visitor something
            with suppress(MaskletError):  # a lost session is brought back by the next click; the page must not wait
                masks = await workspace.preview(request.frame, request.object, request.prompt)
        await self._connection.send_preview(masks, workspace, request.seq)


class PageObserver(MeasuringObserver):
    """Tells the page what its requests wait for, once that takes long enough to be noticed, and how recovery goes
    on."""

    NOTICED_SECONDS = 0.5
    REPEAT_SECONDS = 1.0
    WORTH_SECONDS = 1.0  # what takes less needs no words when nobody else is before

    def __init__(self, session: Session, send: Callable[[Event], None]) -> None:
        super().__init__(session.services.metrics)
        self._session, self._send = session, send
        self._reporting: asyncio.Task[None] | None = None
        self._reported = False

    def waiting(self, is_waiting: bool) -> None:
        """See `WorkspaceObserver`."""
        if is_waiting:
            self._reporting = asyncio.create_task(self._report())
            return
        if self._reporting is not None:
            self._reporting.cancel()
            self._reporting = None
        if self._reported:
            self._reported = False
            self._send(QueueEvent(position=0, seconds=0.0))

    def replaying(self, fraction: float | None, message: str) -> None:
        """See `WorkspaceObserver`."""
        self._send(ProgressEvent(job="replay", fraction=fraction, message=message))

    def replayed(self, tracking_skipped: bool) -> None:
        """See `WorkspaceObserver`."""
        self._send(DoneEvent(job="replay", stopped=tracking_skipped))

    async def _report(self) -> None:
        while True:
            workspace = self._session.workspace
            if workspace is None:
                return
            await asyncio.sleep(max(self.NOTICED_SECONDS - workspace.waiting_seconds, 0))
            if workspace.waiting_seconds < self.NOTICED_SECONDS:
                continue  # the oldest call has ended meanwhile
            try:
                status = workspace.status()
            except MaskletError:
                return  # there is no engine now, which the call itself will say
            if status.position or status.seconds >= self.WORTH_SECONDS:
                self._reported = True
                self._send(QueueEvent(position=status.position, seconds=round(status.seconds, 1)))
            await asyncio.sleep(self.REPEAT_SECONDS)
