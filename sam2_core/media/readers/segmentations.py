"""COCO's `segmentation` in all forms in which programs write it.

A list of polygons, one polygon, run lengths, or a list of run lengths; the whole may be JSON text. Parts that cannot be
used, such as a ring of two corners, are left out; the others are used.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from sam2_core.errors import BadPrompt, MediaError
from sam2_core.media.readers.annotation_builder import ImportTooLarge
from sam2_core.media.readers.json_values import floats_of
from sam2_core.media.readers.polygon_filling import PixelBudget, Ring, fill_polygons, parse_ring
from sam2_core.media.readers.size_fitting import Fit, Size, SizesDiffer
from sam2_core.types import Mask

RunLengths: TypeAlias = dict[str, Any]
"""{"size": [height, width], "counts": text or list}, as `Mask.from_coco` reads it."""

MAX_TEXT = 1_000_000  # characters of a segmentation that is JSON text
_MAX_DEPTH = 3  # of lists around a ring


@dataclass(frozen=True, slots=True)
class Segmentation:
    """The parts of one mask, whose union it is. `rejected` has a reason for each part that cannot be used."""

    rings: tuple[Ring, ...]
    run_lengths: tuple[RunLengths, ...]
    rejected: tuple[str, ...]

    def decode(
        self, fit: Fit, fit_size: Callable[[Size], Fit], spend: PixelBudget
    ) -> tuple[Mask | None, tuple[str, ...]]:
        """The union of the parts, None if none can be used, and a reason for each one that cannot.

        Raises `SizesDiffer` for run lengths of a size that cannot be fitted.

        Args:
            fit: of the polygons.
            fit_size: returns how run lengths of a size are fitted; raises `MediaError` for those that cannot be.
            spend: called with the number of pixels about to be processed.
        """
        height, width = fit.target
        mask: Mask | None = None
        rejected = [*self.rejected]
        parts: list[tuple[Ring, ...] | RunLengths] = [*([self.rings] if self.rings else []), *self.run_lengths]
        for part in parts:
            try:
                found = _decode(part, fit, fit_size, spend)
            except (ImportTooLarge, SizesDiffer):
                raise
            except (BadPrompt, MediaError) as error:
                rejected.append(str(error))
                continue
            if mask is not None:
                spend(3 * height * width)
                found = Mask.from_array(mask.to_array() | found.to_array())
            mask = found
        return mask, tuple(rejected)


def parse_segmentation(value: object) -> Segmentation | None:
    """Parse a segmentation without decoding it; None for what holds none: null, false, 0, an empty list or text."""
    if isinstance(value, str):
        value = _parse_text(value)
    if not value and not isinstance(value, dict):
        return None
    rings, run_lengths, rejected = list[Ring](), list[RunLengths](), list[str]()
    for part in _parts(value, _MAX_DEPTH):
        try:
            if isinstance(part, dict):
                run_lengths.append(_parse_run_lengths(part))
            else:
                rings.append(parse_ring(part))
        except MediaError as error:  # noqa: PERF203
            rejected.append(str(error))
    return Segmentation(tuple(rings), tuple(run_lengths), tuple(rejected))


def _parse_text(text: str) -> object:
    if not text.strip() or len(text) > MAX_TEXT:
        return [text] if text.strip() else None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return [text]


def _parts(value: object, depth: int) -> Iterator[object]:
    """Rings and run lengths. Pairs of numbers in one list are the corners of one ring, and so are triples."""
    is_nested = isinstance(value, list) and any(isinstance(each, list | dict) for each in value)
    if isinstance(value, list) and is_nested and depth and not all(each is None or _is_corner(each) for each in value):
        for each in value:
            yield from _parts(each, depth - 1)
    else:
        yield value


def _is_corner(value: object) -> bool:
    if isinstance(value, dict):
        return "x" in value and "y" in value
    return isinstance(value, list) and len(value) in (2, 3) and not any(isinstance(each, list | dict) for each in value)


def _parse_run_lengths(plain: dict[str, Any]) -> RunLengths:
    counts, size = plain.get("counts"), plain.get("size")
    if isinstance(counts, str):
        counts = _parse_counts(counts)
    if not isinstance(counts, str | bytes | list):
        raise MediaError('Their masks have no run lengths ("counts").')
    sides = floats_of(size, 2)
    if sides is None or not all(0 < side < 2**31 + 1 and side == int(side) for side in sides):
        raise MediaError('The "size" of their run lengths is no height and width.')
    return {"size": [int(side) for side in sides], "counts": counts}


def _parse_counts(text: str) -> str | list[Any]:
    """Counts as text: COCO's compressed form, Python's notation for its bytes, or a list of numbers."""
    if text.startswith(("b'", 'b"')) and text.endswith(text[1]):
        return text[2:-1].replace("\\\\", "\\")
    if text.startswith("["):
        listed = _parse_text(text)  # compressed counts may begin like this, too, and come back as they are
        return listed if isinstance(listed, list) and listed != [text] else text
    words = text.replace(",", " ").split()
    return [int(word) for word in words] if len(words) > 1 and all(_is_whole(word) for word in words) else text


def _is_whole(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) < 10


def _decode(part: tuple[Ring, ...] | RunLengths, fit: Fit, fit_size: Callable[[Size], Fit], spend: PixelBudget) -> Mask:
    if not isinstance(part, dict):
        return fill_polygons([fit.ring(ring) for ring in part], *fit.target, spend)
    height, width = part["size"]
    fitted = fit_size((height, width))
    return fitted.mask(Mask.from_coco(part))
