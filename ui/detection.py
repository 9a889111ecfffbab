"""Text prompts of page and API: running a detector with progress, and what is told about the detectors on offer."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from sam2_core.detection.detector import Detection
from sam2_core.detection.phrases import read_phrases
from sam2_core.errors import MaskletError
from sam2_core.serving.detection_engine import Detect
from sam2_core.serving.detector_registry import DetectorEntry, DetectorRegistry
from sam2_core.serving.text_run import RunDetection, TextRequest, TextRun
from sam2_core.serving.workspace import Workspace
from sam2_core.types import Progress
from ui.models import POLL_SECONDS
from ui.protocol import DetectClipRequest, DetectorData, DetectorsEvent, ThresholdsData
from ui.sessions import Services


def detection_runner(services: Services, entry: DetectorEntry, report: Progress) -> RunDetection:
    """Runs `Detect` commands with this detector, and reports meanwhile; `report` may raise to end it."""

    async def detect(command: Detect) -> tuple[Detection, ...]:
        report(None, "Starting up")
        runner = await services.executors.read_file(services.detectors.runner, services.decoders)
        found = asyncio.ensure_future(asyncio.wrap_future(runner.run(command)))
        try:
            while not found.done():
                before = runner.position(command.media)
                looking = f"Waiting: {before} before you" if before else f"Looking with {entry.title}"
                report(*(runner.loading or (None, looking)))
                await asyncio.wait({found}, timeout=POLL_SECONDS)
            result = found.result()
            report(None, "Finding the masks")
            return result
        except MaskletError as error:
            raise _without_places(error, entry) from error
        finally:
            found.cancel()

    return detect


def find_in_clip(
    services: Services, request: DetectClipRequest, workspace: Workspace, report: Progress, *, one_frame: bool = False
) -> TextRun:
    """The run that a request asks for, or only its first frame without tracking. Raises `BadPrompt`."""
    entry = services.detectors.entry(request.detector)
    command = Detect(
        media=str(workspace.folder),
        frame=request.frame,
        phrases=read_phrases(request.text),
        detector=entry.source,
        box_threshold=request.box_threshold,
        text_threshold=request.text_threshold,
    )
    direction = None if one_frame else request.text_direction
    wanted = TextRequest(command, direction, request.every, request.first, request.last)
    return workspace.find_objects(wanted, detection_runner(services, entry, report), request.first_object)


def _without_places(error: MaskletError, entry: DetectorEntry) -> MaskletError:
    """The same without where files lie on this machine, which visitors must not learn; the log has it."""
    text = str(error).replace(entry.source, entry.name).replace(str(Path.home()), "~")
    if text != str(error):
        print(error, file=sys.stderr)
    return type(error)(text)


def detectors_event(registry: DetectorRegistry) -> DetectorsEvent:
    """The `detectors` event. Blocks: looks for the weights."""
    problem = registry.problem() if registry.entries else ""
    return DetectorsEvent(problem=problem, detectors=tuple(_describe(registry, each) for each in registry.entries))


def _describe(registry: DetectorRegistry, entry: DetectorEntry) -> DetectorData:
    thresholds, floor = entry.thresholds, entry.thresholds.floor
    return DetectorData(
        name=entry.name,
        title=entry.title,
        megabytes=entry.megabytes,
        licence=entry.license,
        downloaded=registry.is_on_disk(entry),
        loaded=registry.is_loaded(entry),
        box=ThresholdsData(floor=floor.box, default=thresholds.box),
        text=ThresholdsData(floor=floor.text, default=thresholds.text) if entry.scores_words else None,
    )
