"""The messages of the page to the server."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal, TypeAlias, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    FailFast,
    Field,
    model_validator,
)

from sam2_core.errors import BadPrompt
from sam2_core.media import (
    MAX_NAME_LENGTH,
    OVERLAY,
    EffectStack,
    ExportOptions,
    ObjectTraits,
)
from sam2_core.serving.automatic_run import MAX_CROP_LAYERS, MAX_POINTS_PER_SIDE, AutomaticRequest
from sam2_core.serving.edit_log import Entry
from sam2_core.serving.text_run import TextDirection
from sam2_core.serving.tracking_run import Direction, TrackingRequest
from sam2_core.types import (
    MAX_LOG_ENTRIES,
    AutomaticSettings,
    RejectedMask,
)
from ui.protocol.fields import (
    LAST_FRAME,
    Absent,
    DetectorName,
    EffectsData,
    EntryData,
    ExportObject,
    FormatName,
    Frame,
    LastFrame,
    Number,
    ObjectId,
    Objects,
    PromptField,
    ReadAs,
    RejectedMaskData,
    RequestData,
    Share,
    Text,
    check_exported,
    check_stride,
    check_trained,
    to_effects,
    to_entry,
    to_rejected,
    to_traits,
)

MAX_SIDE = 16384  # pixels, of a download
MAX_FRAMES_PER_REQUEST = 64  # of `get_masks`
MAX_REGION_AREA = 100_000  # pixels, of holes and islands
MAX_MINUTES = 24 * 60  # of a training


class SetPromptRequest(RequestData):
    """Everything that is asked for an object on a frame; an empty prompt clears the frame. The answer is `masks`."""

    t: Literal["set_prompt"] = "set_prompt"
    seq: Number
    frame: Frame
    object: ObjectId
    prompt: PromptField


class PreviewRequest(RequestData):
    """Show what a prompt would give; nothing is remembered, and of several that wait only the newest is answered."""

    t: Literal["preview"] = "preview"
    seq: Number
    frame: Frame
    object: ObjectId
    prompt: PromptField


class RemoveObjectRequest(RequestData):
    """Remove an object with all its masks."""

    t: Literal["remove_object"] = "remove_object"
    seq: Number
    object: ObjectId


class TrackingRunData(RequestData):
    """A run of tracking: all objects from `frame` through `first`..`last` (left out: the whole clip).

    `direction` is forward, backward or both; one: this frame only; update: what is stale in the range. `run` is a
    number of the page's own that names the run in all that comes of it. With `pause` it stops where an object is lost.
    """

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    run: Number
    direction: Direction
    frame: Frame
    first: Frame = 0
    last: LastFrame = LAST_FRAME
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


class StopRequest(RequestData):
    """Stop tracking."""

    t: Literal["stop"] = "stop"


class UntrackRequest(RequestData):
    """Take back the newest tracked masks of these objects on the frames [first, last]."""

    t: Literal["untrack"] = "untrack"
    seq: Number
    frames: tuple[Frame, Frame]
    objects: Objects

    @property
    def frame_range(self) -> range:
        """The frames first..last."""
        return range(self.frames[0], self.frames[1] + 1)


class GetMasksRequest(RequestData):
    """Send what is known about these frames, up to 64 of them; `seq` is then in every answer."""

    t: Literal["get_masks"] = "get_masks"
    first: Frame
    last: Frame
    seq: Number | Absent = None

    @property
    def frame_range(self) -> range:
        """The frames first..last, as far as they are sent."""
        return range(self.first, min(self.last + 1, self.first + MAX_FRAMES_PER_REQUEST))


class EncodeFrameRequest(RequestData):
    """The user looks at this frame and may click on it: encode it as soon as nothing else is to be done. There is no
    answer."""

    t: Literal["encode_frame"] = "encode_frame"
    frame: Frame


class SegmentEverythingRequest(RequestData):
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


class ExportRequest(RequestData):
    """Write a download: the objects, of which the last one lies above the others, on each `every`-th of the frames
    `first`..`last` (left out: all). `effects` and what follows are options that only some formats take; `rejected` are
    for a data set."""

    t: Literal["export"] = "export"
    format: FormatName
    objects: Annotated[
        tuple[Annotated[ObjectTraits, ReadAs(ExportObject, to_traits)], ...], AfterValidator(check_exported)
    ]
    first: Frame = 0
    last: LastFrame = LAST_FRAME
    every: Annotated[int, Field(ge=1), AfterValidator(check_stride)] = 1
    effects: Annotated[EffectStack, ReadAs(EffectsData, to_effects)] = OVERLAY
    polygons: bool = False
    pictures: bool = False
    side_by_side: bool = False
    cropped: bool = False
    largest_side: Annotated[int, Field(ge=0, le=MAX_SIDE)] = 0
    rejected: Annotated[
        tuple[Annotated[RejectedMask, ReadAs(RejectedMaskData, to_rejected)], ...], Field(max_length=MAX_LOG_ENTRIES)
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


class TrainRequest(RequestData):
    """Fine-tune the network in use on the open photos and the masks of these objects, for about so many minutes.
    Answered by `progress` and at last `done`."""

    t: Literal["train"] = "train"
    objects: Annotated[
        tuple[Annotated[ObjectTraits, ReadAs(ExportObject, to_traits)], ...], AfterValidator(check_trained)
    ]
    minutes: Annotated[float, Field(ge=0.1, le=MAX_MINUTES)] = 5.0


class CancelRequest(RequestData):
    """Cancel a job; of a replay its tracking, or what it adds."""

    t: Literal["cancel"] = "cancel"
    job: Literal["ingest", "import", "export", "replay", "model", "detect", "everything", "train"]


class ListModelsRequest(RequestData):
    """Which networks does this server offer? The answer is `models`."""

    t: Literal["list_models"] = "list_models"


class ChooseModelRequest(RequestData):
    """Go on with another network."""

    t: Literal["choose_model"] = "choose_model"
    name: Annotated[str, Field(max_length=MAX_NAME_LENGTH)]


class RetryDownloadRequest(RequestData):
    """Try to fetch the better network again, which has failed. The answers are `better_model` events."""

    t: Literal["retry_download"] = "retry_download"


class ListDetectorsRequest(RequestData):
    """Which detectors does this server offer for text prompts? The answer is `detectors`."""

    t: Literal["list_detectors"] = "list_detectors"


class DetectRequest(RequestData):
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


class EditLogRequest(RequestData):
    """Begin anew with these entries, answered by `done` of replay. With `more` the prompts and removals among them
    come to what is there already."""

    t: Literal["edit_log"] = "edit_log"
    entries: Annotated[
        tuple[Annotated[Entry, ReadAs(EntryData, to_entry)], ...], Field(max_length=MAX_LOG_ENTRIES), FailFast()
    ]
    seq: Number
    more: bool = False


class LiveStartRequest(RequestData):
    """The camera runs, with frames of this size; answered by `live_started`. The frames come by POST (routes.py)."""

    t: Literal["live_start"] = "live_start"
    width: Annotated[int, Field(ge=16, le=MAX_SIDE)]
    height: Annotated[int, Field(ge=16, le=MAX_SIDE)]


class LivePromptRequest(RequestData):
    """Everything that is asked for an object on the frame that was seen; answered by `live_masks`."""

    t: Literal["live_prompt"] = "live_prompt"
    frame: Frame
    object: ObjectId
    prompt: PromptField


class LiveRemoveRequest(RequestData):
    """Follow an object no longer."""

    t: Literal["live_remove"] = "live_remove"
    object: ObjectId


class LiveStopRequest(RequestData):
    """The camera is off."""

    t: Literal["live_stop"] = "live_stop"


AnytimeRequest: TypeAlias = (
    CancelRequest | ListModelsRequest | ChooseModelRequest | RetryDownloadRequest | ListDetectorsRequest
)
"""What can be asked while nothing is open."""
Request: TypeAlias = (
    SetPromptRequest
    | PreviewRequest
    | RemoveObjectRequest
    | TrackRequest
    | StopRequest
    | UntrackRequest
    | GetMasksRequest
    | EncodeFrameRequest
    | SegmentEverythingRequest
    | ExportRequest
    | DetectRequest
    | DetectClipRequest
    | TrainRequest
    | EditLogRequest
    | AnytimeRequest
)
R = TypeVar("R", bound=BaseModel)
LiveRequest: TypeAlias = LiveStartRequest | LivePromptRequest | LiveRemoveRequest | LiveStopRequest
"""About the camera, whatever else is open."""
