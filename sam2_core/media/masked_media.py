"""A source with the masks of chosen objects on chosen frames, which is what gets exported."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeAlias

from sam2_core.errors import MediaError
from sam2_core.media.draw import Rgb, color_of, hex_of
from sam2_core.media.info import MediaInfo
from sam2_core.media.names import titles_of
from sam2_core.media.progress import ProgressReporter
from sam2_core.media.store import Store
from sam2_core.types import FrameMasks, Rating

MaskSource: TypeAlias = Callable[[range], Sequence[FrameMasks]]
"""Returns the masks of some frames, one entry per frame and in their order."""

MAX_NAME_LENGTH, MAX_LABEL_LENGTH = 80, 40
"""Characters of an object's name and of its class label."""
_FRAMES_PER_CALL = 8


@dataclass(frozen=True, slots=True)
class Provenance:
    """How the masks of an object were made, in the words of the data engine (SAM paper, section 4).

    stage: "assisted", "semi-automatic" or "automatic".
    source: "person" (with prompts or a brush), "confirmed" (by the network, with a person's approval) or "automatic".
    seconds: what they took a person, all together; None where it was not measured.
    predicted_iou, stability_score, rating: of a mask that the network proposed.
    """

    stage: str = "assisted"
    source: str = "person"
    seconds: float | None = None
    predicted_iou: float | None = None
    stability_score: float | None = None
    rating: Rating | None = None


BY_HAND = Provenance()


@dataclass(frozen=True, slots=True)
class ObjectTraits:
    """The name of an object, its class label ("" for none), its color, and how its masks were made."""

    id: int
    name: str
    label: str
    color: Rgb
    provenance: Provenance = BY_HAND

    def to_json(self) -> dict[str, Any]:
        """The object as exported files list it."""
        return {"id": self.id, "name": self.name, "label": self.label, "color": hex_of(self.color)}


class MaskedMedia:
    """A store with the masks of some of its objects on some of its frames.

    `frames` are frame numbers of the source. `objects` are in drawing order, the last one on top.
    """

    def __init__(
        self,
        store: Store,
        masks: MaskSource,
        objects: Sequence[ObjectTraits] | None = None,
        frames: range | None = None,
    ) -> None:
        """By default all objects that occur in the masks, under generated names, and all frames."""
        self.store, self._masks = store, masks
        self.frames = range(store.info.frames) if frames is None else frames
        if not self.frames or self.frames[0] < 0 or self.frames[-1] >= store.info.frames or self.frames.step < 1:
            raise MediaError(f"Choose frames from 0 to {store.info.frames - 1}, in their order.")
        self._cache: dict[int, FrameMasks] = {}
        self.objects = self._all_objects() if objects is None else tuple(objects)
        self._order = {each.id: index for index, each in enumerate(self.objects)}

    @property
    def info(self) -> MediaInfo:
        """The description of the source."""
        return self.store.info

    def masks_on(self, frame: int) -> FrameMasks:
        """The chosen objects' masks on a chosen frame, at source size, in the order of `objects`.

        Raises `MediaError` for a mask of another size, and what the mask source raises.
        """
        if frame not in self._cache:
            start = self.frames.index(frame)
            batch = self.frames[start : start + _FRAMES_PER_CALL]
            self._cache = dict(zip(batch, self._masks(batch), strict=True))
        return self._select(frame, self._cache[frame])

    def masks_on_any(self, frame: int) -> FrameMasks:
        """The same on any frame of the source, without objects that were not segmented there."""
        [masks] = self._masks(range(frame, frame + 1))
        return self._select(frame, masks)

    def iterate(self, message: str, report: ProgressReporter, share: float = 1.0) -> Iterator[FrameMasks]:
        """The masks of all chosen frames in order; reports progress from 0 to `share`."""
        report(0.0, message)
        for done, frame in enumerate(self.frames, start=1):
            yield self.masks_on(frame)
            report(share * done / len(self.frames), message)

    def traits_of(self, object_id: int) -> ObjectTraits:
        """The traits of one of the objects."""
        return self.objects[self._order[object_id]]

    def title_of(self, frame: int) -> str:
        """The name, without an extension, of files about a frame: its number in a clip without names, else the stem.

        Titles are unique, may have folders, and do not depend on which frames were chosen (see `titles_of`).
        """
        return f"{frame:05d}" if self.info.kind == "clip" and not self.info.names else self._titles[frame]

    @cached_property
    def _titles(self) -> tuple[str, ...]:
        return titles_of(self.info.names or (self.info.name,))

    def _select(self, frame: int, masks: FrameMasks) -> FrameMasks:
        height, width = self.info.size_of(frame)
        if masks.frame != frame or any((m.mask.height, m.mask.width) != (height, width) for m in masks.objects):
            raise MediaError(f"A mask on frame {frame} is not {width} x {height} pixels, or of another frame.")
        chosen = [each for each in masks.objects if each.object_id in self._order]
        return replace(masks, objects=tuple(sorted(chosen, key=lambda each: self._order[each.object_id])))

    def _all_objects(self) -> tuple[ObjectTraits, ...]:
        batches = (
            self.frames[start : start + _FRAMES_PER_CALL] for start in range(0, len(self.frames), _FRAMES_PER_CALL)
        )
        ids = {each.object_id for batch in batches for masks in self._masks(batch) for each in masks.objects}
        return tuple(ObjectTraits(number, f"Object {number}", "", color_of(number)) for number in sorted(ids))
