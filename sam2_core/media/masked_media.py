"""What a download is made of: a source, and the masks of chosen objects on chosen frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any, TypeAlias

from sam2_core.errors import MediaError
from sam2_core.media.draw import Rgb, color_of, hex_of
from sam2_core.media.info import MediaInfo
from sam2_core.media.progress import ProgressReporter
from sam2_core.media.store import Store
from sam2_core.types import FrameMasks

MaskSource: TypeAlias = Callable[[range], Sequence[FrameMasks]]
"""The masks of some frames, one entry a frame and in their order, as `Engine.masks` gives them."""

MAX_NAME_LENGTH, MAX_LABEL_LENGTH = 80, 40
"""Characters of an object's name and of its class label."""
_FRAMES_PER_CALL = 8


@dataclass(frozen=True, slots=True)
class ObjectTraits:
    """What a user calls an object: a name of its own, the class that it belongs to (if any), and its colour."""

    id: int
    name: str
    label: str
    color: Rgb

    def to_json(self) -> dict[str, Any]:
        """The object as it stands in the files."""
        return {"id": self.id, "name": self.name, "label": self.label, "color": hex_of(self.color)}


class MaskedMedia:
    """A source with the masks of some of its objects on some of its frames.

    Frames keep the numbers of the source, whichever were chosen. Objects are in the order in which they lie upon each
    other, the last one above.
    """

    def __init__(
        self,
        store: Store,
        masks: MaskSource,
        objects: Sequence[ObjectTraits] | None = None,
        frames: range | None = None,
    ) -> None:
        """Without `objects` all that the masks hold, under plain names; without `frames` (step > 0) all of them."""
        self.store, self._masks = store, masks
        self.frames = range(store.info.frames) if frames is None else frames
        if not self.frames or self.frames[0] < 0 or self.frames[-1] >= store.info.frames or self.frames.step < 1:
            raise MediaError(f"Choose frames from 0 to {store.info.frames - 1}, in their order.")
        self._known: dict[int, FrameMasks] = {}
        self.objects = self._all_objects() if objects is None else tuple(objects)
        self._places = {each.id: place for place, each in enumerate(self.objects)}

    @property
    def info(self) -> MediaInfo:
        """Of the source."""
        return self.store.info

    def masks_on(self, frame: int) -> FrameMasks:
        """The chosen objects' masks on a chosen frame, of source size, in the order of `objects`.

        Raises `MediaError` where a mask does not fit the source, and whatever the masks' giver raises.
        """
        if frame not in self._known:
            start = self.frames.index(frame)
            asked = self.frames[start : start + _FRAMES_PER_CALL]
            self._known = dict(zip(asked, self._masks(asked), strict=True))
        return self._only_chosen(frame, self._known[frame])

    def masks_on_any(self, frame: int) -> FrameMasks:
        """The same on any frame of the source, chosen or not; objects that were not looked for there are missing."""
        [found] = self._masks(range(frame, frame + 1))
        return self._only_chosen(frame, found)

    def iterate(self, message: str, report: ProgressReporter, share: float = 1.0) -> Iterator[FrameMasks]:
        """The masks of all chosen frames, one after the other; they are this `share` of the work reported."""
        report(0.0, message)
        for done, frame in enumerate(self.frames, start=1):
            yield self.masks_on(frame)
            report(share * done / len(self.frames), message)

    def traits_of(self, object_id: int) -> ObjectTraits:
        """What the object is called."""
        return self.objects[self._places[object_id]]

    def title_of(self, frame: int) -> str:
        """What files made of one photo of an album are called: its name without the ending, if that tells it apart."""
        names = self.info.names
        stems = {PurePath(name).stem.casefold() for name in names}
        return PurePath(names[frame]).stem if len(stems) == len(names) else names[frame]

    def _only_chosen(self, frame: int, found: FrameMasks) -> FrameMasks:
        height, width = self.info.size_of(frame)
        if found.frame != frame or any((m.mask.height, m.mask.width) != (height, width) for m in found.objects):
            raise MediaError(f"A mask on frame {frame} is not {width} x {height} pixels, or of another frame.")
        chosen = [each for each in found.objects if each.object_id in self._places]
        return replace(found, objects=tuple(sorted(chosen, key=lambda each: self._places[each.object_id])))

    def _all_objects(self) -> tuple[ObjectTraits, ...]:
        calls = range(0, len(self.frames), _FRAMES_PER_CALL)
        seen = (found for start in calls for found in self._masks(self.frames[start : start + _FRAMES_PER_CALL]))
        numbers = sorted({each.object_id for found in seen for each in found.objects})
        return tuple(ObjectTraits(number, f"Object {number}", "", color_of(number)) for number in numbers)
