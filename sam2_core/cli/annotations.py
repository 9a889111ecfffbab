"""Masks from an annotation file, to be exported."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from sam2_core.cli.companions import Companions
from sam2_core.cli.tasks import Task
from sam2_core.errors import MediaError
from sam2_core.media import ObjectTraits, color_of
from sam2_core.media.readers import ImportedAnnotations
from sam2_core.types import FrameMasks, ObjectMask, Prompt

_PREDICTED_IOU, _OBJECT_SCORE = 1.0, 10.0  # of annotations, which are taken as certain; the score is a logit


@dataclass(slots=True)
class ImportedMasks:
    """Objects and their masks by frame; `boxes` (object, frame, prompt) are annotations without a mask."""

    objects: tuple[ObjectTraits, ...]
    boxes: tuple[tuple[int, int, Prompt], ...]
    notes: tuple[str, ...]
    _masks: dict[int, dict[int, ObjectMask]] = field(default_factory=dict)

    def add(self, frame: int, masks: Iterable[ObjectMask]) -> None:
        """Add masks of a frame; they replace those of the same objects."""
        self._masks.setdefault(frame, {}).update({each.object_id: each for each in masks})

    def on(self, frames: range) -> list[FrameMasks]:
        """The mask source of `MaskedMedia`."""
        return [FrameMasks(frame, 0, tuple(self._masks.get(frame, {}).values())) for frame in frames]


def import_masks(annotations: ImportedAnnotations) -> ImportedMasks:
    """The objects of a file, under the names that it gives them, and their masks."""
    names: dict[int, tuple[str, str]] = {}
    for each in annotations.masks:
        name, label = names.get(each.track, ("", ""))
        names[each.track] = name or each.name, label or each.label
    objects = tuple(
        ObjectTraits(number, name or f"Object {number}", label, color_of(number))
        for number, (name, label) in sorted(names.items())
    )
    boxes = tuple(
        (each.track, each.frame, Prompt(boxes=(each.box,))) for each in annotations.masks if each.box is not None
    )
    left_out = (f"{each.count} left out: {each.reason} ({', '.join(each.names)})" for each in annotations.skipped)
    masks = ImportedMasks(objects, boxes, (*annotations.notes, *left_out))
    for each in annotations.masks:
        if each.mask is not None:
            masks.add(each.frame, [ObjectMask(each.track, each.mask, _PREDICTED_IOU, _OBJECT_SCORE)])
    return masks


def annotation_file_for(task: Task, companions: Companions) -> Path:
    """The annotation file of a task: the file that `companions` was made with or, for a folder, the one in it with the
    source's name.

    A name that only begins with the source's counts if none is equal (`photo_coco.json` for `photo.jpg`). Raises
    `MediaError` where no file fits, or more than one.
    """
    masks = companions.folder
    if not masks.is_dir():
        if not masks.is_file():
            raise MediaError(f"There is no file {masks}.")
        return masks
    if (file := companions.of(task)) is not None:
        return file
    shared = f"; several inputs are called {task.source.stem}, so it is {task.title}" if task.namesakes else ""
    raise MediaError(f"No file in {masks} is called like {task.source.name}{shared}. Name the one that is meant.")
