"""Images and annotations of a dataset folder, and their JSON form. Untrusted data raises `DataError`."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

from sam2_core.errors import BadPrompt, DataError
from sam2_core.media import MAX_LABEL_LENGTH
from sam2_core.media.names import MAX_NAME
from sam2_core.types import MAX_MASK_LENGTH, Mask

Stage: TypeAlias = Literal["assisted", "semi-automatic", "automatic"]
STAGES: tuple[Stage, ...] = ("assisted", "semi-automatic", "automatic")

Source: TypeAlias = Literal["person", "confirmed", "automatic"]
"""Who made a mask: a person (with prompts or a brush), the network with a person's approval, or the network alone."""
SOURCES: tuple[Source, ...] = ("person", "confirmed", "automatic")
TRUSTED: tuple[Source, ...] = ("person", "confirmed")
"""Sources of masks that a network can be measured on: its own masks would favor it."""

Verdict: TypeAlias = Literal["accepted", "rejected", "changed", "open"]
"""A person's decision about a proposal; "open" takes an earlier one back."""
VERDICTS: tuple[Verdict, ...] = ("accepted", "rejected", "changed", "open")

MAX_ID = 1_000_000_000
MAX_SIDE = 1_000_000
MAX_SECONDS = 1_000_000.0
SET_ASIDE = 0.2
"""The share of images that are never trained on."""

_DIGEST = re.compile("[0-9a-f]{64}")
_MAX_NETWORK_NAME = 200


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """An image in `images/`: `digest` is the SHA-256 of the file, and the size is that of the upright image."""

    id: int
    name: str
    digest: str
    width: int
    height: int

    @property
    def rank(self) -> float:
        """A number in 0..1 that depends only on the content."""
        return int(self.digest[:8], 16) / 2**32

    def to_json(self) -> dict[str, Any]:
        """The inverse of `image_from_json`."""
        return {
            "image": self.id,
            "file": self.name,
            "sha256": self.digest,
            "width": self.width,
            "height": self.height,
        }


@dataclass(frozen=True, slots=True)
class NetworkId:
    """The network that made a mask, and the SHA-256 of its weights; both "" where none was involved or is known."""

    name: str = ""
    weights: str = ""


NO_NETWORK = NetworkId()


@dataclass(frozen=True, slots=True)
class Annotation:
    """A mask of an image, or a proposed one. `seconds` is what it took: a person's time, for an automatic mask its
    share of the computing time."""

    id: int
    image_id: int
    mask: Mask
    stage: Stage
    source: Source
    label: str = ""
    seconds: float | None = None
    predicted_iou: float | None = None
    stability_score: float | None = None
    network: NetworkId = NO_NETWORK

    def __post_init__(self) -> None:
        check_number(self.seconds, MAX_SECONDS, "seconds")
        check_number(self.predicted_iou, math.inf, "predicted_iou", least=-math.inf)
        check_number(self.stability_score, 1.0, "stability_score")
        if self.stage not in STAGES or self.source not in SOURCES:
            raise DataError(f"A mask is of a stage ({', '.join(STAGES)}) and a source ({', '.join(SOURCES)}).")
        if len(self.label) > MAX_LABEL_LENGTH:
            raise DataError(f"A label has at most {MAX_LABEL_LENGTH} characters.")
        if not self.mask.area:
            raise DataError("An empty mask cannot be annotated: it has no pixels.")

    def to_json(self) -> dict[str, Any]:
        """The inverse of `annotation_from_json`; what is not known is left out."""
        plain = {
            "id": self.id,
            "image": self.image_id,
            "stage": self.stage,
            "source": self.source,
            "label": self.label,
            "seconds": rounded(self.seconds, 3),
            "predicted_iou": rounded(self.predicted_iou, 4),
            "stability_score": rounded(self.stability_score, 4),
            "network": self.network.name,
            "weights": self.network.weights,
            "mask": self.mask.to_coco(),
        }
        return {name: value for name, value in plain.items() if value not in (None, "")}


def rounded(value: float | None, digits: int) -> float | None:
    """A rounded number; None stays None."""
    return None if value is None else round(value, digits)


def check_number(value: float | None, largest: float, name: str, least: float = 0.0) -> None:
    """Raise `DataError` for a number that is not finite, or out of range."""
    if value is not None and not (math.isfinite(value) and least <= value <= largest):
        raise DataError(f"`{name}` is a number from {least:g} to {largest:g}, not {value!r}.")


def image_from_json(plain: Mapping[str, Any]) -> ImageRecord:
    """Read an image."""
    name, digest = plain.get("file"), plain.get("sha256")
    if not isinstance(name, str) or not is_image_name(name):
        raise DataError("An image of the manifest has an invalid file name.")
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        raise DataError("An image of the manifest has an invalid checksum.")
    width, height = (whole(plain.get(side), MAX_SIDE) for side in ("width", "height"))
    return ImageRecord(whole(plain.get("image"), MAX_ID), name, digest, width, height)


def is_image_name(name: str) -> bool:
    """Whether it names a file in a folder, and nothing else."""
    return 0 < len(name) <= MAX_NAME and name not in (".", "..") and not re.search(r"[/\\:\0]", name)


def annotation_from_json(plain: Mapping[str, Any]) -> Annotation:
    """Read an annotation or proposal."""
    return Annotation(
        whole(plain.get("id"), MAX_ID),
        whole(plain.get("image"), MAX_ID),
        mask_from_json(plain.get("mask")),
        cast("Stage", plain.get("stage")),
        cast("Source", plain.get("source")),
        text(plain.get("label", ""), MAX_LABEL_LENGTH),
        number(plain.get("seconds")),
        number(plain.get("predicted_iou")),
        number(plain.get("stability_score")),
        network_from_json(plain),
    )


def network_from_json(plain: Mapping[str, Any]) -> NetworkId:
    """Read the fields "network" and "weights"."""
    name, weights = (text(plain.get(key, ""), _MAX_NETWORK_NAME) for key in ("network", "weights"))
    return NetworkId(name, weights)


def mask_from_json(plain: object) -> Mask:
    """Read a mask of COCO's compressed run lengths."""
    counts = plain.get("counts") if isinstance(plain, dict) else None
    if not isinstance(plain, dict) or not isinstance(counts, str) or len(counts) > MAX_MASK_LENGTH:
        raise DataError("A mask of the manifest is no text of run lengths.")
    try:
        return Mask.from_coco(plain)
    except BadPrompt as error:
        raise DataError(str(error)) from error


def whole(value: object, largest: int) -> int:
    """A whole number from 1 on."""
    if type(value) is not int or not 1 <= value <= largest:
        raise DataError(f"A whole number from 1 to {largest} is due, not {value!r}.")
    return value


def number(value: object) -> float | None:
    """A number, or None."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise DataError(f"A number is due, not {value!r}.")
    return float(value)


def text(value: object, largest: int) -> str:
    """A text of a limited length."""
    if not isinstance(value, str) or len(value) > largest:
        raise DataError(f"A text of at most {largest} characters is due.")
    return value
