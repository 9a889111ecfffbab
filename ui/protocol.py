"""The messages between page and server, as pydantic models. `t` says which one a message is.

Requests (page to server) are JSON text. Events (server to page) are binary: a little-endian u32 with the length of the
header, the header as JSON, then the PNGs that the header announces, one after the other. A field that is None by
default is left out of a header where it is None. Every request may be repeated without harm, which is what the page
does after a lost connection. Coordinates are pixels of the original frame; frames count from 0, objects from 1.

`python -m ui.protocol` prints the JSON schema, from which ui/web/protocol.d.ts is generated (`npm run protocol`).
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, TypeVar, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    FailFast,
    Field,
    GetCoreSchemaHandler,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import GenerateJsonSchema, SkipJsonSchema
from pydantic_core import PydanticKnownError, core_schema

from sam2_core.dataset.records import MAX_SECONDS, Source, Stage
from sam2_core.detection.phrases import MAX_TEXT_LENGTH
from sam2_core.errors import BadPrompt
from sam2_core.media import (
    MAX_NAME_LENGTH,
    OVERLAY,
    EffectStack,
    ExportOptions,
    MediaInfo,
    ObjectTraits,
    Provenance,
    mask_png,
)
from sam2_core.serving.automatic_run import MAX_CROP_LAYERS, MAX_POINTS_PER_SIDE, AutomaticRequest, AutomaticUpdate
from sam2_core.serving.edit_log import MAX_LOG_CHARACTERS, Entry, PromptEntry, RemoveEntry, TrackEntry
from sam2_core.serving.export_formats import SESSION_FORMATS
from sam2_core.serving.text_run import TextDirection
from sam2_core.serving.tracking_run import DIRECTIONS, Direction, TrackingRequest
from sam2_core.types import (
    MAX_LOG_ENTRIES,
    MAX_MASK_LENGTH,
    MAX_OBJECT_ID,
    MAX_OBJECTS_PER_ENTRY,
    AutomaticMask,
    AutomaticSettings,
    Box,
    Candidate,
    FrameMasks,
    FrameSpan,
    Mask,
    ObjectMask,
    Point,
    Prompt,
    RejectedMask,
)

MAX_REQUEST_CHARACTERS = MAX_LOG_CHARACTERS
LARGE_REQUEST_CHARACTERS = 100_000  # from here on parsing takes milliseconds
MAX_LIVE_CHARACTERS = MAX_MASK_LENGTH + 50_000
MAX_NUMBER = 2**53  # the largest whole number that JavaScript counts to
MAX_BOXES = 16
MAX_SIDE = 16384  # pixels, of a download
MAX_FRAMES_PER_REQUEST = 64  # of `get_masks`
MAX_REGION_AREA = 100_000  # pixels, of holes and islands
MAX_MINUTES = 24 * 60  # of a training

_UNKNOWN = "The page said something that the server does not know. Reload the page."
_FOREIGN_LOG = "This journal belongs to another picture or clip."
_PREVIEW = re.compile(r'\{\s*"t"\s*:\s*"preview"')
_LIVE = re.compile(r'\{\s*"t"\s*:\s*"live_')


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


# --- fields -----------------------------------------------------------------------------------------------------------


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True)


class _ReadAs:
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


def _check_stride(every: int, info: ValidationInfo) -> int:
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

_LAST: Any = None  # the last frame of what is open


class MaskData(_Data):
    """A mask as COCO's compressed run lengths. `size` is [height, width], that of the frame."""

    size: tuple[int, int]
    counts: Annotated[str, Field(max_length=MAX_MASK_LENGTH)]


class PromptData(_Data):
    """Everything that is asked for one object on one frame.

    Points are [x, y, 1 (positive) or 0]; boxes and the crop, in which the frame is encoded a second time, are
    [left, top, right, bottom]; `choice` is the picked candidate.
    """

    model_config = ConfigDict(extra="forbid")

    points: tuple[tuple[float, float, Annotated[float, WithJsonSchema({"enum": [0, 1]})]], ...] = ()
    boxes: tuple[Corners, ...] = ()
    mask: MaskData | Absent = None
    choice: Literal[0, 1, 2] | Absent = None
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


PromptField: TypeAlias = Annotated[Prompt, _ReadAs(PromptData, _to_prompt)]


class ProvenanceData(_Data):
    """How an object's masks were made: see `Provenance` in sam2_core/media/masked_media.py."""

    stage: Stage = "assisted"
    source: Source = "person"
    seconds: Annotated[float, Field(ge=0, le=MAX_SECONDS)] | Absent = None
    predicted_iou: Annotated[float, Field(ge=-10, le=10)] | Absent = None
    stability_score: Annotated[float, Field(ge=0, le=1)] | Absent = None


class RejectedMaskData(_Data):
    """A proposal of the model on a frame that a person rejected."""

    frame: Frame
    mask: MaskData
    seconds: Annotated[float, Field(ge=0, le=MAX_SECONDS)] | Absent = None
    predicted_iou: Annotated[float, Field(ge=-10, le=10)] | Absent = None
    stability_score: Annotated[float, Field(ge=0, le=1)] | Absent = None


def _to_rejected(data: RejectedMaskData, info: ValidationInfo) -> RejectedMask:
    if info.context is not None:
        _check_prompt(data.mask, (), (), None, info.context, data.frame)
    mask = Mask.from_coco({"size": data.mask.size, "counts": data.mask.counts})
    return RejectedMask(data.frame, mask, data.predicted_iou, data.stability_score, data.seconds)


class ExportObject(_Data):
    """An object in a download: a name of its own, its class label, its color as [red, green, blue], and how its masks
    were made."""

    id: ObjectId
    name: str
    color: tuple[Byte, Byte, Byte]
    label: str = ""
    provenance: ProvenanceData = ProvenanceData()


def _to_traits(data: ExportObject, info: ValidationInfo) -> ObjectTraits:
    name, label = (" ".join(text.split())[:MAX_NAME_LENGTH] for text in (data.name, data.label))
    return ObjectTraits(data.id, name, label, data.color, Provenance(**dict(data.provenance)))


def _check_objects(objects: tuple[ObjectTraits, ...], info: ValidationInfo) -> tuple[ObjectTraits, ...]:
    if not objects or (info.context is not None and len(objects) > info.context.max_objects):
        raise BadPrompt("Select something first: there is no mask to download.")
    if len({each.id for each in objects}) < len(objects):
        raise BadPrompt("An object to download is listed twice. Reload the page.")
    return objects


class EffectsData(_Data):
    """What is done to the frames of a download. A layer is {effect, ...settings}."""

    model_config = ConfigDict(extra="forbid")

    layers: tuple[dict[str, float | str], ...] = ()
    feather: float = 0.0
    matte: float = 0.0


def _to_effects(data: EffectsData, info: ValidationInfo) -> EffectStack:
    return EffectStack.from_json(data.model_dump(mode="json", exclude_unset=True))


class PromptEntryData(_Data):
    """From now on `prompt` is all that holds for the object on the frame."""

    frame: Frame
    object: ObjectId
    prompt: PromptField


class RemoveEntryData(_Data):
    """The object `forget` was removed."""

    forget: ObjectId


class TrackEntryData(_Data):
    """The frames `track` = [start, stop, step] were tracked, for these objects (none: for all)."""

    track: tuple[Frame, Annotated[int, Field(ge=-1)], Literal[1, -1]]
    objects: Objects = ()


EntryData: TypeAlias = Annotated[PromptEntryData | RemoveEntryData | TrackEntryData, Field(union_mode="left_to_right")]


def _to_entry(data: PromptEntryData | RemoveEntryData | TrackEntryData, info: ValidationInfo) -> Entry:
    if isinstance(data, PromptEntryData):
        return PromptEntry(data.frame, data.object, data.prompt)
    if isinstance(data, RemoveEntryData):
        return RemoveEntry(data.forget)
    if info.context is not None and data.track[1] > info.context.frames:
        raise BadPrompt(_FOREIGN_LOG)
    return TrackEntry(*data.track, data.objects)


# --- requests ---------------------------------------------------------------------------------------------------------


class SetPromptRequest(_Data):
    """Everything that is asked for an object on a frame; an empty prompt clears the frame. The answer is `masks`."""

    t: Literal["set_prompt"] = "set_prompt"
    seq: Number
    frame: Frame
    object: ObjectId
    prompt: PromptField


class PreviewRequest(_Data):
    """Show what a prompt would give; nothing is remembered, and of several that wait only the newest is answered."""

    t: Literal["preview"] = "preview"
    seq: Number
    frame: Frame
    object: ObjectId
    prompt: PromptField


class RemoveObjectRequest(_Data):
    """Remove an object with all its masks."""

    t: Literal["remove_object"] = "remove_object"
    seq: Number
    object: ObjectId


class TrackingRunData(_Data):
    """A run of tracking: all objects from `frame` through `first`..`last` (left out: the whole clip).

    `direction` is forward, backward or both; one: this frame only; update: what is stale in the range. `run` is a
    number of the page's own that names the run in all that comes of it. With `pause` it stops where an object is lost.
    """

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    run: Number
    direction: Direction
    frame: Frame
    first: Frame = 0
    last: LastFrame = _LAST
    pause: bool = False

    @model_validator(mode="after")
    def _check_range(self) -> TrackingRunData:
        if self.first > self.last:
            raise BadPrompt("The range ends before it starts. Set it again.")
        return self

    @property
    def tracking(self) -> TrackingRequest:
        """The run as the workspace takes it."""
        return TrackingRequest(self.direction, self.frame, self.first, self.last, self.pause)


class TrackRequest(TrackingRunData):
    """Track; what is up to date is skipped. Answered by `masks`, `progress` and at last `done`."""

    t: Literal["track"] = "track"


class StopRequest(_Data):
    """Stop tracking."""

    t: Literal["stop"] = "stop"


class UntrackRequest(_Data):
    """Take back the newest tracked masks of these objects on the frames [first, last]."""

    t: Literal["untrack"] = "untrack"
    seq: Number
    frames: tuple[Frame, Frame]
    objects: Objects

    @property
    def frame_range(self) -> range:
        """The frames first..last."""
        return range(self.frames[0], self.frames[1] + 1)


class GetMasksRequest(_Data):
    """Send what is known about these frames, up to 64 of them; `seq` is then in every answer."""

    t: Literal["get_masks"] = "get_masks"
    first: Frame
    last: Frame
    seq: Number | Absent = None

    @property
    def frame_range(self) -> range:
        """The frames first..last, as far as they are sent."""
        return range(self.first, min(self.last + 1, self.first + MAX_FRAMES_PER_REQUEST))


class SegmentEverythingRequest(_Data):
    """Find all masks of a frame: from a grid of `points_per_side` squared points in the frame, and in each crop of
    `crop_layers` layers (left out: as the network does best). Holes and islands of fewer than `min_region_area` pixels
    are removed. Takes the place of a run that is under way; `run` is a number of the page's own that names the run.

    Answered by `automatic_started`, then `automatic_masks` and `progress`, and at last `done` of everything; cancelling
    that job ends it, and what was found until then stays."""

    t: Literal["segment_everything"] = "segment_everything"
    run: Number
    frame: Frame
    points_per_side: Annotated[int, Field(ge=1, le=MAX_POINTS_PER_SIDE)] | Absent = None
    crop_layers: Annotated[int, Field(ge=0, le=MAX_CROP_LAYERS)] | Absent = None
    min_region_area: Annotated[int, Field(ge=0, le=MAX_REGION_AREA)] = 0

    def with_defaults(self, settings: AutomaticSettings) -> AutomaticRequest:
        """The request as the workspace takes it; `settings` are those of the network."""
        asked = {"points_per_side": self.points_per_side, "crop_layers": self.crop_layers}
        chosen = replace(settings, **{name: value for name, value in asked.items() if value is not None})
        return AutomaticRequest(self.frame, chosen, self.min_region_area)


class ExportRequest(_Data):
    """Write a download: the objects, of which the last one lies above the others, on each `every`-th of the frames
    `first`..`last` (left out: all). `effects` and what follows are options that only some formats take; `rejected` are
    for a data set."""

    t: Literal["export"] = "export"
    format: FormatName
    objects: Annotated[
        tuple[Annotated[ObjectTraits, _ReadAs(ExportObject, _to_traits)], ...], AfterValidator(_check_objects)
    ]
    first: Frame = 0
    last: LastFrame = _LAST
    every: Annotated[int, Field(ge=1), AfterValidator(_check_stride)] = 1
    effects: Annotated[EffectStack, _ReadAs(EffectsData, _to_effects)] = OVERLAY
    polygons: bool = False
    pictures: bool = False
    side_by_side: bool = False
    cropped: bool = False
    largest_side: Annotated[int, Field(ge=0, le=MAX_SIDE)] = 0
    rejected: Annotated[
        tuple[Annotated[RejectedMask, _ReadAs(RejectedMaskData, _to_rejected)], ...], Field(max_length=MAX_LOG_ENTRIES)
    ] = ()

    @model_validator(mode="after")
    def _check_range(self) -> ExportRequest:
        if self.first > self.last:
            raise BadPrompt("The first frame to download comes after the last one.")
        return self

    @property
    def frame_range(self) -> range:
        """The frames to be exported."""
        return range(self.first, self.last + 1, self.every)

    @property
    def options(self) -> ExportOptions:
        """What `media.export` takes."""
        return ExportOptions(
            format=self.format,
            effects=self.effects,
            polygons=self.polygons,
            include_images=self.pictures,
            side_by_side=self.side_by_side,
            cropped=self.cropped,
            max_side=self.largest_side,
            rejected=self.rejected,
        )


class TrainRequest(_Data):
    """Fine-tune the network in use on the open photos and the masks of these objects, for about so many minutes.
    Answered by `progress` and at last `done`."""

    t: Literal["train"] = "train"
    objects: Annotated[
        tuple[Annotated[ObjectTraits, _ReadAs(ExportObject, _to_traits)], ...], AfterValidator(_check_objects)
    ]
    minutes: Annotated[float, Field(ge=0.1, le=MAX_MINUTES)] = 5.0


class CancelRequest(_Data):
    """Cancel a job; of a replay its tracking, or what it adds."""

    t: Literal["cancel"] = "cancel"
    job: Literal["ingest", "import", "export", "replay", "model", "detect", "everything", "train"]


class ListModelsRequest(_Data):
    """Which networks does this server offer? The answer is `models`."""

    t: Literal["list_models"] = "list_models"


class ChooseModelRequest(_Data):
    """Go on with another network."""

    t: Literal["choose_model"] = "choose_model"
    name: Annotated[str, Field(max_length=MAX_NAME_LENGTH)]


class ListDetectorsRequest(_Data):
    """Which detectors does this server offer for text prompts? The answer is `detectors`."""

    t: Literal["list_detectors"] = "list_detectors"


class DetectRequest(_Data):
    """Find what a text names on a frame, with commas between several things. The answer is `detected`, with all from
    low scores on, and the server makes no objects of it; meanwhile there is `progress` of detect. `run` is a number of
    the page's own that is in the answer."""

    t: Literal["detect"] = "detect"
    run: Number
    frame: Frame
    text: Text
    detector: DetectorName


class DetectClipRequest(TrackingRunData):
    """Find what a text names on `frame`, and with `every` on each n-th frame from there in the direction (forward,
    backward or both); make objects of what is new, numbered from `first_object` on, and track all in between. It is a
    run of tracking, with `detected` for each frame on which the detector looked."""

    t: Literal["detect_clip"] = "detect_clip"
    text: Text
    detector: DetectorName
    first_object: ObjectId
    every: Annotated[int, Field(ge=1)] | Absent = None
    box_threshold: Share | Absent = None
    text_threshold: Share | Absent = None

    @property
    def text_direction(self) -> TextDirection:
        """The direction; raises `BadPrompt` for others than a text can be followed in."""
        if self.direction == "one" or self.direction == "update":
            raise BadPrompt("What a text names is tracked forward, backward or both.")
        return self.direction


class EditLogRequest(_Data):
    """Begin anew with these entries, answered by `done` of replay. With `more` the prompts and removals among them
    come to what is there already."""

    t: Literal["edit_log"] = "edit_log"
    entries: Annotated[
        tuple[Annotated[Entry, _ReadAs(EntryData, _to_entry)], ...], Field(max_length=MAX_LOG_ENTRIES), FailFast()
    ]
    seq: Number
    more: bool = False


class LiveStartRequest(_Data):
    """The camera runs, with frames of this size; answered by `live_started`. The frames come by POST (routes.py)."""

    t: Literal["live_start"] = "live_start"
    width: Annotated[int, Field(ge=16, le=MAX_SIDE)]
    height: Annotated[int, Field(ge=16, le=MAX_SIDE)]


class LivePromptRequest(_Data):
    """Everything that is asked for an object on the frame that was seen; answered by `live_masks`."""

    t: Literal["live_prompt"] = "live_prompt"
    frame: Frame
    object: ObjectId
    prompt: PromptField


class LiveRemoveRequest(_Data):
    """Follow an object no longer."""

    t: Literal["live_remove"] = "live_remove"
    object: ObjectId


class LiveStopRequest(_Data):
    """The camera is off."""

    t: Literal["live_stop"] = "live_stop"


AnytimeRequest: TypeAlias = CancelRequest | ListModelsRequest | ChooseModelRequest | ListDetectorsRequest
"""What can be asked while nothing is open."""
Request: TypeAlias = (
    SetPromptRequest
    | PreviewRequest
    | RemoveObjectRequest
    | TrackRequest
    | StopRequest
    | UntrackRequest
    | GetMasksRequest
    | SegmentEverythingRequest
    | ExportRequest
    | DetectRequest
    | DetectClipRequest
    | TrainRequest
    | EditLogRequest
    | AnytimeRequest
)
R = TypeVar("R", bound=BaseModel)
_REQUEST: TypeAdapter[Request] = TypeAdapter(Annotated[Request, Field(discriminator="t")])
LiveRequest: TypeAlias = LiveStartRequest | LivePromptRequest | LiveRemoveRequest | LiveStopRequest
"""About the camera, whatever else is open."""
_LIVE_REQUEST: TypeAdapter[LiveRequest] = TypeAdapter(Annotated[LiveRequest, Field(discriminator="t")])
_TAGS = {kind.model_fields["t"].default for kind in get_args(Request)}
_ANYTIME_REQUEST: TypeAdapter[AnytimeRequest] = TypeAdapter(Annotated[AnytimeRequest, Field(discriminator="t")])

_NUMBER = f"`{{name}}` must be a whole number from 0 to {MAX_NUMBER}."
_FRAME = "`{name}` must be a whole number from 0 to {last}."
_FLAG = "`{name}` must be true or false."
_MASK = "This mask is too intricate or no mask at all. Paint or import a simpler one."
_THRESHOLD = "`{name}` must be a number from 0 to 1."
_EXPORT_OBJECT = "An object to download has an id, a name and a color."
_REFUSALS = {
    "seq": _NUMBER,
    "run": _NUMBER,
    "frame": _FRAME,
    "first": _FRAME,
    "last": _FRAME,
    "frames": "`frames` must be the first and the last frame, each a whole number from 0 to {last}.",
    "every": "`every` must be a whole number from 1 to {frames}.",
    "object": f"`object` must be a whole number from 1 to {MAX_OBJECT_ID}.",
    "objects": f"`objects` must be a list of objects, each a whole number from 1 to {MAX_OBJECT_ID}.",
    "direction": f"`direction` must be one of {', '.join(DIRECTIONS)}.",
    "job": f"`job` must be one of {', '.join(get_args(CancelRequest.model_fields['job'].annotation))}.",
    "points_per_side": f"`points_per_side` must be a whole number from 1 to {MAX_POINTS_PER_SIDE}.",
    "crop_layers": f"`crop_layers` must be a whole number from 0 to {MAX_CROP_LAYERS}.",
    "min_region_area": f"`min_region_area` must be a whole number from 0 to {MAX_REGION_AREA}.",
    "format": f"`format` must be one of {', '.join(SESSION_FORMATS)}.",
    "largest_side": f"`largest_side` must be a whole number from 0 to {MAX_SIDE}.",
    "effects": "A look has layers, feather and matte.",
    "pause": _FLAG,
    "more": _FLAG,
    "polygons": _FLAG,
    "pictures": _FLAG,
    "side_by_side": _FLAG,
    "cropped": _FLAG,
    "prompt": "A prompt has points, boxes, a mask and a crop.",
    "points": "Each point of a prompt is [x, y, 1 or 0].",
    "boxes": "Each box of a prompt is [left, top, right, bottom].",
    "crop": "The crop of a prompt is [left, top, right, bottom].",
    "choice": "`choice` must be 0, 1 or 2.",
    "mask": _MASK,
    "size": _MASK,
    "counts": _MASK,
    "export.objects": "Select something first: there is no mask to download.",
    "minutes": f"`minutes` must be a number from 0.1 to {MAX_MINUTES}.",
    "id": f"`object` must be a whole number from 1 to {MAX_OBJECT_ID}.",
    "export.name": _EXPORT_OBJECT,
    "label": _EXPORT_OBJECT,
    "color": _EXPORT_OBJECT,
    "text": f"This text is too long: at most {MAX_TEXT_LENGTH} characters. Shorten it.",
    "detector": "`detector` must be the name of a detector.",
    "detect_clip.every": "`every` must be a whole number from 1 on.",
    "first_object": f"`first_object` must be a whole number from 1 to {MAX_OBJECT_ID}.",
    "box_threshold": _THRESHOLD,
    "text_threshold": _THRESHOLD,
    "rejected": "A data set lists rejected masks with their frames, and numbers that fit.",
    "provenance": "A data set says of its masks the stage, the source, and numbers that fit.",
    "choose_model.name": "`name` must be the name of a model.",
    "entries": "This journal is too long or no journal at all.",
    "width": "A camera's frames have between 16 and {side} pixels on each side.",
    "height": "A camera's frames have between 16 and {side} pixels on each side.",
    "edit_log.frame": _FOREIGN_LOG,
    "edit_log.object": _FOREIGN_LOG,
    "edit_log.objects": _FOREIGN_LOG,
    "forget": _FOREIGN_LOG,
    "track": _FOREIGN_LOG,
}
"""Sentences for values that do not fit, by field, or request and field."""


def parse_request(text: str, bounds: Bounds | None) -> Request:
    """Read a message of a page; `bounds` is None while nothing is open. Raises `BadPrompt`."""
    if len(text) > MAX_REQUEST_CHARACTERS:
        raise BadPrompt("This message is too long.")
    try:
        return (_REQUEST if bounds is not None else _ANYTIME_REQUEST).validate_json(text, context=bounds)
    except ValidationError as error:
        raise BadPrompt(_sentence(error, bounds)) from error


def parse_live_request(text: str, bounds: Bounds | None) -> LiveRequest:
    """Read a message about the camera; `bounds` are those of its frames, None while it is off. Raises `BadPrompt`."""
    if len(text) > MAX_LIVE_CHARACTERS:
        raise BadPrompt("This message is too long.")
    try:
        return _LIVE_REQUEST.validate_json(text, context=bounds)
    except ValidationError as error:
        raise BadPrompt(_sentence(error, bounds)) from error


def check_request(kind: type[R], bounds: Bounds, /, **values: Any) -> R:
    """A request from plain data that did not come as a message (from an endpoint); raises `BadPrompt`."""
    text, name = json.dumps(values), kind.model_fields["t"].default
    if len(text) > MAX_REQUEST_CHARACTERS:
        raise BadPrompt("This is too much to say at once. Leave something out.")
    try:
        return kind.model_validate_json(text, context=bounds)
    except ValidationError as error:
        raise BadPrompt(_sentence(error, bounds, name)) from error


def _sentence(error: ValidationError, bounds: Bounds | None, request: str = "") -> str:
    """What to tell a user about the first thing that is wrong."""
    details = error.errors(include_url=False, include_input=False)[0]
    location, context = details["loc"], details.get("ctx", {})
    if isinstance(context.get("error"), BadPrompt):
        return str(context["error"])
    if details["type"] == "union_tag_invalid" and context["tag"] in _TAGS:
        return "Open a picture or a clip first."
    if not request and location:
        request, location = str(location[0]), location[1:]
    names = [name for name in reversed(location) if isinstance(name, str)]
    keys = (key for name in names for key in (f"{request}.{name}", name))
    text = next((_REFUSALS[key] for key in keys if key in _REFUSALS), _UNKNOWN)
    frames = 0 if bounds is None else bounds.frames
    return text.format(name=names[0] if names else "", frames=frames, last=frames - 1, side=MAX_SIDE)


def is_preview(text: str) -> bool:
    """Whether a message is a `preview`: those are counted apart, before anything is parsed."""
    return _PREVIEW.match(text) is not None


def is_live(text: str) -> bool:
    """Whether a message is about the camera."""
    return _LIVE.match(text) is not None


def is_large(text: str) -> bool:
    """Whether parsing this message would hold up an event loop."""
    return len(text) > LARGE_REQUEST_CHARACTERS


def request_subject(text: str) -> dict[str, Any]:
    """What the refusal of a message must name, or the page would wait for its answer: seq, or job and run."""
    try:
        plain = json.loads(text[:MAX_REQUEST_CHARACTERS])
        request, seq, run = plain["t"], plain.get("seq"), plain.get("run")
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        return {}
    if request == "edit_log" and isinstance(seq, int):
        return {"job": "replay", "seq": seq}
    if request in ("set_prompt", "remove_object", "untrack", "get_masks") and isinstance(seq, int):
        return {"seq": seq}
    if request in ("track", "detect_clip", "detect") and isinstance(run, int):
        return {"job": "detect" if request == "detect" else "track", "run": run}
    if is_live(text):
        return {"job": "live"}
    if request == "segment_everything" and isinstance(run, int):
        return {"job": "everything", "run": run}
    jobs = {"export": "export", "choose_model": "model", "train": "train"}
    return {"job": jobs[request]} if isinstance(request, str) and request in jobs else {}


@dataclass(frozen=True, slots=True)
class UploadInfo:
    """What an upload's address says of its file.

    `batch` names the files that belong together, `left` of which are still to come; with `add` they come to the photos
    that are open, `as_clip` they are the frames of a clip. With `scale_down` what has too many pixels is scaled down.
    """

    batch: str
    left: int
    add: bool
    as_clip: bool = False
    scale_down: bool = False


def read_upload(query: Mapping[str, str], max_pictures: int, max_frames: int) -> UploadInfo:
    """Read the address of an upload; raises `BadPrompt`."""
    left, batch = query.get("left", "0"), query.get("batch", "")
    if not (left.isascii() and left.isdigit() and len(left) < 6 and len(batch) <= MAX_NAME_LENGTH):
        raise BadPrompt("The page announced this file in words that the server does not know. Reload the page.")
    as_clip = query.get("clip") == "1"
    if int(left) >= (max_frames if as_clip else max_pictures):
        most = f"{max_frames} frames" if as_clip else f"{max_pictures} photos"
        raise BadPrompt(f"Up to {most} fit together. Choose fewer.")
    return UploadInfo(batch, int(left), query.get("add") == "1", as_clip, query.get("scale") == "1")


# --- events -----------------------------------------------------------------------------------------------------------

_ABSENT: Any = Field(default=None, exclude_if=lambda value: value is None)
JobName: TypeAlias = Literal[
    "ingest", "import", "export", "replay", "track", "model", "detect", "live", "everything", "train"
]  # fmt: skip


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True)


class MediumData(_Event):
    """What is open. `times` in seconds only where the frame rate varies; `sizes` ([height, width]) and `names` of the
    photos of an album; `fps` is 0 for an image."""

    kind: Literal["image", "clip", "album"]
    name: str
    frames: int
    fps: float
    height: int
    width: int
    times: tuple[float, ...] | None
    sizes: tuple[tuple[int, int], ...] | Absent = _ABSENT
    names: tuple[str, ...] | Absent = _ABSENT


class CandidateData(_Event):
    """One reading of an ambiguous click, which `choice` in its prompt picks by its index.

    `area` is in pixels, `place` is [x, y, width, height] of the PNG in the frame, `bytes` its length.
    """

    predicted_iou: float
    area: int
    place: tuple[int, int, int, int]
    bytes: int


class ObjectMaskData(CandidateData):
    """A mask of an object. `object_score` is a logit; `stale`: older than a prompt nearby; `fresh`: found by this very
    step of tracking. The PNGs of candidates follow the object's own."""

    id: int
    object_score: float
    stale: bool
    fresh: bool
    candidates: tuple[CandidateData, ...] | Absent = _ABSENT


class SkippedData(_Event):
    """A file that could not be used."""

    name: str
    reason: str


class StaleData(_Event):
    """The stale frames of an object, as [first, last]."""

    id: int
    frames: tuple[tuple[int, int], ...]


class ModelData(_Event):
    """A network on offer. Unless `weights` are the operator's own or were trained in this session, also its size
    (`parameters` in millions), and the work for a picture and for a tracked frame as multiples of nano's; without
    `frame` it cannot track."""

    name: str
    title: str
    weights: Literal["bundled", "downloaded", "remote", "own", "trained"]
    loaded: bool
    parameters: float | Absent = _ABSENT
    megabytes: float | Absent = _ABSENT
    licence: str | Absent = _ABSENT
    picture: float | Absent = _ABSENT
    frame: float | Absent = _ABSENT


class ThresholdsData(_Event):
    """A threshold of a detector, in 0..1: what suits it, and the lowest from which on there is something to filter."""

    default: float
    floor: float


class DetectorData(_Event):
    """A detector on offer. `megabytes` is 0 where that is unknown; without `text` there is no text threshold."""

    name: str
    title: str
    megabytes: int
    licence: str
    downloaded: bool
    loaded: bool
    box: ThresholdsData
    text: ThresholdsData | Absent = _ABSENT


class FoundMaskData(_Event):
    """A mask as COCO's compressed run lengths."""

    size: tuple[int, int]
    counts: str


class FoundData(_Event):
    """What a detector found: the phrase, its score, a box as [left, top, right, bottom], a mask where the detector
    makes them, and the scores of the words that are found in the box, by phrase.

    `known`: it is an object that is there already, or an earlier one of the list. In a run it is the object `object`.
    """

    phrase: str
    score: float
    box: Corners
    known: bool
    object: int | Absent = _ABSENT
    mask: FoundMaskData | Absent = _ABSENT
    words: dict[str, tuple[float, ...]] | Absent = _ABSENT


class HelloEvent(_Event):
    """The first event of every connection. `tracking` is the run under way, which may give numbers up to `last_object`
    to objects that it makes."""

    t: Literal["hello"] = "hello"
    version: int
    medium: MediumData | None
    tracking: TrackingRunData | None
    last_object: int | Absent = _ABSENT


class ModelEvent(_Event):
    """The network in use, and how far loading it is; `device` is what it runs on, once it does."""

    t: Literal["model"] = "model"
    ready: bool
    fraction: float | None
    message: str
    error: str | None
    name: str
    title: str
    device: str


class ModelsEvent(_Event):
    """The answer to `list_models`. `memory` is the share of the device's memory that is in use."""

    t: Literal["models"] = "models"
    current: str
    device: str
    memory: float | None
    models: tuple[ModelData, ...]


class DetectorsEvent(_Event):
    """The answer to `list_detectors`. `problem` says what to install before any of them can be used."""

    t: Literal["detectors"] = "detectors"
    problem: str
    detectors: tuple[DetectorData, ...]


class DetectedEvent(_Event):
    """What was found on a frame, the best first: the answer to `detect`, or the new objects of a run. `phrases` is the
    text as it was read; `left_out`: for how many objects there was no room."""

    t: Literal["detected"] = "detected"
    run: int
    version: int
    frame: int
    phrases: tuple[str, ...]
    objects: tuple[FoundData, ...]
    left_out: int


class QueueEvent(_Event):
    """While a request waits: how many others come before it, and about how many seconds it takes; both 0 afterwards."""

    t: Literal["queue"] = "queue"
    position: int
    seconds: float


class OpenedEvent(_Event):
    """A medium is open; `version` goes into the addresses of its frames. `added`: photos came to those that were open,
    whose frames keep their numbers. `warnings` say what is missing or was changed."""

    t: Literal["opened"] = "opened"
    version: int
    medium: MediumData
    added: bool
    skipped: tuple[SkippedData, ...]
    warnings: tuple[str, ...]


class MasksEvent(_Event):
    """Masks of a frame.

    With `object` the answer to a prompt for that object; with `run` what this run of tracking found, on its way forward
    (`step` 1) or backward (-1); else all of the frame.
    """

    t: Literal["masks"] = "masks"
    version: int
    frame: int
    revision: int
    objects: tuple[ObjectMaskData, ...]
    seq: int | Absent = _ABSENT
    object: int | Absent = _ABSENT
    run: int | Absent = _ABSENT
    step: int | Absent = _ABSENT


class AutomaticMaskData(_Event):
    """One of the masks of everything. `id` is its number in the run, from 1; `score` decides which of two overlapping
    ones is better; `place` is [x, y, width, height] of the PNG in the frame, which encloses the mask, `crop` [left,
    top, right, bottom] of the crop that it was found in; `bytes` is the length of the PNG."""

    id: int
    predicted_iou: float
    stability: float
    score: float
    area: int
    place: tuple[int, int, int, int]
    crop: tuple[int, int, int, int]
    bytes: int


class AutomaticStartedEvent(_Event):
    """A run of everything begins (also anew): what was found in a run of this number is void.

    The settings are those asked for, the others the network's own. `min_predicted_iou` and `min_stability` are where
    the thresholds should stand at first; from the floors upwards they can be moved without computing again.
    `max_overlap` is the IoU of boxes for non-maximum suppression.
    """

    t: Literal["automatic_started"] = "automatic_started"
    version: int
    run: int
    frame: int
    points_per_side: int
    crop_layers: int
    min_predicted_iou: float
    min_stability: float
    max_overlap: float
    floor_predicted_iou: float
    floor_stability: float


class AutomaticMasksEvent(_Event):
    """Candidates of a run of everything, to be filtered by the page: new ones (or ones that are wanted again), and the
    numbers of earlier ones that no choice of thresholds shows now. The page shows at most what the filter leaves."""

    t: Literal["automatic_masks"] = "automatic_masks"
    version: int
    run: int
    frame: int
    masks: tuple[AutomaticMaskData, ...]
    dropped: tuple[int, ...]


class PreviewEvent(_Event):
    """The answer to `preview`; at most one object."""

    t: Literal["preview"] = "preview"
    version: int
    frame: int
    revision: int
    objects: tuple[ObjectMaskData, ...]
    seq: int


class StaleEvent(_Event):
    """All that is stale now."""

    t: Literal["stale"] = "stale"
    version: int
    objects: tuple[StaleData, ...]


class ObjectRemovedEvent(_Event):
    """The answer to `remove_object`."""

    t: Literal["object_removed"] = "object_removed"
    seq: int
    object: int


class UntrackedEvent(_Event):
    """The answer to `untrack`."""

    t: Literal["untracked"] = "untracked"
    seq: int


class HeartbeatEvent(_Event):
    """Comes every few seconds, so that the page notices a dead connection."""

    t: Literal["heartbeat"] = "heartbeat"


class ProgressEvent(_Event):
    """How far a job is.

    Of `model`: which one, and whether it is loaded and gets the edit log (`moving`). Of `track`: the frame that was
    reached, `done` of `total` frames, and once the pace is known frames a second (`fps`) and the seconds that are
    `left`. Of `everything`: `done` of `total` points and the seconds that are `left`.
    """

    t: Literal["progress"] = "progress"
    job: JobName
    fraction: float | None
    message: str
    model: str | Absent = _ABSENT
    moving: bool | Absent = _ABSENT
    run: int | Absent = _ABSENT
    direction: Direction | Absent = _ABSENT
    frame: int | Absent = _ABSENT
    done: int | Absent = _ABSENT
    total: int | Absent = _ABSENT
    fps: float | Absent = _ABSENT
    left: int | Absent = _ABSENT


class DoneEvent(_Event):
    """A job has ended well.

    Of `export`: the file, `size` in bytes. Of `track`: whether it was `stopped` and what is then left to be done
    (`direction`, `frame`), the object that was `lost`, if any, and on how many frames masks were computed (`changed`).
    Of `replay`: `stopped` where its tracking was cancelled. Of `model`: its name; all masks are new ones. Of a run of
    tracking that looked for what a text names: the `objects` that it made, and the `missing` phrases without one.
    Of `everything`: whether it was `stopped`. Of `train`: `name` and `title` of the new model, and the scores `before`
    and `after` on so many `masks` of `photos` that were not trained on; its weights are at `url`.
    """

    t: Literal["done"] = "done"
    job: JobName
    url: str | Absent = _ABSENT
    name: str | Absent = _ABSENT
    size: int | Absent = _ABSENT
    run: int | Absent = _ABSENT
    stopped: bool | Absent = _ABSENT
    lost: int | Absent = _ABSENT
    direction: Direction | Absent = _ABSENT
    frame: int | Absent = _ABSENT
    changed: int | Absent = _ABSENT
    objects: tuple[int, ...] | Absent = _ABSENT
    missing: tuple[str, ...] | Absent = _ABSENT
    seq: int | Absent = _ABSENT
    title: str | Absent = _ABSENT
    before: dict[str, float] | Absent = _ABSENT
    after: dict[str, float] | Absent = _ABSENT
    photos: int | Absent = _ABSENT
    masks: int | Absent = _ABSENT


class ErrorEvent(_Event):
    """Something went wrong. `text` may be shown; the others name what it is about. `too_large`: the files can be sent
    once more to be scaled down."""

    t: Literal["error"] = "error"
    text: str
    job: JobName | Absent = _ABSENT
    seq: int | Absent = _ABSENT
    run: int | Absent = _ABSENT
    too_large: bool | Absent = _ABSENT


class LiveStartedEvent(_Event):
    """The server takes frames of the camera, up to `rate` a second."""

    t: Literal["live_started"] = "live_started"
    rate: int


class LiveMasksEvent(_Event):
    """Masks of a frame of the camera: of all objects, or with `object` the answer to a prompt for that object.

    `is_first`: it begins a session, in which there are no objects yet; those of an earlier one are set again by masks.
    """

    t: Literal["live_masks"] = "live_masks"
    frame: int
    revision: int
    objects: tuple[ObjectMaskData, ...]
    object: int | Absent = _ABSENT
    is_first: bool | Absent = _ABSENT


Event: TypeAlias = (
    HelloEvent
    | ModelEvent
    | ModelsEvent
    | DetectorsEvent
    | DetectedEvent
    | QueueEvent
    | OpenedEvent
    | MasksEvent
    | AutomaticStartedEvent
    | AutomaticMasksEvent
    | PreviewEvent
    | StaleEvent
    | ObjectRemovedEvent
    | UntrackedEvent
    | LiveStartedEvent
    | LiveMasksEvent
    | HeartbeatEvent
    | ProgressEvent
    | DoneEvent
    | ErrorEvent
)


def pack(event: Event, pictures: Iterable[bytes] = ()) -> bytes:
    """An event as it is sent, with the PNGs that it announces."""
    header = event.model_dump_json().encode()
    return b"".join((struct.pack("<I", len(header)), header, *pictures))


def pack_masks(
    masks: FrameMasks,
    *,
    version: int,
    seq: int | None = None,
    object: int | None = None,
    run: int | None = None,
    step: int | None = None,
) -> bytes:
    """The `masks` event of a frame; candidates go into the answer to a prompt only, which names its `object`."""
    objects, pictures = _describe_masks(masks, with_candidates=object is not None)
    event = MasksEvent(
        version=version,
        frame=masks.frame,
        revision=masks.revision,
        objects=objects,
        seq=seq,
        object=object,
        run=run,
        step=step,
    )
    return pack(event, pictures)


def pack_preview(masks: FrameMasks, *, version: int, seq: int) -> bytes:
    """The `preview` event."""
    objects, pictures = _describe_masks(masks, with_candidates=False)
    event = PreviewEvent(version=version, frame=masks.frame, revision=masks.revision, objects=objects, seq=seq)
    return pack(event, pictures)


def pack_live_masks(masks: FrameMasks, *, object: int | None = None, is_first: bool | None = None) -> bytes:
    """The `live_masks` event."""
    objects, pictures = _describe_masks(masks, with_candidates=False)
    event = LiveMasksEvent(
        frame=masks.frame, revision=masks.revision, objects=objects, object=object, is_first=is_first
    )
    return pack(event, pictures)


def automatic_started_event(
    settings: AutomaticSettings, *, version: int, run: int, frame: int
) -> AutomaticStartedEvent:
    """The `automatic_started` event of a run with these settings."""
    return AutomaticStartedEvent(
        version=version,
        run=run,
        frame=frame,
        points_per_side=settings.points_per_side,
        crop_layers=settings.crop_layers,
        min_predicted_iou=settings.min_predicted_iou,
        min_stability=settings.min_stability,
        max_overlap=settings.max_overlap,
        floor_predicted_iou=settings.floor_predicted_iou,
        floor_stability=settings.floor_stability,
    )


def pack_automatic_masks(update: AutomaticUpdate, *, version: int, run: int, frame: int) -> bytes:
    """The `automatic_masks` event of what a command has brought."""
    masks, pictures = [], []
    for number, mask in update.found.items():
        data, picture = _describe_automatic_mask(number, mask)
        masks.append(data)
        pictures.append(picture)
    event = AutomaticMasksEvent(version=version, run=run, frame=frame, masks=tuple(masks), dropped=update.dropped)
    return pack(event, pictures)


def _describe_automatic_mask(number: int, mask: AutomaticMask) -> tuple[AutomaticMaskData, bytes]:
    picture, place = mask_png(mask.mask)
    crop = mask.crop
    data = AutomaticMaskData(
        id=number,
        predicted_iou=mask.predicted_iou,
        stability=mask.stability_score,
        score=mask.predicted_iou,
        area=mask.mask.area,
        place=place,
        crop=(round(crop.left), round(crop.top), round(crop.right), round(crop.bottom)),
        bytes=len(picture),
    )
    return data, picture


def stale_event(spans: Iterable[FrameSpan], version: int) -> StaleEvent:
    """The `stale` event of what `StaleFrames` gives."""
    frames: dict[int, list[tuple[int, int]]] = {}
    for span in spans:
        first, last = sorted((span.frames[0], span.frames[-1]))
        for object_id in span.objects:
            frames.setdefault(object_id, []).append((first, last))
    objects = tuple(StaleData(id=object_id, frames=tuple(runs)) for object_id, runs in frames.items())
    return StaleEvent(version=version, objects=objects)


def describe_medium(info: MediaInfo, times: Iterable[float]) -> MediumData:
    """A medium as the page needs it; `times` are those of all frames, in seconds."""
    is_album = info.kind == "album"
    return MediumData(
        kind=info.kind,
        name=info.name,
        frames=info.frames,
        fps=info.fps,
        height=info.height,
        width=info.width,
        times=None if info.constant_rate else tuple(times),
        sizes=info.sizes if is_album else None,
        names=info.names if is_album else None,
    )


def _describe_masks(masks: FrameMasks, with_candidates: bool) -> tuple[tuple[ObjectMaskData, ...], list[bytes]]:
    """The objects of an event, and their PNGs."""
    objects, pictures = [], []
    for each in masks.objects:
        shape, picture = _describe_mask(each)
        pictures.append(picture)
        candidates = []
        for candidate in each.candidates if with_candidates else ():
            candidate_shape, picture = _describe_mask(candidate)
            pictures.append(picture)
            candidates.append(CandidateData(**candidate_shape))
        data = ObjectMaskData(
            id=each.object_id,
            object_score=round(each.object_score, 3),
            stale=each.stale,
            fresh=each.fresh,
            candidates=tuple(candidates) or None,
            **shape,
        )
        objects.append(data)
    return tuple(objects), pictures


def _describe_mask(found: ObjectMask | Candidate) -> tuple[dict[str, Any], bytes]:
    """The fields of `CandidateData`, and the PNG."""
    area = found.mask.area
    picture, place = mask_png(found.mask) if area else (b"", (0, 0, 0, 0))
    shape = {
        "predicted_iou": round(found.predicted_iou, 4),
        "area": area,
        "place": tuple(int(n) for n in place),
        "bytes": len(picture),
    }
    return shape, picture


# --- schema -----------------------------------------------------------------------------------------------------------


class _SchemaGenerator(GenerateJsonSchema):
    """A schema that json-schema-to-typescript (draft 4) turns into plain types.

    Without titles of fields, each of which would become a type, and without lengths of lists; `t` is required; tuples,
    all of whose items here are numbers, are given as types of TypeScript.
    """

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def field_is_required(self, field: Any, total: bool) -> bool:
        has_tag = field["schema"]["type"] == "default" and field["schema"]["schema"]["type"] == "literal"
        return has_tag or super().field_is_required(field, total)

    def tuple_schema(self, schema: Any) -> dict[str, Any]:
        result = super().tuple_schema(schema)
        if "prefixItems" not in result:
            return {"type": "array", "items": result["items"]}
        types = (" | ".join(map(str, item.get("enum", ["number"]))) for item in result["prefixItems"])
        return {"type": "array", "tsType": f"[{', '.join(types)}]"}


def json_schema() -> dict[str, Any]:
    """The JSON schema of requests and events."""
    events: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="t")])
    inputs: Any = [
        ("Request", "validation", _REQUEST),
        ("LiveRequest", "validation", _LIVE_REQUEST),
        ("Event", "serialization", events),
    ]
    roots, shared = TypeAdapter.json_schemas(inputs, schema_generator=_SchemaGenerator)
    definitions = shared["$defs"] | {name: schema for (name, _), schema in roots.items()}
    return {"title": "Message", "anyOf": [{"$ref": f"#/$defs/{name}"} for name, *_ in inputs], "$defs": definitions}


if __name__ == "__main__":
    print(json.dumps(json_schema(), indent=2))
