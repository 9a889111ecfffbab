"""Masks from a file, as downloads are made of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from sam2_core.errors import MediaError
from sam2_core.media import ObjectTraits, color_of
from sam2_core.media.readers import ImportedAnnotations
from sam2_core.types import FrameMasks, ObjectMask, Prompt

_GIVEN, _PRESENT = 1.0, 10.0  # quality and presence of what somebody else is sure of


@dataclass(slots=True)
class Known:
    """Objects and their masks by frame; `boxes` (object, frame, prompt) are what there is no mask of yet."""

    objects: tuple[ObjectTraits, ...]
    boxes: tuple[tuple[int, int, Prompt], ...]
    notes: tuple[str, ...]
    _masks: dict[int, dict[int, ObjectMask]] = field(default_factory=dict)

    def put(self, frame: int, masks: Iterable[ObjectMask]) -> None:
        """Take masks on a frame."""
        self._masks.setdefault(frame, {}).update({each.object_id: each for each in masks})

    def on(self, frames: range) -> list[FrameMasks]:
        """The mask source of `MaskedMedia`."""
        return [FrameMasks(frame, 0, tuple(self._masks.get(frame, {}).values())) for frame in frames]


def known_masks(annotations: ImportedAnnotations) -> Known:
    """What a file says, under the names that it gives its objects."""
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
    known = Known(objects, boxes, (*annotations.notes, *left_out))
    for each in annotations.masks:
        if each.mask is not None:
            known.put(each.frame, [ObjectMask(each.track, each.mask, _GIVEN, _PRESENT)])
    return known


def file_for(source: Path, masks: Path) -> Path:
    """The file about this source: the one that is named or, in a folder, the one that is called like the source, or
    like one that was made of it (`photo_coco.json`). Raises `MediaError` where there is none, or more than one."""
    if not masks.is_dir():
        if not masks.is_file():
            raise MediaError(f"There is no file {masks}.")
        return masks
    there = sorted(path for path in masks.iterdir() if path.is_file() and path.absolute() != source.absolute())
    exact = [path for path in there if path.stem == source.stem]
    fits = exact or [path for path in there if path.stem.startswith(f"{source.stem}_")]
    if len(fits) != 1:
        names = ", ".join(path.name for path in fits[:3])
        found = f"More than one file in {masks} is" if fits else f"No file in {masks} is"
        raise MediaError(
            f"{found} called like {source.name}{f' ({names})' if fits else ''}. Name the one that is meant."
        )
    return fits[0]
