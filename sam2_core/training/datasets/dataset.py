"""What every reader gives: pictures and clips with masks, read one by one, and a report of what was left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sam2_core.errors import MaskletError
from sam2_core.media.info import RgbArray
from sam2_core.types import BoolArray


class BadSample(MaskletError):
    """This picture, mask or clip cannot be used; the message says why in a few words."""


@dataclass(frozen=True, slots=True)
class LabeledImage:
    """A picture (H, W, 3) in RGB with its masks (H, W), which may overlap, and the class of each ("" if unknown)."""

    image: RgbArray
    masks: tuple[BoolArray, ...]
    classes: tuple[str, ...]


class DatasetImage(Protocol):
    """A still picture that is read when it is needed."""

    @property
    def name(self) -> str:
        """What the report calls it."""

    @property
    def source(self) -> str:
        """The collection it comes from; sampling weights and metrics go by it."""

    def read(self) -> LabeledImage:
        """Read pixels and masks; raises `BadSample`. Without labels there are no masks."""


class Clip(Protocol):
    """A clip whose frames are read when they are needed."""

    @property
    def name(self) -> str:
        """What the report calls it."""

    @property
    def source(self) -> str:
        """The collection it comes from."""

    @property
    def annotated(self) -> Sequence[int]:
        """The frames that have masks, in order; empty for a clip without labels."""

    def __len__(self) -> int:
        """Number of frames."""

    def frame(self, index: int) -> RgbArray:
        """A frame (H, W, 3) in RGB; raises `BadSample`."""

    def masks(self, index: int) -> Mapping[int, BoolArray]:
        """The masks (H, W) of an annotated frame by object id; an object that is out of sight has an empty mask or
        none. Raises `BadSample`."""


@dataclass(slots=True)
class SkipReport:
    """What was left out and why: a count for each reason and a few names to look at."""

    shown_names: int = 5
    counts: Counter[str] = field(default_factory=Counter)
    names: dict[str, list[str]] = field(default_factory=dict)

    def skip(self, name: str, reason: str) -> None:
        """Count one thing that was left out."""
        self.counts[reason] += 1
        shown = self.names.setdefault(reason, [])
        if len(shown) < self.shown_names:
            shown.append(name)

    def __str__(self) -> str:
        """One line for each reason, the most frequent first; empty if nothing was left out."""
        return "\n".join(
            f"skipped {count}: {reason} ({', '.join(self.names[reason])}{' …' if count > self.shown_names else ''})"
            for reason, count in self.counts.most_common()
        )


@dataclass(slots=True)
class Dataset:
    """Pictures with masks, pictures without (textures and backgrounds), clips, and what was already left out."""

    images: list[DatasetImage] = field(default_factory=list)
    unlabeled: list[DatasetImage] = field(default_factory=list)
    clips: list[Clip] = field(default_factory=list)
    report: SkipReport = field(default_factory=SkipReport)
