"""Values that all parts share: plain, frozen and picklable (stdlib and numpy only).

Coordinates are always pixels of the original frame, x to the right and y down. A frame is a 0-based index in
presentation order, the same on the page, in the network and in every exported file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from sam2_core.errors import BadPrompt

BoolArray: TypeAlias = npt.NDArray[np.bool_]

Progress: TypeAlias = Callable[[float | None, str], None]
"""Callback with the fraction done (None: unknown) and a line of text."""


MAX_MASK_LENGTH = 500_000
"""Characters of one mask as COCO's compressed run lengths in a message or file; a 4K frame takes some ten thousand."""
MAX_OBJECT_ID = 1_000_000
MAX_LOG_ENTRIES = 20_000
"""Entries of an edit log that comes from a page or a file."""
MAX_OBJECTS_PER_ENTRY = 1000


@dataclass(frozen=True, slots=True)
class Point:
    """A point prompt: on the object (`positive`) or on what does not belong to it."""

    x: float
    y: float
    positive: bool = True


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle; `right` and `bottom` are exclusive edges."""

    left: float
    top: float
    right: float
    bottom: float

    def sorted(self) -> Box:
        """The same rectangle with the smaller coordinates first, for corners in any order."""
        if self.right >= self.left and self.bottom >= self.top:
            return self
        (left, right), (top, bottom) = sorted((self.left, self.right)), sorted((self.top, self.bottom))
        return Box(left, top, right, bottom)


def foreground_of(values: npt.NDArray[Any]) -> BoolArray:
    """Which values of a mask are foreground.

    Floating-point numbers, and whole ones up to the white of 8 or 16 bits (255 or 65535), may be soft: those from half
    of the range on, which is at least 1. Of other whole numbers, such as those of objects, all but 0.
    """
    if values.dtype == np.bool_ or not values.size:
        return np.asarray(values, np.bool_)
    largest = values.max()
    is_soft = np.issubdtype(values.dtype, np.floating) or largest in (255, 65535)
    return np.asarray(values >= max(largest, 1) / 2 if is_soft else values != 0)


@dataclass(frozen=True, slots=True)
class Mask:
    """A binary mask as run lengths in COCO's order: little-endian uint32, column by column, the first run counts zeros.

    A mask of a 4K frame takes a few kilobytes.
    """

    height: int
    width: int
    runs: bytes

    @classmethod
    def from_array(cls, array: npt.ArrayLike) -> Mask:
        """Encode a (H, W) array; see `foreground_of`."""
        pixels = foreground_of(np.asarray(array))
        if pixels.ndim != 2:
            raise BadPrompt(f"A mask has two axes (height, width), got shape {pixels.shape}.")
        height, width = pixels.shape
        flat = np.ascontiguousarray(pixels.T).reshape(-1)
        edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
        starts_filled = flat.size > 0 and bool(flat[0])
        bounds = np.concatenate([[0, 0] if starts_filled else [0], edges, [flat.size]])
        return cls(height, width, np.diff(bounds).astype("<u4").tobytes())

    @classmethod
    def from_coco(cls, rle: dict[str, Any]) -> Mask:
        """Decode a COCO run-length object, compressed (`counts` a string) or not (`counts` a list)."""
        try:
            height, width = (int(side) for side in rle["size"])
            counts = rle["counts"]
            runs = np.array(counts, dtype=np.int64) if isinstance(counts, list) else _decompress(counts)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise BadPrompt('A COCO mask needs "size": [height, width] and "counts".') from error
        pixels = height * width
        # Each run is bounded first, so that the sum cannot overflow.
        if runs.ndim != 1 or min(height, width) < 1 or ((runs < 0) | (runs > pixels)).any() or runs.sum() != pixels:
            raise BadPrompt(f"The mask's runs do not fill {height} x {width} pixels.")
        return cls(height, width, runs.astype("<u4").tobytes())

    def to_array(self) -> BoolArray:
        """The mask as a boolean (H, W) array."""
        runs = np.frombuffer(self.runs, dtype="<u4")
        values = np.arange(runs.size) % 2 == 1
        return np.ascontiguousarray(np.repeat(values, runs).reshape(self.width, self.height).T)

    def to_coco(self) -> dict[str, Any]:
        """COCO's compressed form: {"size": [height, width], "counts": str}."""
        return {"size": [self.height, self.width], "counts": _compress(np.frombuffer(self.runs, dtype="<u4"))}

    @property
    def area(self) -> int:
        """Number of foreground pixels."""
        return int(np.frombuffer(self.runs, dtype="<u4")[1::2].sum(dtype=np.int64))


_MAX_DIGITS = 7  # of five bits each, for one run


def _compress(runs: npt.NDArray[np.uint32]) -> str:
    """COCO's text form: from the fourth run on, each is stored as its difference to the one two places before, in
    digits of five bits, lowest first; a sixth bit marks that more digits follow."""
    values = runs.astype(np.int64)
    values[3:] -= runs[1:-2]
    places = np.arange(_MAX_DIGITS)
    limit = 1 << (5 * places + 4)  # of signed values with digits up to each place
    lengths = ((values[:, None] >= limit) | (values[:, None] < -limit)).sum(axis=1) + 1
    more = places < lengths[:, None] - 1
    digits = ((values[:, None] >> (5 * places)) & 31) | (more << 5)
    return (digits[places < lengths[:, None]] + 48).astype(np.uint8).tobytes().decode("ascii")


def _decompress(text: str | bytes) -> npt.NDArray[np.int64]:
    """The inverse of `_compress`; raises `ValueError` for any other text."""
    digits = np.frombuffer(text.encode("ascii") if isinstance(text, str) else text, np.uint8).astype(np.int64) - 48
    is_last = (digits & 32) == 0
    if not digits.size or not is_last[-1] or ((digits < 0) | (digits > 63)).any():
        raise ValueError("not a run-length text")
    starts = np.flatnonzero(np.concatenate([[True], is_last[:-1]]))
    lengths = np.diff(np.append(starts, digits.size))
    if lengths.max() > _MAX_DIGITS:
        raise ValueError("a run is too long")
    places = np.arange(digits.size) - np.repeat(starts, lengths)
    values = np.add.reduceat((digits & 31) << (5 * places), starts)
    is_negative = (digits[is_last] & 16) != 0
    values[is_negative] -= 1 << (5 * lengths[is_negative])
    values[1::2], values[2::2] = values[1::2].cumsum(), values[2::2].cumsum()
    return values


LAST_CHOICE = 3
"""The last candidate of an ambiguous click. The official networks have three; the fourth is the single mask of those
that rank it among them (see `model.ranked_outputs`)."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """The complete prompt of one object on one frame; an empty one clears it.

    The object is the union of the boxes, whose corners may come in any order, and the mask, refined by the points. A
    mask alone (painted, imported, or an earlier result) is used as it is. `choice` is the picked candidate of an
    ambiguous click, 0 to `LAST_CHOICE`; None, and one that the network does not have, take the one with the highest
    predicted IoU. `crop` is segmented again at the network's full input size (crop refinement); a prompt of only a crop
    refines the tracked mask.
    """

    points: tuple[Point, ...] = ()
    boxes: tuple[Box, ...] = ()
    mask: Mask | None = None
    choice: int | None = None
    crop: Box | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "boxes", tuple(box.sorted() for box in self.boxes))

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing in it, whatever `choice` is."""
        return not self.points and not self.boxes and self.mask is None and self.crop is None

    def to_json(self) -> dict[str, Any]:
        """JSON data: points as [x, y, 1 or 0], boxes and crop as four numbers each, the mask as COCO run lengths."""
        plain: dict[str, Any] = {}
        if self.points:
            plain["points"] = [[point.x, point.y, int(point.positive)] for point in self.points]
        if self.boxes:
            plain["boxes"] = [[box.left, box.top, box.right, box.bottom] for box in self.boxes]
        if self.mask is not None:
            plain["mask"] = self.mask.to_coco()
        if self.choice is not None:
            plain["choice"] = self.choice
        if self.crop is not None:
            plain["crop"] = [self.crop.left, self.crop.top, self.crop.right, self.crop.bottom]
        return plain

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> Prompt:
        """The inverse of `to_json`; also reads the "box" of earlier versions. Raises `BadPrompt` for anything else."""
        try:
            points = tuple(Point(float(x), float(y), bool(positive)) for x, y, positive in plain.get("points", ()))
            corners = plain.get("boxes", ()) if plain.get("box") is None else (plain["box"],)
            boxes = tuple(Box(*(float(value) for value in four)) for four in corners)
            choice = plain.get("choice")
            mask = None if plain.get("mask") is None else Mask.from_coco(plain["mask"])
            crop = None if plain.get("crop") is None else Box(*(float(value) for value in plain["crop"]))
            return cls(points, boxes, mask, None if choice is None else int(choice), crop)
        except (AttributeError, TypeError, ValueError, OverflowError) as error:
            raise BadPrompt(f"This prompt cannot be read: {error}.") from error


WarningKind: TypeAlias = Literal["lost", "low_iou", "area", "pieces", "shift", "overlap", "appearance", "whole_frame"]
"""Why a tracked mask may be wrong, see `tracking/mask_warnings.py`."""

UNSUSPICIOUS, WORTH_A_LOOK, VERY_SUSPICIOUS = 0.25, 0.5, 0.75
"""Scores of warnings: below the first a mask is trusted, from the second on the user is told, from the third on it is
poor."""


@dataclass(frozen=True, slots=True)
class MaskWarning:
    """A sign that a tracked mask is wrong; `score` is in 0..1, see `WORTH_A_LOOK`."""

    kind: WarningKind
    score: float


Rating: TypeAlias = Literal["good", "check", "poor"]
"""How good a mask probably is, in a word."""

RATINGS: tuple[Rating, ...] = get_args(Rating)


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingSettings:
    """How sure a network must be of a mask for each word. What counts is the predicted IoU times the stability score.

    Attributes:
        good: A prompted mask is good from this product on: its IoU is then at least 0.8 in about nine of ten cases.
        good_tracked: The same for a tracked mask, which must also be unsuspicious.
        poor: Masks with a lower product are poor.
        min_similarity: A tracked mask is suspicious if the image features in it are less similar (by their cosine) to
            those on the prompted frame, both less those around the object there; 0 leaves this check out.
        source: By what measurement the thresholds were chosen.
    """

    good: float = 0.83
    good_tracked: float = 0.83
    poor: float = 0.3
    min_similarity: float = 0.0
    source: str = "not measured for this network: 0.88 x 0.95 are the thresholds of SAM for automatic masks"

    def rate(self, predicted_iou: float, stability_score: float) -> Rating:
        """The word for a mask that a prompt gave."""
        return self._word(predicted_iou * stability_score, self.good)

    def rate_tracked(self, predicted_iou: float, stability_score: float, warnings: Iterable[MaskWarning]) -> Rating:
        """The word for a tracked mask with these warnings."""
        worst = max((warning.score for warning in warnings), default=0.0)
        if worst >= VERY_SUSPICIOUS:
            return "poor"
        word = self._word(predicted_iou * stability_score, self.good_tracked)
        return "check" if worst >= UNSUSPICIOUS and word == "good" else word

    def _word(self, sure: float, good: float) -> Rating:
        return "good" if sure >= good else "check" if sure >= self.poor else "poor"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One of the masks that an ambiguous prompt may mean, with its predicted IoU and what that is worth."""

    mask: Mask
    predicted_iou: float
    rating: Rating | None = None


@dataclass(frozen=True, slots=True)
class ObjectMask:
    """The mask of one object on one frame.

    `predicted_iou` is in 0..1, `object_score` a logit (above 0: the object is visible). A tracked mask is `stale` if a
    neighboring prompt changed since, and `fresh` if the call that returns it computed it. `warnings` are None where
    the mask was not checked, as on a prompted frame; `rating` is None where the network does not judge the mask, as
    one that is its prompt.
    """

    object_id: int
    mask: Mask
    predicted_iou: float
    object_score: float
    candidates: tuple[Candidate, ...] = ()
    stale: bool = False
    fresh: bool = False
    # They also tell of what else was there when the mask was found: equal masks may differ in them.
    warnings: tuple[MaskWarning, ...] | None = field(default=None, compare=False)
    rating: Rating | None = field(default=None, compare=False)

    @property
    def is_present(self) -> bool:
        """Whether the object is visible in the frame."""
        return self.object_score > 0 and self.mask.area > 0


@dataclass(frozen=True, slots=True)
class AutomaticMask:
    """A mask that was found without a prompt of the user's, by a point of a grid within a crop of the frame.

    `stability_score` is the IoU of the mask at a higher and at a lower threshold, 0..1. `box` encloses the mask. All
    coordinates are pixels of the frame. `candidate` says which of the masks of its point it is, where its boundary is
    still to be fitted to the picture.
    """

    mask: Mask
    predicted_iou: float
    stability_score: float
    box: Box
    point: Point
    crop: Box
    rating: Rating | None = None
    candidate: int | None = None


@dataclass(frozen=True, slots=True)
class RejectedMask:
    """A mask that the network proposed on a frame and a person rejected; `seconds` is the time that it took."""

    frame: int
    mask: Mask
    predicted_iou: float | None = None
    stability_score: float | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AutomaticSettings:
    """How a network segments everything; the defaults are the official ones of SAM 2.

    Attributes:
        points_per_side: The grid has this many points squared, in the frame and in each crop.
        crop_layers: Layers of crops to search as well; layer n has 4ⁿ crops.
        min_predicted_iou: Masks with a predicted IoU above this are kept; 0 keeps all.
        min_stability: Masks with at least this stability score are kept.
        stability_offset: How far the stability score moves the threshold of the logits up and down.
        max_overlap: Of two masks whose boxes have a higher IoU the better one is kept; 1 keeps both.
        max_mask_overlap: The same for the IoU of the masks themselves, before the thresholds are applied.
        max_masks: Of all masks above the floors at most these many are kept, the best.
        floor_predicted_iou, floor_stability: The lowest values of the two thresholds that can be chosen afterwards.
    """

    points_per_side: int = 32
    crop_layers: int = 0
    min_predicted_iou: float = 0.8
    min_stability: float = 0.95
    stability_offset: float = 1.0
    max_overlap: float = 0.7
    max_mask_overlap: float = 1.0
    max_masks: int = 1000
    floor_predicted_iou: float = 0.5
    floor_stability: float = 0.6


@dataclass(frozen=True, slots=True)
class FrameSpan:
    """Frames to be tracked for these objects, in the order of the range."""

    frames: range
    objects: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FrameMasks:
    """The masks of one frame at one revision of the session."""

    frame: int
    revision: int
    objects: tuple[ObjectMask, ...]


@dataclass(frozen=True, slots=True)
class LiveMedium:
    """Frames of this size that arrive one by one, as from a camera; nobody knows how many."""

    height: int
    width: int


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """A session and its media. `fps` is 0 for an image, an album or a live medium, which begins without frames."""

    id: str
    frames: int
    height: int
    width: int
    fps: float
