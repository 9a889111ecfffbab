"""What can happen to a data set. An event is one line of the manifest; the fold of all is in `state`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias, cast

from sam2_core.dataset.records import (
    MAX_ID,
    MAX_SECONDS,
    NO_NETWORK,
    STAGES,
    VERDICTS,
    Annotation,
    ImageRecord,
    NetworkId,
    Stage,
    Verdict,
    annotation_from_json,
    check_number,
    image_from_json,
    mask_from_json,
    network_from_json,
    number,
    rounded,
    text,
    whole,
)
from sam2_core.errors import DataError
from sam2_core.media import MAX_LABEL_LENGTH
from sam2_core.types import Mask

VERSION = 1
_MAX_SETTINGS = 200


@dataclass(frozen=True, slots=True)
class Created:
    """The data set was created; the first line."""

    version: int = VERSION

    def to_json(self) -> dict[str, Any]:
        """The fields of the line."""
        return {"version": self.version}


@dataclass(frozen=True, slots=True)
class ImageAdded:
    """An image was added."""

    image: ImageRecord

    def to_json(self) -> dict[str, Any]:
        """The fields of the line."""
        return self.image.to_json()


@dataclass(frozen=True, slots=True)
class Annotated:
    """A mask was annotated, or the annotation of the same id was replaced."""

    annotation: Annotation

    def to_json(self) -> dict[str, Any]:
        """The fields of the line."""
        return self.annotation.to_json()


@dataclass(frozen=True, slots=True)
class Removed:
    """An annotation was removed."""

    annotation_id: int

    def to_json(self) -> dict[str, Any]:
        """The fields of the line."""
        return {"id": self.annotation_id}


@dataclass(frozen=True, slots=True)
class Proposed:
    """The network proposed a mask, which is no annotation until a person accepts it."""

    proposal: Annotation

    def to_json(self) -> dict[str, Any]:
        """The fields of the line."""
        return self.proposal.to_json()


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A proposal that nobody has decided about was withdrawn, as others take its place."""

    proposal_id: int

    def to_json(self) -> dict[str, Any]:
        """The fields of the line."""
        return {"id": self.proposal_id}


@dataclass(frozen=True, slots=True)
class Decided:
    """A person decided about a proposal. `mask` is the corrected one of a changed proposal, `label` another label, and
    `seconds` the time that it took."""

    proposal_id: int
    verdict: Verdict
    mask: Mask | None = None
    label: str | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        check_number(self.seconds, MAX_SECONDS, "seconds")
        if self.verdict not in VERDICTS:
            raise DataError(f"A decision is one of {', '.join(VERDICTS)}, not {self.verdict!r}.")
        if (self.verdict == "changed") != (self.mask is not None):
            raise DataError("A changed proposal has a new mask, and only that.")
        if self.mask is not None and not self.mask.area:
            raise DataError("A changed proposal cannot be empty: reject it instead.")
        if self.label is not None and len(self.label) > MAX_LABEL_LENGTH:
            raise DataError(f"A label has at most {MAX_LABEL_LENGTH} characters.")

    def to_json(self) -> dict[str, Any]:
        """The fields of the line."""
        plain = {
            "id": self.proposal_id,
            "decision": self.verdict,
            "label": self.label,
            "seconds": rounded(self.seconds, 3),
            "mask": None if self.mask is None else self.mask.to_coco(),
        }
        return {name: value for name, value in plain.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Finished:
    """A stage of an image is done, also where it gave no mask. `settings` are those of a network's run, as a digest."""

    image_id: int
    stage: Stage
    seconds: float | None = None
    settings: str = ""
    network: NetworkId = NO_NETWORK

    def __post_init__(self) -> None:
        check_number(self.seconds, MAX_SECONDS, "seconds")
        if self.stage not in STAGES:
            raise DataError(f"A stage is one of {', '.join(STAGES)}, not {self.stage!r}.")

    def to_json(self) -> dict[str, Any]:
        """The fields of the line."""
        plain = {
            "image": self.image_id,
            "stage": self.stage,
            "seconds": rounded(self.seconds, 3),
            "settings": self.settings,
            "network": self.network.name,
            "weights": self.network.weights,
        }
        return {name: value for name, value in plain.items() if value not in (None, "")}


Event: TypeAlias = Created | ImageAdded | Annotated | Removed | Proposed | Withdrawn | Decided | Finished


def _read_decision(plain: Mapping[str, Any]) -> Decided:
    label, mask = plain.get("label"), plain.get("mask")
    return Decided(
        whole(plain.get("id"), MAX_ID),
        cast("Verdict", plain.get("decision")),
        None if mask is None else mask_from_json(mask),
        None if label is None else text(label, MAX_LABEL_LENGTH),
        number(plain.get("seconds")),
    )


def _read_finished(plain: Mapping[str, Any]) -> Finished:
    return Finished(
        whole(plain.get("image"), MAX_ID),
        cast("Stage", plain.get("stage")),
        number(plain.get("seconds")),
        text(plain.get("settings", ""), _MAX_SETTINGS),
        network_from_json(plain),
    )


_READERS: Mapping[str, tuple[type[Any], Callable[[Mapping[str, Any]], Event]]] = MappingProxyType({
    "created": (Created, lambda plain: Created(whole(plain.get("version"), MAX_ID))),
    "image": (ImageAdded, lambda plain: ImageAdded(image_from_json(plain))),
    "annotation": (Annotated, lambda plain: Annotated(annotation_from_json(plain))),
    "removal": (Removed, lambda plain: Removed(whole(plain.get("id"), MAX_ID))),
    "proposal": (Proposed, lambda plain: Proposed(annotation_from_json(plain))),
    "withdrawal": (Withdrawn, lambda plain: Withdrawn(whole(plain.get("id"), MAX_ID))),
    "decision": (Decided, _read_decision),
    "finished": (Finished, _read_finished),
})  # fmt: skip
_NAMES = {kind: name for name, (kind, _) in _READERS.items()}


def to_line(event: Event, time: str) -> str:
    """The line of an event, with its time in ISO 8601 and without a line feed."""
    return json.dumps({"time": time, "event": _NAMES[type(event)], **event.to_json()}, ensure_ascii=False)


def from_line(line: bytes) -> Event:
    """The inverse of `to_line`. Raises `DataError` for anything else."""
    try:
        plain = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError("A line of the manifest is no JSON.") from error
    name = plain.get("event") if isinstance(plain, dict) else None
    if not isinstance(name, str) or name not in _READERS:
        raise DataError("A line of the manifest is no event.")
    return _READERS[name][1](plain)
