"""Files of annotations as prompts that a page can add to its edit log, no more of them than there is room for.

The answer to a file is {objects, entries, frames, of, every, boxes, skipped, notes, matches, matched}:
objects = [{id, name, label}], with ids from 1 on; entries = [{frame, object, prompt}] by frame; on how many `frames` of
how many the file has masks; `every` n-th mask of each object is taken (1: all); how many of the entries are boxes;
skipped = [{count, reason, names}] and notes, sentences for the user; matches = [{name, frame, guess}], the pictures
that the first of all `matched` names in the file stand for, guesses first.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from sam2_core.errors import BadPrompt, MediaError
from sam2_core.media import (
    ImportedAnnotations,
    ImportedMask,
    MediaInfo,
    MediaProgress,
    SkippedItem,
    crop,
    read_annotations,
)
from sam2_core.media.readers.frame_matching import NameMatch
from sam2_core.types import MAX_MASK_LENGTH, Box, Mask, Prompt
from ui.protocol import MAX_REQUEST_CHARACTERS, public_text

MAX_FILE = 500_000_000  # bytes
MAX_PROMPTS = 1000  # of one session, over all its objects: what an engine takes
MAX_OBJECTS = 1000
MAX_MATCHES = 200
_ENTRY = 80  # characters of an entry around its prompt's mask
_OWN_NAME = re.compile(r"Object [0-9]+")  # what we call an object that has no name, also in our own files

Entry: TypeAlias = tuple[ImportedMask, dict[str, Any]]
"""What was found, and the prompt that makes it."""


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """Whether masks or the boxes around them are wanted, and how much room the page's edit log has.

    `by_order`: the order of the names counts if none of them fits. `name` is what the user calls the file.
    """

    boxes: bool
    objects: int
    prompts: int
    characters: int
    by_order: bool = False
    name: str | None = None


def read_import_options(query: Mapping[str, str]) -> ImportOptions:
    """Read the query of an import; what is left out is as much as there can be. Raises `BadPrompt`."""
    wanted = query.get("as", "masks")
    if wanted not in ("masks", "boxes"):
        raise BadPrompt("Annotations come as masks or as boxes.")
    room = {"objects": MAX_OBJECTS, "prompts": MAX_PROMPTS, "characters": MAX_REQUEST_CHARACTERS}
    limits = {name: _room(query, name, limit) for name, limit in room.items()}
    return ImportOptions(wanted == "boxes", **limits, by_order=query.get("by_order") == "1", name=query.get("name"))


def read_and_propose(file: Path, info: MediaInfo, options: ImportOptions, report: MediaProgress) -> dict[str, Any]:
    """The answer to a file; blocks. Raises `MediaError` for what cannot be used, and what `report` raises."""
    return propose(read_annotations(file, info, report, options.by_order, options.name), info, options)


def propose(read: ImportedAnnotations, info: MediaInfo, options: ImportOptions) -> dict[str, Any]:
    """Annotations as prompts, as many as there is room for; see the top of this file."""
    left_out = list(read.skipped)
    chosen = _of_few_objects(read.masks, options.objects, left_out)
    entries = _fitting([(each, _prompt(each, options.boxes)) for each in chosen], left_out)
    thinned, every = _thinned(entries, options, left_out)
    if not thinned:
        raise MediaError(left_out[-1].reason)
    ids = {track: number for number, track in enumerate(sorted({each.track for each, _ in thinned}), start=1)}
    return {
        "objects": [
            _about(number, [each for each, _ in thinned if each.track == track]) for track, number in ids.items()
        ],
        "entries": [{"frame": each.frame, "object": ids[each.track], "prompt": prompt} for each, prompt in thinned],
        "frames": len({each.frame for each in read.masks}),
        "of": info.frames,
        "every": every,
        "boxes": sum("boxes" in prompt for _, prompt in thinned),
        "skipped": [{**asdict(each), "reason": public_text(each.reason)} for each in left_out],
        "notes": [public_text(note) for note in read.notes],
        "matches": [_match_to_json(each) for each in sorted(read.matches, key=_is_certain)[:MAX_MATCHES]],
        "matched": len(read.matches),
    }


def _is_certain(match: NameMatch) -> bool:
    return not match.is_guess


def _match_to_json(match: NameMatch) -> dict[str, Any]:
    return {"name": match.name, "frame": match.frame, "guess": match.is_guess}


def _room(query: Mapping[str, str], name: str, most: int) -> int:
    text = query.get(name, str(most))
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise BadPrompt(f"`{name}` must be a whole number.")
    return min(int(text), most)


def _prompt(found: ImportedMask, as_box: bool) -> dict[str, Any]:
    if found.mask is not None and not as_box:
        return Prompt(mask=found.mask).to_json()
    return Prompt(boxes=(found.box or _box_around(found.mask),)).to_json()


def _box_around(mask: Mask | None) -> Box:
    _, (left, top, width, height) = crop(mask) if mask is not None else (None, (0, 0, 0, 0))
    return Box(left, top, left + width, top + height)


def _of_few_objects(found: Iterable[ImportedMask], most: int, left_out: list[SkippedItem]) -> list[ImportedMask]:
    """What belongs to the objects that are seen on most frames."""
    found = list(found)
    seen = Counter(each.track for each in found)
    kept = {track for track, _ in seen.most_common(most)}
    if len(seen) > most:
        reason = f"There is room for {most} more objects. Those on the fewest frames are left out."
        left_out.append(SkippedItem(len(seen) - most, reason, ()))
    return [each for each in found if each.track in kept]


def _fitting(entries: list[Entry], left_out: list[SkippedItem]) -> list[Entry]:
    """Without masks that are too intricate for a message."""
    kept = [entry for entry in entries if _length(entry) <= MAX_MASK_LENGTH]
    if len(kept) < len(entries):
        reason = "They are too intricate to be imported. Make them simpler."
        left_out.append(SkippedItem(len(entries) - len(kept), reason, ()))
    return kept


def _thinned(entries: list[Entry], options: ImportOptions, left_out: list[SkippedItem]) -> tuple[list[Entry], int]:
    """Every n-th entry of each object, for the least n with which they fit; the first one of each is among them."""
    seen: Counter[int] = Counter()
    places, lengths = np.zeros(len(entries), np.int64), np.array([_length(entry) for entry in entries])
    for place, (each, _) in enumerate(entries):
        places[place] = seen[each.track]
        seen[each.track] += 1
    for every in range(1, max(seen.values(), default=1) + 1):
        kept = places % every == 0
        if kept.sum() <= options.prompts and lengths[kept].sum() <= options.characters:
            return [entries[place] for place in kept.nonzero()[0]], every
    return _first_ones([entries[place] for place in kept.nonzero()[0]], options, left_out), 1


def _first_ones(entries: list[Entry], options: ImportOptions, left_out: list[SkippedItem]) -> list[Entry]:
    """As many as fit, one for each object, where not even these all do."""
    kept, characters = [], 0
    for entry in entries[: options.prompts]:
        characters += _length(entry)
        if characters <= options.characters:
            kept.append(entry)
    reason = "There is no more room for prompts. Remove objects or clear frames first."
    left_out.append(SkippedItem(len(entries) - len(kept), reason, ()))
    return kept


def _length(entry: Entry) -> int:
    """About how many characters an entry takes in a message, where each backslash is two."""
    counts = entry[1].get("mask", {}).get("counts", "")
    return _ENTRY + len(counts) + counts.count("\\")


def _about(number: int, found: list[ImportedMask]) -> dict[str, Any]:
    name = next((each.name for each in found if each.name and not _OWN_NAME.fullmatch(each.name)), "")
    return {"id": number, "name": name, "label": next((each.label for each in found if each.label), "")}
