"""The fields of requests: plain data as JSON has it, checked against what is open, and made types of sam2_core."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import PydanticKnownError, core_schema

from sam2_core.dataset.records import MAX_SECONDS, Source, Stage
from sam2_core.detection.phrases import MAX_TEXT_LENGTH
from sam2_core.errors import BadPrompt
from sam2_core.media import (
    MAX_NAME_LENGTH,
    EffectStack,
    ObjectTraits,
    Provenance,
)
from sam2_core.serving.edit_log import Entry, PromptEntry, RemoveEntry, TrackEntry
from sam2_core.serving.export_formats import SESSION_FORMATS
from sam2_core.types import (
    MAX_MASK_LENGTH,
    MAX_OBJECT_ID,
    MAX_OBJECTS_PER_ENTRY,
    Box,
    Mask,
    Point,
    Prompt,
    Rating,
    RejectedMask,
)

MAX_NUMBER = 2**53  # the largest whole number that JavaScript counts to
MAX_BOXES = 16
FOREIGN_LOG = "This journal belongs to another picture or clip."
NOTHING_TO_EXPORT = "Select something first: there is no mask to download."
NOTHING_TO_TRAIN_ON = "Select something first: there is no mask to train on."


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the numbers of a request may be (pydantic's validation context).

    `sizes` has (height, width) of each frame where they differ.
    """

    frames: int
    height: int
    width: int
    max_objects: int
    max_points: int
    sizes: tuple[tuple[int, int], ...] = ()

    def size_of(self, frame: int) -> tuple[int, int]:
        """Height and width of a frame."""
        return self.sizes[frame] if self.sizes else (self.height, self.width)


class RequestData(BaseModel):
    """Base of all that a request holds."""

    model_config = ConfigDict(frozen=True, strict=True)


class ReadAs:
    """Annotation of a field: JSON is validated as `data`, and `convert` makes the field's own type of it."""

    def __init__(self, data: Any, convert: Any) -> None:
        self._data, self._convert = data, convert

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        from_json = core_schema.with_info_after_validator_function(self._convert, handler(self._data))
        instance = core_schema.is_instance_schema(get_args(source) or source)
        return core_schema.json_or_python_schema(from_json, core_schema.union_schema([instance, from_json]))


def _check_frame(frame: int, info: ValidationInfo) -> int:
    bounds: Bounds | None = info.context
    if bounds is not None and frame >= bounds.frames:
        raise PydanticKnownError("less_than", {"lt": bounds.frames})
    return frame


def check_stride(every: int, info: ValidationInfo) -> int:
    """A validator for a number of frames."""
    return every if info.context is None else _check_frame(every - 1, info) + 1


def _last_by_default(frame: int | None, info: ValidationInfo) -> int | None:
    return info.context.frames - 1 if frame is None and info.context is not None else frame


Number: TypeAlias = Annotated[int, Field(ge=0, le=MAX_NUMBER)]
ObjectId: TypeAlias = Annotated[int, Field(ge=1, le=MAX_OBJECT_ID)]
Frame: TypeAlias = Annotated[int, Field(ge=0), AfterValidator(_check_frame)]
Objects: TypeAlias = Annotated[tuple[ObjectId, ...], Field(max_length=MAX_OBJECTS_PER_ENTRY)]
Byte: TypeAlias = Annotated[int, Field(ge=0, le=255)]
Absent: TypeAlias = SkipJsonSchema[None]
Corners: TypeAlias = tuple[float, float, float, float]
Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]
Text: TypeAlias = Annotated[str, Field(max_length=MAX_TEXT_LENGTH)]
DetectorName: TypeAlias = Annotated[str, Field(max_length=MAX_NAME_LENGTH)]


if TYPE_CHECKING:
    LastFrame: TypeAlias = int
    FormatName: TypeAlias = str
else:
    LastFrame = Annotated[Frame | Absent, Field(validate_default=True), AfterValidator(_last_by_default)]
    FormatName = Literal[tuple(SESSION_FORMATS)]


LAST_FRAME: Any = None  # the last frame of what is open


class MaskData(RequestData):
    """A mask as COCO's compressed run lengths. `size` is [height, width], that of the frame."""

    size: tuple[int, int]
    counts: Annotated[str, Field(max_length=MAX_MASK_LENGTH)]


class PromptData(RequestData):
    """Everything that is asked for one object on one frame.

    Points are [x, y, 1 (positive) or 0]; boxes and the crop, in which the frame is encoded a second time, are
    [left, top, right, bottom]; `choice` is the picked candidate.
    """

    model_config = ConfigDict(extra="forbid")

    points: tuple[tuple[float, float, Annotated[float, WithJsonSchema({"enum": [0, 1]})]], ...] = ()
    boxes: tuple[Corners, ...] = ()
    mask: MaskData | Absent = None
    choice: Literal[0, 1, 2, 3] | Absent = None
    crop: Corners | Absent = None
    box: SkipJsonSchema[Corners | None] = None  # in logs of earlier versions


def _to_prompt(data: PromptData, info: ValidationInfo) -> Prompt:
    """Convert and check a prompt on the frame that the field `frame` before it names; raises `BadPrompt`."""
    corners = data.boxes if data.box is None else (data.box,)
    points = tuple([Point(x, y, positive != 0) for x, y, positive in data.points])
    boxes = tuple([Box(*each) for each in corners])
    crop = None if data.crop is None else Box(*data.crop)
    if info.context is not None and "frame" in info.data:  # else it was refused, or the prompt is our own
        _check_prompt(data.mask, points, boxes, crop, info.context, info.data["frame"])
    mask = None if data.mask is None else Mask.from_coco({"size": data.mask.size, "counts": data.mask.counts})
    return Prompt(points, boxes, mask, data.choice, crop)


def _check_prompt(
    mask: MaskData | None,
    points: tuple[Point, ...],
    boxes: tuple[Box, ...],
    crop: Box | None,
    bounds: Bounds,
    frame: int,
) -> None:
    height, width = bounds.size_of(frame)
    if mask is not None and mask.size != (height, width):
        raise BadPrompt(f"This mask must have the size of the picture, {width} × {height}.")
    if len(points) > bounds.max_points:
        raise BadPrompt(f"At most {bounds.max_points} clicks fit on one object in one frame. Undo some of them.")
    if len(boxes) > MAX_BOXES:
        raise BadPrompt(f"At most {MAX_BOXES} boxes fit on one object in one frame. Undo some of them.")
    if not all(box.left < box.right and box.top < box.bottom for box in boxes):
        raise BadPrompt("This box has no size. Draw it again.")
    if crop is not None and not (crop.left < crop.right and crop.top < crop.bottom):
        raise BadPrompt("This part of the picture has no size. Zoom out a little and try again.")
    areas = boxes if crop is None else (*boxes, crop)
    # Comparisons with NaN are false.
    inside = all(0 <= point.x <= width and 0 <= point.y <= height for point in points) and all(
        area.left >= 0 and area.right <= width and area.top >= 0 and area.bottom <= height for area in areas
    )
    if not inside:
        raise BadPrompt("This lies outside of the picture. Click inside of it.")


PromptField: TypeAlias = Annotated[Prompt, ReadAs(PromptData, _to_prompt)]


class ProvenanceData(RequestData):
    """How an object's masks were made: see `Provenance` in sam2_core/media/masked_media.py."""

    stage: Stage = "assisted"
    source: Source = "person"
    seconds: Annotated[float, Field(ge=0, le=MAX_SECONDS)] | Absent = None
    predicted_iou: Annotated[float, Field(ge=-10, le=10)] | Absent = None
    stability_score: Annotated[float, Field(ge=0, le=1)] | Absent = None
    rating: Rating | Absent = None


class RejectedMaskData(RequestData):
    """A proposal of the model on a frame that a person rejected."""

    frame: Frame
    mask: MaskData
    seconds: Annotated[float, Field(ge=0, le=MAX_SECONDS)] | Absent = None
    predicted_iou: Annotated[float, Field(ge=-10, le=10)] | Absent = None
    stability_score: Annotated[float, Field(ge=0, le=1)] | Absent = None


def to_rejected(data: RejectedMaskData, info: ValidationInfo) -> RejectedMask:
    """The mask as data sets take it; raises `BadPrompt`."""
    if info.context is not None:
        _check_prompt(data.mask, (), (), None, info.context, data.frame)
    mask = Mask.from_coco({"size": data.mask.size, "counts": data.mask.counts})
    return RejectedMask(data.frame, mask, data.predicted_iou, data.stability_score, data.seconds)


class ExportObject(RequestData):
    """An object in a download: a name of its own, its class label, its color as [red, green, blue], and how its masks
    were made."""

    id: ObjectId
    name: str
    color: tuple[Byte, Byte, Byte]
    label: str = ""
    provenance: ProvenanceData = ProvenanceData()


def to_traits(data: ExportObject, info: ValidationInfo) -> ObjectTraits:
    """The object as downloads take it."""
    name, label = (" ".join(text.split())[:MAX_NAME_LENGTH] for text in (data.name, data.label))
    return ObjectTraits(data.id, name, label, data.color, Provenance(**dict(data.provenance)))


def check_exported(objects: tuple[ObjectTraits, ...], info: ValidationInfo) -> tuple[ObjectTraits, ...]:
    """A validator for the objects of a download; raises `BadPrompt`."""
    return _check_objects(objects, info, NOTHING_TO_EXPORT)


def check_trained(objects: tuple[ObjectTraits, ...], info: ValidationInfo) -> tuple[ObjectTraits, ...]:
    """A validator for the objects of a training; raises `BadPrompt`."""
    return _check_objects(objects, info, NOTHING_TO_TRAIN_ON)


def _check_objects(objects: tuple[ObjectTraits, ...], info: ValidationInfo, if_empty: str) -> tuple[ObjectTraits, ...]:
    if not objects:
        raise BadPrompt(if_empty)
    if info.context is not None and len(objects) > info.context.max_objects:
        raise BadPrompt(f"Up to {info.context.max_objects} objects fit at a time. Leave some out.")
    if len({each.id for each in objects}) < len(objects):
        raise BadPrompt("An object is listed twice. Name each once.")
    return objects


class EffectsData(RequestData):
    """What is done to the frames of a download. A layer is {effect, ...settings}."""

    model_config = ConfigDict(extra="forbid")

    layers: tuple[dict[str, float | str], ...] = ()
    feather: float = 0.0
    matte: float = 0.0


def to_effects(data: EffectsData, info: ValidationInfo) -> EffectStack:
    """The effects as downloads take them."""
    return EffectStack.from_json(data.model_dump(mode="json", exclude_unset=True))


class PromptEntryData(RequestData):
    """From now on `prompt` is all that holds for the object on the frame."""

    frame: Frame
    object: ObjectId
    prompt: PromptField


class RemoveEntryData(RequestData):
    """The object `forget` was removed."""

    forget: ObjectId


class TrackEntryData(RequestData):
    """The frames `track` = [start, stop, step] were tracked, for these objects (none: for all)."""

    track: tuple[Frame, Annotated[int, Field(ge=-1)], Literal[1, -1]]
    objects: Objects = ()


EntryData: TypeAlias = Annotated[PromptEntryData | RemoveEntryData | TrackEntryData, Field(union_mode="left_to_right")]


def to_entry(data: PromptEntryData | RemoveEntryData | TrackEntryData, info: ValidationInfo) -> Entry:
    """The entry of the edit log; raises `BadPrompt` for one of another medium."""
    if isinstance(data, PromptEntryData):
        return PromptEntry(data.frame, data.object, data.prompt)
    if isinstance(data, RemoveEntryData):
        return RemoveEntry(data.forget)
    if info.context is not None and data.track[1] > info.context.frames:
        raise BadPrompt(FOREIGN_LOG)
    return TrackEntry(*data.track, data.objects)
