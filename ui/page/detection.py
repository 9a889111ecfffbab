"""Text prompts of a page: what a text names on a frame, or through a clip."""

from __future__ import annotations

from collections.abc import Sequence

from sam2_core.detection.phrases import read_phrases
from sam2_core.serving.detection_engine import Detect
from sam2_core.serving.text_run import FoundObject, TextRun, TextUpdate, detect_on_frame
from sam2_core.serving.workspace import Workspace
from sam2_core.types import Box
from ui.detection import detection_runner, detectors_event, find_in_clip
from ui.jobs import Job, Send
from ui.protocol import (
    DetectClipRequest,
    DetectedEvent,
    DetectRequest,
    DoneEvent,
    FoundData,
    FoundMaskData,
    ProgressEvent,
)
from ui.sessions import Services

MAX_MASK_CHARACTERS = 3_000_000
"""Of all masks of one answer, which come back as prompts; objects beyond it are prompted with their boxes."""


class TextPrompts:
    """Answers requests about text prompts. Belongs to one event loop."""

    def __init__(self, services: Services, send: Send) -> None:
        self._services, self._send = services, send

    async def list(self) -> None:
        """Send which detectors there are."""
        registry = self._services.detectors
        self._send(await self._services.executors.read_file(detectors_event, registry))

    async def detect(self, request: DetectRequest, workspace: Workspace, job: Job) -> None:
        """Send all that is found on a frame from low scores on; the page filters it, and makes the objects."""
        entry = self._services.detectors.entry(request.detector)
        floor = entry.thresholds.floor
        command = Detect(
            media=str(workspace.folder),
            frame=request.frame,
            phrases=read_phrases(request.text),
            detector=entry.source,
            box_threshold=floor.box,
            text_threshold=floor.text,
        )
        detect = detection_runner(self._services, entry, job.report)
        found = await job.wait(detect_on_frame(workspace, detect, command))
        event = await self._services.executors.encode(found_event, request.run, workspace.version, command, found)
        self._send(event)
        self._send(DoneEvent(job="detect", run=request.run))

    def run(self, request: DetectClipRequest, workspace: Workspace) -> TextRun:
        """The run through the clip that a request asks for; it is not begun. Raises `BadPrompt`."""

        def report(fraction: float | None, message: str) -> None:
            self._send(ProgressEvent(job="track", run=request.run, fraction=fraction, message=message))

        return find_in_clip(self._services, request, workspace, report)

    async def send_found(self, update: TextUpdate, run: int, workspace: Workspace) -> None:
        """Send the new objects of a run, which are prompted already."""
        found, objects = [each.found for each in update.added], [each.id for each in update.added]
        command = Detect("", update.frame, ())
        encode = self._services.executors.encode
        self._send(await encode(found_event, run, workspace.version, command, found, objects, update.left_out))


def found_event(
    run: int,
    version: int,
    command: Detect,
    found: Sequence[FoundObject],
    objects: Sequence[int] | None = None,
    left_out: int = 0,
) -> DetectedEvent:
    """The `detected` event; `objects` are the numbers of what was found, where they are objects already."""
    room, data = MAX_MASK_CHARACTERS, []
    for place, each in enumerate(found):
        detection = each.detection
        mask = None
        if detection.mask is not None:
            plain = detection.mask.to_coco()
            if len(plain["counts"]) <= room:
                room -= len(plain["counts"])
                mask = FoundMaskData(size=tuple(plain["size"]), counts=plain["counts"])
        data.append(
            FoundData(
                phrase=detection.phrase,
                score=round(detection.score, 4),
                box=_corners(detection.box),
                known=not each.is_new,
                object=None if objects is None else objects[place],
                mask=mask,
                words={phrase: tuple(round(score, 4) for score in scores) for phrase, scores in detection.words.items()}
                or None,
            )
        )
    return DetectedEvent(
        run=run,
        version=version,
        frame=command.frame,
        phrases=command.phrases,
        objects=tuple(data),
        left_out=left_out,
    )


def _corners(box: Box) -> tuple[float, float, float, float]:
    return round(box.left, 1), round(box.top, 1), round(box.right, 1), round(box.bottom, 1)
