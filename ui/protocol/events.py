"""The messages of the server to the page."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
)

from sam2_core.serving.tracking_run import Direction
from sam2_core.types import Rating, WarningKind
from ui.protocol.fields import Absent, Corners
from ui.protocol.public import PublicText, Score
from ui.protocol.requests import TrackingRunData

_ABSENT: Any = Field(default=None, exclude_if=lambda value: value is None)
JobName: TypeAlias = Literal[
    "ingest", "import", "export", "replay", "track", "model", "detect", "live", "everything", "train"
]  # fmt: skip


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True)


class MediumData(_Event):
    """What is open. `times` in seconds only where the frame rate varies; `sizes` ([height, width]) and `names` of the
    photos of an album; `fps` is 0 for an image; `has_sound` only of a clip that has."""

    kind: Literal["image", "clip", "album"]
    name: str
    frames: int
    fps: float
    height: int
    width: int
    times: tuple[float, ...] | None
    sizes: tuple[tuple[int, int], ...] | Absent = _ABSENT
    names: tuple[str, ...] | Absent = _ABSENT
    has_sound: bool | Absent = _ABSENT


class CandidateData(_Event):
    """One reading of an ambiguous click, which `choice` in its prompt picks by its index.

    `area` is in pixels, `place` is [x, y, width, height] of the PNG in the frame, `bytes` its length. `rating` is what
    the predicted IoU is worth; left out where the network does not judge the mask.
    """

    predicted_iou: Score
    area: int
    place: tuple[int, int, int, int]
    bytes: int
    rating: Rating | Absent = _ABSENT


class WarningData(_Event):
    """A sign that a tracked mask is wrong; `score` is in 0..1, from 0.5 on it is worth a look."""

    kind: WarningKind
    score: float


class ObjectMaskData(CandidateData):
    """A mask of an object. `object_score` is a logit; `stale`: older than a prompt nearby; `fresh`: found by this very
    step of tracking. `warnings` are left out where the mask was not checked, as on a prompted frame. The PNGs of
    candidates follow the object's own."""

    id: int
    object_score: Score
    stale: bool
    fresh: bool
    warnings: tuple[WarningData, ...] | Absent = _ABSENT
    candidates: tuple[CandidateData, ...] | Absent = _ABSENT


class SkippedData(_Event):
    """A file that could not be used."""

    name: str
    reason: PublicText


class StaleData(_Event):
    """The stale frames of an object, as [first, last]."""

    id: int
    frames: tuple[tuple[int, int], ...]


class SpeedData(_Event):
    """Seconds for a picture, and frames tracked a second; what is not known is left out."""

    photo_seconds: float | Absent = _ABSENT
    frames_per_second: float | Absent = _ABSENT


class ModelData(_Event):
    """A network on offer. Unless `weights` are the operator's own or were trained in this session, also its size
    (`parameters` in millions), and the work for a picture and for a tracked frame as multiples of nano's; without
    `frame` it cannot track. Entries of the same `network` differ in the side of their input, `image_size` pixels.
    `quality` is in words, with a published `figure` and its `source` where there is one.
    `measured` is how fast it was here, `estimated` how fast it should be, by its work and a probe of the device."""

    name: str
    title: str
    weights: Literal["bundled", "downloaded", "remote", "own", "trained"]
    loaded: bool
    parameters: float | Absent = _ABSENT
    megabytes: float | Absent = _ABSENT
    licence: str | Absent = _ABSENT
    picture: float | Absent = _ABSENT
    frame: float | Absent = _ABSENT
    network: str | Absent = _ABSENT
    image_size: int | Absent = _ABSENT
    quality: str | Absent = _ABSENT
    figure: str | Absent = _ABSENT
    source: str | Absent = _ABSENT
    measured: SpeedData | Absent = _ABSENT
    estimated: SpeedData | Absent = _ABSENT


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
    score: Score
    box: Corners
    known: bool
    object: int | Absent = _ABSENT
    mask: FoundMaskData | Absent = _ABSENT
    words: dict[str, tuple[float, ...]] | Absent = _ABSENT


class HelloEvent(_Event):
    """The first event of every connection. `tracking` is the run under way, which may give numbers up to `last_object`
    to objects that it makes; `everything` the number of the run of automatic masks under way. `opening`: a medium is
    being read, or waits for that; `restored`: the one that is open was so before the server was started. `editor` is
    the name of the page that was the last to change masks, and `edits` how often any page has done so."""

    t: Literal["hello"] = "hello"
    version: int
    medium: MediumData | None
    opening: bool
    restored: bool
    editor: str
    edits: int
    tracking: TrackingRunData | None
    last_object: int | Absent = _ABSENT
    everything: int | Absent = _ABSENT


class ModelEvent(_Event):
    """The network in use, and how far loading it is; `device` is what it runs on, once it does."""

    t: Literal["model"] = "model"
    ready: bool
    fraction: float | None
    message: PublicText
    error: PublicText | None
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


class BetterModelEvent(_Event):
    """How far the download of a network is that suits this machine better than the one named `replaces`. Where it has
    `failed`, `message` says why; a `ready` one can be chosen."""

    t: Literal["better_model"] = "better_model"
    state: Literal["fetching", "ready", "failed"]
    name: str
    title: str
    replaces: str
    megabytes: float
    fraction: float | None
    message: PublicText


class DetectorsEvent(_Event):
    """The answer to `list_detectors`. `problem` says what to install before any of them can be used."""

    t: Literal["detectors"] = "detectors"
    problem: PublicText
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
    warnings: tuple[PublicText, ...]


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
    predicted_iou: Score
    stability: Score
    score: Score
    area: int
    place: tuple[int, int, int, int]
    crop: tuple[int, int, int, int]
    bytes: int
    rating: Rating | Absent = _ABSENT


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
    """Candidates of a run of everything, to be filtered by the page: new ones, ones that are wanted again, or at last
    the same with fitted boundaries; and the numbers of earlier ones that no choice of thresholds shows now. The page
    shows at most what the filter leaves."""

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
    message: PublicText
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
    once more to be scaled down. `quota`: a network on the CPU can go on."""

    t: Literal["error"] = "error"
    text: PublicText
    job: JobName | Absent = _ABSENT
    seq: int | Absent = _ABSENT
    run: int | Absent = _ABSENT
    too_large: bool | Absent = _ABSENT
    quota: bool | Absent = _ABSENT


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
    | BetterModelEvent
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
