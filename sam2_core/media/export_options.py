"""What to export: the options of one file, and what describes a file format."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from sam2_core.media.effects.effect_stack import OVERLAY, EffectStack
from sam2_core.media.info import RgbArray
from sam2_core.media.masked_media import MaskedMedia
from sam2_core.media.progress import ProgressReporter
from sam2_core.types import RejectedMask

ALL_MEDIA = ("image", "clip", "album")


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """The options of one exported file. Those that do not apply to its format (`ExportFormat.option_keys`) are ignored.

    format: a key of `EXPORT_FORMATS`.
    effects: the effect stack that is rendered (JSON key "look").
    polygons: write polygons instead of run lengths.
    include_images: add the frames to the archive ("pictures").
    side_by_side: put the source to the left of the result.
    cropped: keep only the region that the objects cover on any exported frame.
    max_side: scale down to this many pixels on the longer side; 0 keeps the source's size ("largest_side").
    backdrops: the images that layers of `effects` refer to, by name.
    rejected: the network's proposals that a person rejected, which a data set lists.
    """

    format: str
    effects: EffectStack = OVERLAY
    polygons: bool = False
    include_images: bool = False
    side_by_side: bool = False
    cropped: bool = False
    max_side: int = 0
    backdrops: Mapping[str, RgbArray] = field(default_factory=dict)
    rejected: Sequence[RejectedMask] = ()


ExportWriter: TypeAlias = Callable[[Path, MaskedMedia, ExportOptions, ProgressReporter], None]
"""Writes one file; intermediate files may be put beside it. Raises `MediaError`, and what the mask source and the
progress callback raise."""


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """A file format that masked media can be exported to.

    extensions: the file name extension by kind of medium ("image", "clip", "album"); a missing kind cannot be exported.
    option_keys: the JSON keys of the options that apply, which are also the names of the command-line flags.
    picture_extensions: the extensions of a picture that `write` makes of an image if the path has one of them.
    """

    group: Literal["data", "picture", "review"]
    title: str
    description: str
    extensions: Mapping[str, str]
    write: ExportWriter
    option_keys: tuple[str, ...] = ()
    picture_extensions: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The format as the page and `masklet kinds --json` list it."""
        plain = {"group": self.group, "title": self.title, "text": self.description}
        return {**plain, "endings": dict(self.extensions), "takes": list(self.option_keys)}
