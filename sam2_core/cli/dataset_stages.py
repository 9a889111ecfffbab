"""The three stages of the data engine on the images of a dataset folder: assisted, semi-automatic, automatic.

A stage of an image is done by one method of `StageRun`; an image that it was done for with the same network and
settings is skipped, so that an interrupted command goes on where it stopped.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sam2_core.cli.automatic import chosen_settings
from sam2_core.cli.options import network_name
from sam2_core.cli.prompts import PromptSource, set_prompts
from sam2_core.cli.session import CommandContext
from sam2_core.cli.tasks import Task
from sam2_core.cli.text_prompts import TextPrompts
from sam2_core.console import describe_os_error
from sam2_core.dataset import SAME_OBJECT, Annotation, DatasetWriter, ImageRecord, MaskOverlap, NetworkId, Stage
from sam2_core.dataset.folder import digest_of
from sam2_core.errors import ConfigError, MaskletError, MediaError, WeightsError
from sam2_core.networks import join_name
from sam2_core.serving.automatic_run import AutomaticRequest, find_everything
from sam2_core.serving.workspace import Workspace
from sam2_core.types import Mask

_DIGEST_LENGTH = 16


def network_of(options: argparse.Namespace) -> NetworkId:
    """The network that the options select, with the side of its input. Raises `WeightsError` for a file that is not
    there, and `ConfigError`."""
    if options.checkpoint is None:
        return NetworkId(network_name(options))
    name = join_name(options.model or Path(options.checkpoint).name, options.image_size)
    try:
        return NetworkId(name, digest_of(Path(options.checkpoint)))
    except OSError as error:
        raise WeightsError(f"The file {options.checkpoint} cannot be read.") from error


def settings_digest(settings: Any) -> str:
    """A short digest of plain data."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:_DIGEST_LENGTH]


@dataclass
class StageRun:
    """A stage, for one image after the other."""

    writer: DatasetWriter
    context: CommandContext
    options: argparse.Namespace
    network: NetworkId
    unreadable: int = 0
    """Pictures that could not be added."""

    def add_pictures(self, sources: Iterable[Path]) -> dict[int, Path]:
        """Copy pictures into the folder, unless they are there; the sources by image id. Errors are printed."""
        found: dict[int, Path] = {}
        for source in sources:
            try:
                found.setdefault(self.writer.add_image(source).id, source)
            except (MediaError, OSError) as error:  # noqa: PERF203 (a bad one does not stop the others)
                text = describe_os_error(error) if isinstance(error, OSError) else error
                self.context.console.error(f"{source}: {text}")
                self.unreadable += 1
        return found

    def over(
        self,
        images: Sequence[ImageRecord],
        stage: Stage,
        digest: Callable[[ImageRecord], str],
        process: Callable[[ImageRecord], Coroutine[Any, Any, dict[str, Any]]],
    ) -> Counter[str]:
        """Process the images, report each, and count the outcomes: "done", "skipped" and "failed"."""
        console, counts = self.context.console, Counter[str]()
        for number, image in enumerate(images, start=1):
            console.begin(f"[{number}/{len(images)}] {image.name}")
            report: dict[str, Any] = {"image": image.name}
            try:
                settings = digest(image)
                before = self.writer.state.finished.get((image.id, stage))
                if before and (before.settings, before.network) == (settings, self.network) and not self.options.again:
                    report["status"] = "skipped"
                else:
                    began = time.monotonic()
                    found = asyncio.run(process(image))
                    seconds = time.monotonic() - began
                    self.writer.finish(image.id, stage, seconds, settings, self.network)
                    report |= {"status": "done", **found, "seconds": round(seconds, 2)}
            except (WeightsError, ConfigError):  # these concern all images
                raise
            except MaskletError as error:
                report |= {"status": "failed", "error": str(error)}
                console.error(f"{image.name}: {error}")
            counts[report["status"]] += 1
            console.result(report, _line(report))
        return counts

    async def segment_everything(self, image: ImageRecord) -> dict[str, Any]:
        """Automatic masks in place of those of an earlier run, but for objects that a person has made or judged."""
        async with self._open(image) as workspace:
            began = time.monotonic()
            settings = await chosen_settings(self.options, workspace)
            request = AutomaticRequest(0, settings, self.options.least_area)
            found = await find_everything(workspace, request, self.context.console.progress)
            seconds = time.monotonic() - began
        state = self.writer.state
        for old in state.annotations_of(image.id):
            if old.source == "automatic":
                self.writer.remove(old.id)
        known = MaskOverlap([each.mask for each in (*state.annotations_of(image.id), *state.rejected(image.id))])
        new = [each for each in found if not known.has(each.mask)]
        for each in new:
            self.writer.annotate(
                image.id,
                each.mask,
                "automatic",
                "automatic",
                seconds=seconds / len(new),
                predicted_iou=each.predicted_iou,
                stability_score=each.stability_score,
                network=self.network,
            )
        return {"masks": len(new), "known": len(found) - len(new)}

    async def propose(self, image: ImageRecord, text: TextPrompts | None) -> dict[str, Any]:
        """Proposals in place of the open ones, but for objects that a person has made or judged."""
        async with self._open(image) as workspace:
            found = await (self._confident(workspace) if text is None else self._named(workspace, text))
        state = self.writer.state
        made = [each for each in state.annotations_of(image.id) if each.source != "automatic"]
        known = MaskOverlap([each.mask for each in (*made, *state.rejected(image.id))])
        for waiting in state.open_proposals(image.id):
            self.writer.withdraw(waiting.id)
        new = [each for each in found if not known.has(each.mask)]
        for each in new:
            self.writer.propose(image.id, each.mask, each.label, each.predicted_iou, each.stability_score, self.network)
        return {"masks": len(new), "known": len(found) - len(new)}

    async def add_prompted(self, image: ImageRecord, source: Path, prompts: PromptSource) -> dict[str, Any]:
        """Masks of prompts, as those of a person; they replace those of the same objects, whoever made these."""
        console = self.context.console
        async with self._open(image) as workspace:
            objects = prompts.read(_task(source), workspace.info)
            await set_prompts(workspace, objects, console)
            masks = {each.object_id: each for each in workspace.read_masks(range(1))[0].objects}
        before = self.writer.state.annotations_of(image.id)
        added = empty = 0
        for each in objects:
            found = masks.get(each.traits.id)
            if found is None or not found.mask.area:
                empty += 1
                continue
            same = [other for other in before if _is_same(other, found.mask)]
            before = [other for other in before if other not in same]
            for other in same[1:]:
                self.writer.remove(other.id)
            replaces = same[0].id if same else None
            self.writer.annotate(
                image.id,
                found.mask,
                "assisted",
                "person",
                each.traits.label,
                predicted_iou=found.predicted_iou,
                network=self.network,
                replaces=replaces,
            )
            added += 1
        if empty:
            console.note(f"{image.name}: nothing was found of {empty} objects")
        return {"masks": added, "empty": empty}

    async def _confident(self, workspace: Workspace) -> list[_Candidate]:
        """Automatic masks whose predicted IoU and stability are in the upper half of what the network's thresholds
        leave."""
        settings = await chosen_settings(self.options, workspace)
        if self.options.least_quality is None:
            settings = replace(settings, min_predicted_iou=(1 + settings.min_predicted_iou) / 2)
        if self.options.least_stability is None:
            settings = replace(settings, min_stability=(1 + settings.min_stability) / 2)
        request = AutomaticRequest(0, settings, self.options.least_area)
        found = await find_everything(workspace, request, self.context.console.progress)
        return [_Candidate(each.mask, "", each.predicted_iou, each.stability_score) for each in found]

    async def _named(self, workspace: Workspace, text: TextPrompts) -> list[_Candidate]:
        """Masks of what a text names."""
        labels = {each.id: each.label for each in await text.find(workspace)}
        least = self.options.least_quality or 0.0
        masks = workspace.read_masks(range(1))[0].objects
        return [
            _Candidate(each.mask, labels[each.object_id], each.predicted_iou)
            for each in masks
            if each.object_id in labels and each.mask.area and each.predicted_iou >= least
        ]

    @asynccontextmanager
    async def _open(self, image: ImageRecord) -> AsyncIterator[Workspace]:
        with self.context.open_media(self.writer.image_file(image.id), "image") as store:
            async with self.context.open_workspace(store) as workspace:
                yield workspace


@dataclass(frozen=True, slots=True)
class _Candidate:
    mask: Mask
    label: str
    predicted_iou: float
    stability_score: float | None = None


def drop_automatic(writer: DatasetWriter, annotation_id: int) -> None:
    """Remove the automatic masks of the object that an annotation of a person is about."""
    own = writer.state.annotations[annotation_id]
    for each in writer.state.annotations_of(own.image_id):
        if each.source == "automatic" and _is_same(each, own.mask):
            writer.remove(each.id)


def _is_same(annotation: Annotation, mask: Mask) -> bool:
    return MaskOverlap([annotation.mask]).has(mask, SAME_OBJECT)


def _task(source: Path) -> Task:
    return Task(source, "image", {}, source.stem)


def prompt_digest(prompts: PromptSource, source: Path, given: Path) -> str:
    """A digest of the file with the prompts of a source, in the `given` folder if that is one.

    Raises `BadPrompt` and `MediaError` if there is none.
    """
    files = prompts.files(_task(source)) if given.is_dir() else [given]
    return settings_digest([digest_of(file) for file in files])


def _line(report: dict[str, Any]) -> str:
    if report["status"] != "done":
        return f"{report['image']}: there already" if report["status"] == "skipped" else ""
    known = f", {report['known']} known" if report.get("known") else ""
    return f"{report['image']}: {report['masks']} masks{known} in {report['seconds']:g} s"
