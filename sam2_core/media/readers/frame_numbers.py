"""The frames of a clip that the numbers in file names refer to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence, Set
from pathlib import PurePosixPath

from sam2_core.media.info import MediaInfo
from sam2_core.media.readers.file_names import NUMBER, bare_name, number_pattern, numbered_stem

_IN_ORDER = "There are as many numbers in the names as frames: they were taken in their order."


def frame_digits(names: Sequence[str], info: MediaInfo) -> list[str]:
    """The number in each name that counts frames, as it is written; "" if there is none."""
    stems = [numbered_stem(name) for name in names]
    patterns = [number_pattern(stem) for stem in stems]
    own = bare_name(PurePosixPath(info.name).name)
    has_own_name = [stem.startswith(own) and stem != own for stem in stems]
    only_own = len({*patterns}) > 1 and any(has_own_name)
    found = [NUMBER.findall(stem) if own_name or not only_own else []
             for stem, own_name in zip(stems, has_own_name, strict=True)]  # fmt: skip
    columns: dict[str, list[list[str]]] = defaultdict(list)
    for pattern, numbers in zip(patterns, found, strict=True):
        if numbers:
            columns[pattern].append(numbers)
    places = {pattern: _varying_place(rows) for pattern, rows in columns.items()}
    return [numbers[places[pattern]] if numbers else "" for pattern, numbers in zip(patterns, found, strict=True)]


def numbered_frames(digits: Sequence[str], count: int) -> tuple[dict[int, int], str]:
    """The frame of each number, and a sentence about the rule if it is not plain."""
    known = sorted({*map(int, digits)})
    if not known or known[0] == 0 != len(known) - count:
        return {number: number for number in known if number < count}, ""
    low, high = known[0], known[-1]
    if len(known) == count:
        contiguous = high - low + 1 == count
        return {number: frame for frame, number in enumerate(known)}, _starts_at(low) if contiguous else _IN_ORDER
    if high < count:
        if low == 1 and not any(text.startswith("0") for text in digits):
            start = 1
        else:
            note = "The numbers in the names were counted from 0: number 1 is the second frame." if low == 1 else ""
            return {number: number for number in known}, note
    else:
        start = next((base for base in _usual_starts(low) if high - base < count), 0)
    return {number: number - start for number in known if number - start < count}, _starts_at(start)


def _varying_place(found: Sequence[Sequence[str]]) -> int:
    """The index of the number that counts frames: of those that vary, one that is padded with zeros (00012), or else
    the one with the most different values, the last one of these."""
    columns = [{*column} for column in zip(*found, strict=True)]
    varies = [len(column) > 1 for column in columns]
    padded = [_is_padded(column) and (varies[place] or not any(varies)) for place, column in enumerate(columns)]
    return max(range(len(columns)), key=lambda place: (padded[place], len(columns[place]), place))


def _is_padded(column: Set[str]) -> bool:
    return {*map(len, column)} <= {4, 5, 6, 7, 8} and len({*map(len, column)}) == 1 and min(column).startswith("0")


def _starts_at(start: int) -> str:
    return f"The numbers in the names were counted from {start}: number {start} is the first frame." if start else ""


def _usual_starts(low: int) -> Iterable[int]:
    """1001, 1000 and the like up to `low`, the largest first."""
    bases = {base for power in range(2, 9) for base in (10**power, 10**power + 1) if base <= low} | {1}
    return sorted(bases, reverse=True)
