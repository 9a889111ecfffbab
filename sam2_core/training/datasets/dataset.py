"""What the readers return: images and clips with masks, read one by one, and a report of what was skipped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sam2_core.errors import MaskletError
from sam2_core.media.info import RgbArray
from sam2_core.types import BoolArray


class BadSample(MaskletError):
    """An image, mask or clip cannot be used; the message is the reason in a few words."""


@dataclass(frozen=True, slots=True)
class LabeledImage:
    """An image (H, W, 3) in RGB with its masks (H, W), which may overlap, and the class of each ("" if unknown)."""

    image: RgbArray
    masks: tuple[BoolArray, ...]
    classes: tuple[str, ...]


class DatasetImage(Protocol):
    """An image of a data set, read on demand."""

    @property
    def name(self) -> str:
        """Its name in the report."""

    @property
    def source(self) -> str:
        """The collection it belongs to; sampling weights and scores are by source."""

    def read(self) -> LabeledImage:
        """Pixels and masks; without masks if it is not labeled. Raises `BadSample`."""


class Clip(Protocol):
    """A clip of a data set, whose frames are read on demand."""

    @property
    def name(self) -> str:
        """Its name in the report."""

    @property
    def source(self) -> str:
        """The collection it belongs to."""

    @property
    def annotated(self) -> Sequence[int]:
        """The frames that have masks, in order; empty for an unlabeled clip."""

    def __len__(self) -> int:
        """Number of frames."""

    def frame(self, index: int) -> RgbArray:
        """A frame (H, W, 3) in RGB; raises `BadSample`."""

    def masks(self, index: int) -> Mapping[int, BoolArray]:
        """The masks (H, W) of an annotated frame by object id. Raises `BadSample`.

        An object that is out of view has an empty mask or none.
        """


@dataclass(slots=True)
class SkipReport:
    """What was skipped and why: the number of things for each reason, and the names of the first few."""

    shown_names: int = 5
    counts: Counter[str] = field(default_factory=Counter)
    names: dict[str, list[str]] = field(default_factory=dict)

    def skip(self, name: str, reason: str) -> None:
        """Count one thing that was skipped."""
        self.counts[reason] += 1
        shown = self.names.setdefault(reason, [])
        if len(shown) < self.shown_names:
            shown.append(name)

    def merge(self, other: SkipReport) -> None:
        """Add the counts and names of another report."""
        self.counts += other.counts
        for reason, names in other.names.items():
            self.names.setdefault(reason, []).extend(names)

    def __str__(self) -> str:
        """One line for each reason, the most frequent first; empty if nothing was skipped."""
        return "\n".join(
            f"skipped {count}: {reason} ({', '.join(self.names[reason])}{' …' if count > self.shown_names else ''})"
            for reason, count in self.counts.most_common()
        )


@dataclass(slots=True)
class Dataset:
    """Images with masks, images without (for textures and backgrounds), clips, and what was skipped so far."""

    images: list[DatasetImage] = field(default_factory=list)
    unlabeled: list[DatasetImage] = field(default_factory=list)
    clips: list[Clip] = field(default_factory=list)
    report: SkipReport = field(default_factory=SkipReport)
