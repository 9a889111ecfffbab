"""The API: every action of the page as a function, which ui/api/publish.py makes an endpoint of Gradio.

Their docstrings are what callers read on the API view.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import asdict, replace
from typing import Any, Literal, TypeAlias

from gradio import FileData
from gradio.context import LocalContext

from sam2_core.errors import BadPrompt, MediaError, SessionGone
from sam2_core.media import (
    MAX_NAME_LENGTH,
    PRESETS,
    Rgb,
    hex_of,
    is_hex,
    rgb_of,
)
from sam2_core.media.effects.effect_stack import effect_tables
from sam2_core.media.names import safe_file_name, without_extension
from sam2_core.serving.automatic_run import only_above_thresholds
from sam2_core.serving.commands import GetAutomaticSettings, RemoveObject, Untrack
from sam2_core.serving.edit_log import EditState
from sam2_core.serving.export_formats import SESSION_FORMATS
from sam2_core.serving.project import traits_of
from sam2_core.serving.text_run import TextRun, TextUpdate
from sam2_core.serving.tracking_run import TrackingUpdate
from ui.addresses import client_address
from ui.api.clients import SESSION_GONE, ApiClient
from ui.api.files import receive_file, share_bytes, share_file
from ui.api.results import (
    DetectionResult,
    DoneResult,
    EverythingResult,
    FrameResult,
    ObjectResult,
    OpenedResult,
    TrackingResult,
    TrainingProgress,
    TraitsResult,
    automatic_mask_result,
    detection_result,
    frame_result,
    mask_picture,
    opened_result,
    prompt_result,
)
from ui.api.upload_names import UploadNames
from ui.detection import detectors_event, find_in_clip
from ui.files import AS_THEY_ARE, OpeningOptions, UploadedFile
from ui.gateway.logins import login_of
from ui.models import describe_models
from ui.protocol import (
    MAX_FRAMES_PER_REQUEST,
    ChooseModelRequest,
    DetectClipRequest,
    ExportRequest,
    RemoveObjectRequest,
    SegmentEverythingRequest,
    SetPromptRequest,
    TrackRequest,
    TrainRequest,
    UntrackRequest,
)
from ui.sessions import SessionRegistry

Lists: TypeAlias = list[list[float]]

PROGRESS_SECONDS = 1.0  # between two reports of a training


def endpoints(registry: SessionRegistry, names: UploadNames) -> list[Callable[..., Any]]:
    """All of them, in the order in which they are listed."""
    made = Endpoints(registry, names)
    return [
        made.open,
        made.open_album,
        made.open_with,
        made.segment_image,
        made.prompt,
        made.detect,
        made.detect_and_track,
        made.detectors,
        made.everything,
        made.track,
        made.masks,
        made.untrack,
        made.remove_object,
        made.reset,
        made.models,
        made.choose_model,
        made.train,
        made.close,
        made.export,
        made.kinds,
        made.looks,
        made.name_object,
    ]


class Endpoints:
    """What is done with a session, from its beginning to its end. Belongs to one event loop.

    Each session of a program is one of the registry like an open page's, with the same limits; a page's own token opens
    nothing here.
    """

    def __init__(self, registry: SessionRegistry, names: UploadNames | None = None) -> None:
        self._registry, self._names = registry, names or UploadNames()
        self._services, self._executors = registry.services, registry.services.executors

    # --- from its beginning ---------------------------------------------------------------------------------------

    async def open(self, file: FileData) -> OpenedResult:
        """Open a picture or a clip; a ZIP file of numbered pictures is a clip, too. Gives `session`, the key to all
        that is done with it (keep it to yourself), `kind` (image or clip), `frames`, `height` and `width` in pixels,
        `fps` (0 for a picture), and `warnings` about what is missing or was changed. A session ends with /close, or
        when nothing was asked of it for long.

        Args:
            file: A picture or clip of any usual format, sent with `handle_file`.
        """
        return await self._open([file])

    async def open_album(self, files: list[FileData]) -> OpenedResult:
        """Open several photos as one album: each is a frame with a size and a name of its own (`sizes` as [height,
        width], `names`). Gives what /open gives; `skipped` names the files that could not be used, and why.

        Args:
            files: Pictures, each sent with `handle_file`.
        """
        self._check_count(files, self._services.settings.max_pictures, "An album")
        return await self._open(files)

    async def open_with(self, files: list[FileData], as_clip: bool = False, scale_down: bool = False) -> OpenedResult:
        """Open files with options. Gives what /open gives.

        Args:
            files: A picture, a clip, or several pictures, each sent with `handle_file`.
            as_clip: The pictures are the frames of a clip: of one size and numbered, like frame_0001.png.
            scale_down: Scale down what has too many pixels; masks have the smaller size then.
        """
        settings = self._services.settings
        most = settings.max_frames if as_clip else settings.max_pictures
        self._check_count(files, most, "A clip" if as_clip else "An album")
        return await self._open(files, OpeningOptions(as_clip=bool(as_clip), scale_down=bool(scale_down)))

    async def segment_image(
        self,
        file: FileData,
        points: Lists | None = None,
        labels: list[int] | None = None,
        box: list[float] | None = None,
    ) -> FileData:
        """The mask of one thing in one picture, without a session: a PNG of the picture's size, white (255) where the
        thing is and black (0) elsewhere.

        Args:
            file: A picture, sent with `handle_file`.
            points: Clicks as [[x, y], ...], in pixels of the picture.
            labels: 1 for a click on the thing, 0 for one on what does not belong to it; left out: all 1.
            box: The thing's bounding box as [left, top, right, bottom], in pixels.
        """
        opened = await self._open([file])
        try:
            if opened["kind"] != "image":
                raise MediaError("This is no picture. Use /open, /prompt and /track for a clip.")
            boxes = None if box is None else [box]
            found = await self.prompt(opened["session"], 0, 1, points, labels, boxes)
            name = safe_file_name(without_extension(opened["name"]), "_mask.png")
            shared = await self._executors.read_file(
                share_bytes, name, await self._executors.encode(mask_picture, found)
            )
        finally:
            await self.close(opened["session"])
        return FileData(path=str(shared), orig_name=name)

    # --- prompts, masks, tracking ---------------------------------------------------------------------------------

    async def prompt(
        self,
        session: str,
        frame: int,
        object: int,
        points: Lists | None = None,
        labels: list[int] | None = None,
        boxes: Lists | None = None,
        mask: dict[str, Any] | None = None,
        choice: int | None = None,
        crop: list[float] | None = None,
    ) -> ObjectResult:
        """Set the prompt of an object on a frame, in place of the one before; an empty one clears it. Coordinates are
        pixels of the original, x to the right and y down. Gives the object's `mask` as COCO run lengths ({size:
        [height, width], counts}), its `area` in pixels, its `score` (predicted IoU, 0 to 1), its `presence` (a logit;
        above 0 it is in the frame), and after a single click the `candidates` (mask and score) that may be meant, one
        of which `choice` picks.

        Args:
            session: What /open gave.
            frame: Frame number, from 0.
            object: A number of your own for the object, from 1; a new number makes a new object.
            points: Clicks as [[x, y], ...].
            labels: 1 for a click on the object, 0 for one on what does not belong to it; left out: all 1.
            boxes: Bounding boxes as [[left, top, right, bottom], ...]; the object is what they hold together.
            mask: A mask of the frame's size as COCO run lengths, compressed; alone it is taken as it is.
            choice: Which of the `candidates` of the answer a click means, from 0; left out or too high: the best.
            crop: A part of the frame, [left, top, right, bottom], to look at again at full resolution.
        """
        prompt = {"points": _points(points, labels), "boxes": boxes, "mask": mask, "choice": choice, "crop": crop}
        prompt = {name: value for name, value in prompt.items() if value not in (None, [])}
        client = await self._ready_client(session)
        request = client.check(SetPromptRequest, seq=0, frame=frame, object=object, prompt=prompt)
        workspace = client.workspace
        masks = await client.wait(workspace.prompt(frame, object, request.prompt))
        return await self._executors.encode(prompt_result, masks, object, workspace.info.size_of(frame))

    async def detect(
        self,
        session: str,
        text: str,
        frame: int = 0,
        box_threshold: float | None = None,
        text_threshold: float | None = None,
        detector: str | None = None,
    ) -> DetectionResult:
        """Find what a text names on a frame, and make objects of it that are called like it; what is an object there
        already is left out. Gives the new `objects`, each with its number, `phrase`, `score`, `box` and `mask`, and the
        phrases that are `missing`. The first call may download the detector.

        Args:
            session: What /open gave.
            text: What to find, with commas between several things, e.g. dog, wheel.
            frame: Frame number, from 0.
            box_threshold: No boxes of a lower score, 0 to 1; left out: what suits the detector.
            text_threshold: Words of a lower score do not count, 0 to 1 (of Grounding DINO); left out: 0.25.
            detector: A name from /detectors; left out: the first one.
        """
        client = await self._ready_client(session)
        request = self._detect_request(client, text, detector, frame, box_threshold, text_threshold)
        with client.job("detect") as job:
            run = find_in_clip(self._services, request, client.workspace, job.report, one_frame=True)
            [found] = await client.wait(job.wait(_all_of(run)))
        return await self._executors.encode(detection_result, found, run.missing)

    async def detect_and_track(
        self,
        session: str,
        text: str,
        frame: int = 0,
        every: int | None = None,
        direction: Literal["forward", "backward", "both"] = "forward",
        first: int | None = None,
        last: int | None = None,
        box_threshold: float | None = None,
        text_threshold: float | None = None,
        detector: str | None = None,
    ) -> AsyncGenerator[TrackingResult, None]:
        """Find what a text names on a frame of a clip, and with `every` on each n-th frame from there on, where what is
        new joins; all objects are tracked. A stream as of /track; /masks gives the objects. Cancel the job to end it.

        Args:
            session: What /open gave.
            text: What to find, with commas between several things, e.g. dog, wheel.
            frame: Where to start.
            every: Look again on each n-th frame; left out: only once.
            direction: forward, backward, or both: also looks both ways.
            first: First frame of the range; left out: 0.
            last: Last frame of the range; left out: the clip's last one.
            box_threshold: No boxes of a lower score, 0 to 1; left out: what suits the detector.
            text_threshold: Words of a lower score do not count, 0 to 1 (of Grounding DINO); left out: 0.25.
            detector: A name from /detectors; left out: the first one.
        """
        client = await self._ready_client(session)
        given = {name: each for name, each in (("every", every), ("first", first), ("last", last)) if each is not None}
        request = self._detect_request(
            client, text, detector, frame, box_threshold, text_threshold, direction=direction, **given
        )
        run = find_in_clip(self._services, request, client.workspace, lambda fraction, message: None)
        client.session.begin_tracking(run)
        result = TrackingResult(frame=frame, done=0, total=0, finished=False, changed=0, lost=None)
        try:
            async with aclosing(aiter(run)) as updates:
                while (update := await client.wait(anext(updates, None))) is not None:
                    result["frame"] = update.frame
                    if isinstance(update, TrackingUpdate):
                        result["done"], result["total"] = update.done, update.total
                    yield result.copy()
        finally:
            client.session.end_tracking(run)
        result["finished"], result["changed"] = not run.summary.stopped, run.summary.changed
        yield result

    async def detectors(self) -> list[dict[str, Any]]:
        """The detectors for text prompts that this server offers, the first of which is used if none is named: `name`,
        `title`, size in `megabytes`, whether they are `downloaded` and `loaded`, and thresholds. Empty where there are
        none."""
        found = await self._executors.read_file(detectors_event, self._services.detectors)
        return [each.model_dump() for each in found.detectors]

    async def track(
        self,
        session: str,
        direction: Literal["forward", "backward", "both", "one", "update"] = "forward",
        first: int | None = None,
        last: int | None = None,
        frame: int | None = None,
        pause: bool = False,
    ) -> AsyncGenerator[TrackingResult, None]:
        """Follow all objects through the frames of a clip. A stream: the newest `frame`, and how many of how many
        frames are `done` (of `total`); at the end `finished`, on how many frames masks were computed (`changed`), and
        the object that was `lost`, if any. What is up to date is not computed again. Cancel the job to end it at the
        next frame; what was found is kept.

        Args:
            session: What /open gave.
            direction: forward, backward, both; one: that frame only; update: what corrections made stale.
            first: First frame of the range; left out: 0.
            last: Last frame of the range; left out: the clip's last one.
            frame: Where to start; left out: the first frame with a prompt.
            pause: Stop where an object is lost.
        """
        client = await self._ready_client(session)
        prompted = [each for frames in client.workspace.log.state.prompts.values() for each in frames]
        start = min(prompted, default=0) if frame is None else frame
        given = {name: value for name, value in (("first", first), ("last", last)) if value is not None}
        request = client.check(TrackRequest, run=0, direction=direction, frame=start, pause=pause, **given)
        wanted = request.tracking
        result = TrackingResult(frame=start, done=0, total=0, finished=False, changed=0, lost=None)
        run = client.session.track(wanted)
        try:
            async with aclosing(aiter(run)) as updates:
                while (update := await client.wait(anext(updates, None))) is not None:
                    result["frame"], result["done"], result["total"] = update.frame, update.done, update.total
                    yield result.copy()
        finally:
            client.session.end_tracking(run)
        summary = run.summary
        result["finished"], result["changed"], result["lost"] = not summary.stopped, summary.changed, summary.lost
        yield result

    async def everything(
        self,
        session: str,
        frame: int = 0,
        points_per_side: int | None = None,
        crop_layers: int | None = None,
        min_predicted_iou: float | None = None,
        min_stability: float | None = None,
        min_area: int = 0,
        max_area: int | None = None,
        edge_distance: int = 0,
        min_region_area: int = 0,
    ) -> AsyncGenerator[EverythingResult, None]:
        """Find everything in a frame, from a grid of points. A stream: how many points of `total` are `done`; at the
        end `finished` and the `masks`, best first, each a `mask` as COCO run lengths with its `area`, `predicted_iou`,
        `stability` and `box`. No objects are made: send a mask to /prompt to make one. Cancel the job to end it.

        Args:
            session: What /open gave.
            frame: Frame number, from 0.
            points_per_side: The grid has this many points squared; left out: what suits the network.
            crop_layers: 1 looks also at 4 crops, 2 at 16 more, for small things; left out: what suits the network.
            min_predicted_iou: Only masks with a higher predicted IoU, 0 to 1; left out: what suits the network.
            min_stability: Only masks with at least this stability score, 0 to 1; left out: what suits the network.
            min_area: Only masks of at least this many pixels.
            max_area: Only masks of at most this many pixels.
            edge_distance: Only masks that stay this many pixels away from the edges of the frame.
            min_region_area: Holes and islands of fewer pixels are removed from each mask.
        """
        client = await self._ready_client(session)
        grid = {"points_per_side": points_per_side, "crop_layers": crop_layers}
        given = {name: value for name, value in grid.items() if value is not None}
        request = client.check(SegmentEverythingRequest, run=0, frame=frame, min_region_area=min_region_area, **given)
        limits = {"min_area": min_area, "max_area": max_area, "edge_distance": edge_distance}
        sizes = {name: _whole_limit(name, value) for name, value in limits.items() if value is not None}
        if max_area is not None and max_area < max(min_area, 1):
            raise BadPrompt("`max_area` is a number of pixels, 1 or more, and no less than `min_area`.")
        thresholds = {"min_predicted_iou": min_predicted_iou, "min_stability": min_stability}
        shares: dict[str, Any] = {name: _share(name, value) for name, value in thresholds.items() if value is not None}
        wanted = request.with_defaults(await client.wait(client.workspace.run(GetAutomaticSettings())))
        wanted = only_above_thresholds(replace(wanted, settings=replace(wanted.settings, **shares)))
        with client.job("everything") as job:
            run = client.workspace.segment_everything(wanted)
            async with aclosing(aiter(run)) as updates:
                while (update := await client.wait(anext(updates, None))) is not None:
                    job.report(update.done / update.total, "Looking for everything")
                    yield EverythingResult(done=update.done, total=update.total, finished=False, masks=[])
        found = await self._executors.encode(lambda: [automatic_mask_result(each) for each in run.shown(**sizes)])
        yield EverythingResult(done=run.total, total=run.total, finished=True, masks=found)

    async def masks(self, session: str, first: int = 0, last: int | None = None) -> list[FrameResult]:
        """All masks that are known of some frames: for each frame its `objects` as /prompt gives one. A mask is `stale`
        where it was tracked before a prompt nearby.

        Args:
            session: What /open gave.
            first: First frame, from 0.
            last: Last frame, at most 63 after the first one; left out: the first one alone.
        """
        client = await self._ready_client(session)
        end, frames = first if last is None else last, client.workspace.info.frames
        if not (_is_whole(first) and _is_whole(end) and 0 <= first <= end < frames):
            raise BadPrompt(f"Ask for frames from 0 to {frames - 1}, the first one before the last.")
        if end - first >= MAX_FRAMES_PER_REQUEST:
            raise BadPrompt(f"Ask for at most {MAX_FRAMES_PER_REQUEST} frames at a time.")
        masks = await client.wait(client.workspace.masks(range(first, end + 1)))
        return await self._executors.encode(lambda: [frame_result(each) for each in masks])

    async def untrack(self, session: str, first: int, last: int, objects: list[int] | None = None) -> DoneResult:
        """Take back the newest masks that tracking found on some frames; what it had found before is back.

        Args:
            session: What /open gave.
            first: First frame, from 0.
            last: Last frame.
            objects: The objects' numbers; left out: all.
        """
        client = await self._ready_client(session)
        named = list(client.workspace.log.state.prompts) if objects is None else objects
        request = client.check(UntrackRequest, seq=0, frames=[first, last], objects=named)
        await client.wait(client.workspace.run(Untrack(request.frame_range, request.objects)))
        return DoneResult(session=session)

    async def remove_object(self, session: str, object: int) -> DoneResult:
        """Remove an object with all its prompts and masks.

        Args:
            session: What /open gave.
            object: The object's number.
        """
        client = await self._ready_client(session)
        request = client.check(RemoveObjectRequest, seq=0, object=object)
        await client.wait(client.workspace.run(RemoveObject(request.object)))
        return DoneResult(session=session)

    async def reset(self, session: str) -> DoneResult:
        """Begin anew with what is open: no objects, prompts, masks and names.

        Args:
            session: What /open gave.
        """
        client = await self._ready_client(session)
        client.session.stop_tracking()
        client.workspace.skip_tracking()  # of a replay that is under way
        await client.wait(client.workspace.replace((), lambda fraction, message: None))
        return DoneResult(session=session)

    # --- the network ----------------------------------------------------------------------------------------------

    async def models(self) -> list[dict[str, Any]]:
        """The networks that this server offers, the first of which every session begins with: `name`, `title`, where
        their `weights` are, whether they are `loaded`, how large and good they are, and how fast here. Entries of the
        same `network` differ in their `image_size`, the side of what they see in pixels: 512 is faster, 1024 exact."""
        models = await self._executors.read_file(describe_models, self._services.models, self._services.better)
        return [each.model_dump() for each in models]

    async def choose_model(self, session: str, name: str) -> DoneResult:
        """Go on with another network: it is loaded, and all prompts and tracking so far are replayed there.

        Args:
            session: What /open gave.
            name: A name from /models, such as sam2.1_hiera_tiny, or sam2.1_hiera_tiny@512 for its faster entry.
        """
        client = self._client(session)
        client.admit()
        request = client.check(ChooseModelRequest, name=name)
        with client.job("model") as job:
            await client.wait(client.session.choose_model(request.name, job))
        return DoneResult(session=session)

    async def train(
        self, session: str, minutes: float = 5.0, objects: list[int] | None = None
    ) -> AsyncGenerator[TrainingProgress, None]:
        """Fine-tune the session's network on its photos and masks. A stream: `fraction` and `message`; at the end
        `finished`, the new `model` (a name for /choose_model in this session alone) with its `title`, and the scores
        `before` and `after` on photos that were not trained on. Cancel the job to end it.

        Args:
            session: What /open_album gave.
            minutes: About how long to train.
            objects: The objects' numbers; left out: all.
        """
        client = await self._ready_client(session)
        named = _export_objects(client.workspace.log.state, objects)
        request = client.check(TrainRequest, objects=named, minutes=minutes)
        result = TrainingProgress(
            fraction=0.0, message="Starting", finished=False, model="", title="", before={}, after={}
        )
        with client.job("train") as job:
            training = asyncio.ensure_future(client.wait(client.session.train(request.objects, request.minutes, job)))
            try:
                while not training.done():
                    if (event := client.progress.get("train")) is not None:
                        result["fraction"], result["message"] = event.fraction, event.message
                    yield result.copy()
                    await asyncio.wait({training}, timeout=PROGRESS_SECONDS)
                entry, figures = training.result()
            finally:
                job.cancel()
                await asyncio.gather(training, return_exceptions=True)  # or asyncio logs what nobody has asked for
        yield TrainingProgress(
            fraction=1.0,
            message="Ready",
            finished=True,
            model=entry.name,
            title=entry.title,
            before=dict(figures.before),
            after=dict(figures.after),
        )

    # --- downloads ------------------------------------------------------------------------------------------------

    async def export(
        self,
        session: str,
        kind: str,
        objects: list[int] | None = None,
        first: int = 0,
        last: int | None = None,
        every: int = 1,
        look: str | dict[str, Any] = "Overlay",
        polygons: bool = False,
        pictures: bool = False,
        side_by_side: bool = False,
        cropped: bool = False,
        largest_side: int = 0,
    ) -> FileData:
        """Write a file of what was found: masks, annotations, or pictures and clips that are changed with their help.
        /kinds says which there are, and which of the options mean something to each.

        Args:
            session: What /open gave.
            kind: A name from /kinds, e.g. coco.
            objects: The objects' numbers, the last one above the others; left out: all.
            first: First frame, from 0.
            last: Last frame; left out: the last one there is.
            every: Of these frames, each so many-th.
            look: For pictures and clips: the name of a preset, or layers of effects, as in /looks.
            polygons: Outlines in place of run lengths.
            pictures: The frames themselves go into the archive, too.
            side_by_side: The original on the left.
            cropped: Only the part that the objects ever take up.
            largest_side: Pixels of the longer side at most; 0: as the original.
        """
        client = await self._ready_client(session)
        if kind not in tuple(SESSION_FORMATS):
            raise BadPrompt(f"`kind` must be one of {', '.join(SESSION_FORMATS)}.")
        request = client.check(
            ExportRequest,
            format=kind,
            objects=_export_objects(client.workspace.log.state, objects),
            effects=_effects(look),
            first=first,
            every=every,
            polygons=polygons,
            pictures=pictures,
            side_by_side=side_by_side,
            cropped=cropped,
            largest_side=largest_side,
            **({} if last is None else {"last": last}),
        )
        with client.job("export") as job:
            export = client.session.export(request.objects, request.frame_range, request.options, job)
            shared = await self._executors.read_file(share_file, await client.wait(export))
        await client.lend(shared)
        return FileData(path=str(shared), orig_name=shared.name)

    async def kinds(self) -> dict[str, dict[str, Any]]:
        """What /export can write, by name: `title`, `text`, the file's ending for an image, a clip and an album
        (`endings`; where one is missing there is no such file), and the options that mean something to it (`takes`)."""
        return {name: each.to_json() for name, each in SESSION_FORMATS.items()}

    async def looks(self) -> dict[str, dict[str, Any]]:
        """How pictures and clips can look: `presets` by name, each {layers: [{effect, ...settings}], feather, matte};
        the `effects` of layers with all their settings; and the settings of the objects' `edges`."""
        return effect_tables()

    async def name_object(
        self, session: str, object: int, name: str = "", label: str = "", color: str = ""
    ) -> TraitsResult:
        """Say what an object is called in downloads; what is left out stays as it was. Gives all three.

        Args:
            session: What /open gave.
            object: The object's number; it has a prompt.
            name: A name of its own.
            label: The class that it belongs to, e.g. car; the categories of COCO files.
            color: Its color in pictures, #rrggbb.
        """
        log = self._client(session).workspace.log
        if not _is_whole(object) or object not in log.state.prompts:
            raise BadPrompt("There is no such object. Say with /prompt what it is first.")
        if not all(isinstance(text, str) and len(text) <= MAX_NAME_LENGTH for text in (name, label, color)):
            raise BadPrompt(f"Names and labels are texts of up to {MAX_NAME_LENGTH} letters.")
        given = {"name": name, "label": label, "color": _rgb(color) if color else None}
        log.record_traits(object, {trait: value for trait, value in given.items() if value})
        traits = traits_of(log.state, object)
        return TraitsResult(object=object, name=traits.name, label=traits.label, color=hex_of(traits.color))

    # --- to its end -----------------------------------------------------------------------------------------------

    async def close(self, session: str) -> DoneResult:
        """End a session: everything of it is deleted at once. One that has ended already is no error.

        Args:
            session: What /open gave.
        """
        with suppress(SessionGone):
            await self._registry.close(self._client(session).session)
        return DoneResult(session=str(session))

    # --- inside ---------------------------------------------------------------------------------------------------

    def _detect_request(
        self,
        client: ApiClient,
        text: Any,
        detector: Any,
        frame: Any,
        box_threshold: Any,
        text_threshold: Any,
        **about: Any,
    ) -> DetectClipRequest:
        offered = self._services.detectors.entries
        if not offered:
            raise BadPrompt("This server offers no text prompts.")
        thresholds = (("box_threshold", box_threshold), ("text_threshold", text_threshold))
        about |= {name: value for name, value in thresholds if value is not None}
        state = client.workspace.log.state
        return client.check(
            DetectClipRequest,
            run=0,
            text=text,
            detector=offered[0].name if detector is None else detector,
            frame=frame,
            first_object=max([*state.prompts, *state.traits, 0]) + 1,
            **{"direction": "forward", **about},
        )

    def _check_count(self, files: Any, most: int, what: str) -> None:
        if not isinstance(files, list) or not 1 <= len(files) <= most:
            raise MediaError(f"{what} has 1 to {most} photos.")

    async def _open(self, sent: Sequence[Any], options: OpeningOptions = AS_THEY_ARE) -> OpenedResult:
        """Open a session on files that were sent through Gradio.

        Raises `Busy` where there is no place, and `MediaError` for what cannot be used.
        """
        request = LocalContext.request.get(None)
        session = await self._registry.open(ApiClient, login=login_of(request), address=client_address(request))
        try:
            client = self._client(session.token)
            files = []
            for each in sent:
                path = await self._executors.read_file(receive_file, each, session.folder)
                files.append(UploadedFile(path, self._names.name_of(each)))
            with client.job("ingest") as job:
                workspace, skipped = await client.wait(session.open(files, options, job))
        except BaseException:
            await self._registry.close(session)
            raise
        return opened_result(session.token, workspace.info, skipped)

    def _client(self, key: Any) -> ApiClient:
        """Whose session has this key; raises `SessionGone` where there is none. Counts as activity."""
        session = self._registry.find(key, login_of(LocalContext.request.get(None))) if isinstance(key, str) else None
        if session is None or not isinstance(session.client, ApiClient):
            raise SessionGone(SESSION_GONE)
        self._registry.touch(session)
        return session.client

    async def _ready_client(self, key: Any) -> ApiClient:
        """The same, once its network is loaded; raises `Busy` where it cannot be, and for too many calls."""
        client = self._client(key)
        client.admit()
        await client.wait(client.wait_for_model())
        return client


async def _all_of(run: TextRun) -> list[TextUpdate]:
    return [update async for update in run if isinstance(update, TextUpdate)]


def _points(points: Any, labels: Any) -> list[Any]:
    """Points as a prompt has them, [x, y, label]; what they hold is checked by whoever reads the prompt."""
    points, labels = points or [], labels or []
    if not isinstance(points, list) or not isinstance(labels, list):
        raise BadPrompt("`points` is a list of [x, y], and `labels` a list of 1 and 0.")
    labels = labels or [1] * len(points)
    if len(labels) != len(points):
        raise BadPrompt(f"There are {len(points)} points and {len(labels)} labels. Give one label for each point.")
    if any(not isinstance(point, list) or len(point) != 2 for point in points) or any(
        each not in (0, 1) for each in labels
    ):
        raise BadPrompt("Each point is [x, y], and its label 1 or 0.")
    return [[*point, int(label)] for point, label in zip(points, labels, strict=True)]


def _effects(look: Any) -> Any:
    if not isinstance(look, str):
        return look
    if look not in PRESETS:
        raise BadPrompt(f"There is no look of that name. Choose one of {', '.join(PRESETS)}, or make your own.")
    return PRESETS[look].to_json()


def _rgb(color: str) -> Rgb:
    if not is_hex(color):
        raise BadPrompt("A color is written #rrggbb, e.g. #ff8800.")
    return rgb_of(color)


def _export_objects(state: EditState, numbers: Any) -> list[dict[str, Any]]:
    """These objects (None: all) as an `ExportRequest` names them; raises `BadPrompt` for one that has no prompts."""
    if numbers is None:
        numbers = list(state.prompts)
    if not isinstance(numbers, list) or any(not _is_whole(each) or each not in state.prompts for each in numbers):
        raise BadPrompt(f"`objects` is a list of the numbers {', '.join(map(str, state.prompts))}.")
    return [asdict(traits_of(state, number)) for number in numbers]


def _whole_limit(name: str, value: Any) -> int:
    if not _is_whole(value) or value < 0:
        raise BadPrompt(f"`{name}` is a number of pixels, 0 or more.")
    return int(value)


def _share(name: str, value: Any) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 <= value <= 1:
        raise BadPrompt(f"`{name}` goes from 0 to 1.")
    return float(value)


def _is_whole(value: Any) -> bool:
    """Whether it is a whole number; true and false are none."""
    return isinstance(value, int) and not isinstance(value, bool)
