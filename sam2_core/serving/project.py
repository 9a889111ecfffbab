"""Projects that the page has saved, read so that they can be replayed without it.

A project file is JSON: {format, version, medium, journal: {steps, length}, look: {hidden, solo}, active, range,
effects} and more that only the page or other programs need. The journal is the edit log: a step, {entries}, is what one
undo takes back, and steps from `length` on were undone. What a run of tracking found after a later step was made
carries `after`, the number of that step (see `entries_in_order`).

A file comes from anywhere, so everything in it is checked before it counts. Unknown fields are ignored.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

from sam2_core.dataset.records import MAX_SECONDS, SOURCES, STAGES
from sam2_core.errors import BadPrompt
from sam2_core.media import (
    MAX_LABEL_LENGTH,
    MAX_NAME_LENGTH,
    EffectStack,
    ObjectTraits,
    Provenance,
    Rgb,
    color_of,
    is_hex,
    rgb_of,
)
from sam2_core.serving.edit_log import (
    EditState,
    Entry,
    PromptEntry,
    RemoveEntry,
    TrackEntry,
    TraitsEntry,
    entries_in_order,
    fold,
)
from sam2_core.serving.project_medium import ProjectMedium, read_medium
from sam2_core.serving.prompt_data import is_number, is_whole, read_mask, read_prompt, require
from sam2_core.types import MAX_LOG_ENTRIES, MAX_OBJECT_ID, MAX_OBJECTS_PER_ENTRY, RATINGS, RejectedMask

FORMAT, VERSION = "masklet-project", 1
MAX_FILE_BYTES = 200_000_000  # bytes
OWN_COLORS = 64
"""Number of colors that objects get by themselves on the page; then they repeat."""


@dataclass(frozen=True, slots=True)
class Project:
    """A project as it was saved. `entries` are those of its edit log that hold, without traits and rejected masks;
    `objects` are those that have prompts, in drawing order, the last above, and `hidden` the ids of those that could
    not be seen on the page.

    `frames` is the range that was set for tracking, `effects` the look that was chosen for downloads.
    """

    medium: ProjectMedium
    entries: tuple[Entry, ...]
    objects: tuple[ObjectTraits, ...]
    hidden: frozenset[int] = frozenset()
    frames: range | None = None
    effects: EffectStack | None = None

    @property
    def visible(self) -> tuple[ObjectTraits, ...]:
        """The objects that a download from the page would hold."""
        return tuple(each for each in self.objects if each.id not in self.hidden)


def read_project(path: Path) -> Project:
    """Read a project file. Raises `BadPrompt` for anything that is none, or damaged, and `OSError`."""
    if path.stat().st_size > MAX_FILE_BYTES:
        raise BadPrompt(f"{path.name} is too large for a project.")
    try:
        plain = json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise BadPrompt(f"{path.name} is not a project file. Save one from the page's project menu.") from error
    if not isinstance(plain, dict) or plain.get("format") != FORMAT:
        raise BadPrompt(f"{path.name} is not a project file. Save one from the page's project menu.")
    return project_of(plain)


def project_of(plain: Mapping[str, Any]) -> Project:
    """Read the plain data of a project file; raises `BadPrompt`."""
    if not is_whole(plain.get("version"), VERSION, VERSION):
        raise BadPrompt("This project was saved by another version of Masklet. Open it with that version.")
    medium = read_medium(plain.get("medium"))
    entries = tuple(entries_in_order(*_steps(plain.get("journal"), medium)))
    state = fold(entries)
    active = int(plain["active"]) if _is_object(plain.get("active")) else 1
    effects = plain.get("effects")
    return Project(
        medium,
        tuple(entry for entry in entries if not isinstance(entry, TraitsEntry | RejectedMask)),
        tuple(traits_of(state, number) for number in _drawing_order(state)),
        _hidden(plain.get("look", {}), state.prompts.keys(), state.prompts.keys() | {active}),
        _frames(plain.get("range"), medium),
        None if effects is None else _without_gaps(EffectStack.from_json(effects)),
    )


def traits_of(state: EditState, number: int) -> ObjectTraits:
    """The traits of an object in an edit state; what was not set is what the page shows without it."""
    traits = state.traits.get(number, {})
    color: Rgb = traits.get("color", color_of((number - 1) % OWN_COLORS + 1))
    made = Provenance(**{name: traits[name] for name in Provenance.__slots__ if name in traits})
    return ObjectTraits(number, traits.get("name") or f"Object {number}", traits.get("label", ""), color, made)


def _drawing_order(state: EditState) -> list[int]:
    return sorted(state.prompts, key=lambda number: (state.traits.get(number, {}).get("place", number), number))


# --- reading, with the same bounds as the page (ui/web/storage/project_file.js) ---------------------------------------


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON")


def _is_object(value: Any) -> bool:
    return is_whole(value, 1, MAX_OBJECT_ID)


_Step = list[tuple[Entry, int | None]]


def _steps(plain: Any, medium: ProjectMedium) -> tuple[list[_Step], int]:
    """The steps, each entry with its `after`, and how many of them count."""
    require(isinstance(plain, dict) and isinstance(plain.get("steps"), list), "its journal")
    steps, length = plain["steps"], plain.get("length")
    require(is_whole(length, 0, len(steps)), "its journal")
    require(all(isinstance(step, dict) and isinstance(step.get("entries"), list) for step in steps), "its steps")
    require(sum(len(step["entries"]) for step in steps) <= MAX_LOG_ENTRIES, "a journal this long")
    return [[_entry(entry, medium) for entry in step["entries"]] for step in steps], int(length)


def _entry(plain: Any, medium: ProjectMedium) -> tuple[Entry, int | None]:
    require(isinstance(plain, dict), "an entry")
    if "forget" in plain:
        require(_is_object(plain["forget"]), "an object")
        return RemoveEntry(int(plain["forget"])), None
    if "track" in plain:
        after = plain.get("after")
        return _tracked(plain, medium), int(after) if is_whole(after, 0, MAX_LOG_ENTRIES) else None
    if "traits" in plain:
        require(_is_object(plain["traits"]), "an object")
        return TraitsEntry(int(plain["traits"]), _traits(plain.get("set"))), None
    if "reject" in plain:
        frame = plain["reject"]
        require(is_whole(frame, 0, medium.frames - 1), "a rejected mask")
        mask = read_mask(plain.get("mask"), *medium.size_of(int(frame)))
        return RejectedMask(int(frame), mask, **_numbers(plain)), None
    frame, number = plain.get("frame"), plain.get("object")
    require(is_whole(frame, 0, medium.frames - 1) and _is_object(number), "an entry")
    return PromptEntry(int(frame), int(number), read_prompt(plain.get("prompt"), *medium.size_of(int(frame)))), None


def _tracked(plain: Mapping[str, Any], medium: ProjectMedium) -> TrackEntry:
    track, found = plain["track"], plain.get("objects")
    require(isinstance(track, list) and len(track) == 3, "tracked frames")
    require(all(is_whole(value, -1, medium.frames) for value in track) and track[2] in (1, -1), "tracked frames")
    frames = range(*map(int, track))
    require(len(frames) > 0 and min(frames) >= 0 and max(frames) < medium.frames, "tracked frames")
    require(isinstance(found, list) and len(found) <= MAX_OBJECTS_PER_ENTRY and all(map(_is_object, found)), "objects")
    return TrackEntry(frames.start, frames.stop, frames.step, tuple(map(int, found or ())))


def _traits(plain: Any) -> dict[str, Any]:
    """Of an object's traits those that matter to an export, as far as they are valid."""
    traits: dict[str, Any] = {}
    if not isinstance(plain, dict):
        return traits
    for name, max_length in (("name", MAX_NAME_LENGTH), ("label", MAX_LABEL_LENGTH)):
        if isinstance(plain.get(name), str):
            traits[name] = " ".join(plain[name].split())[:max_length]
    if is_hex(plain.get("color")):
        traits["color"] = rgb_of(plain["color"])
    if is_number(plain.get("place")):
        traits["place"] = plain["place"]
    return traits | _provenance(plain)


def _provenance(plain: Mapping[str, Any]) -> dict[str, Any]:
    words = {"stage": STAGES, "source": SOURCES, "rating": RATINGS}
    found = {name: plain[name] for name, known in words.items() if plain.get(name) in known}
    return found | _numbers(plain)


def _numbers(plain: Mapping[str, Any]) -> dict[str, Any]:
    bounds = {"seconds": (0, MAX_SECONDS), "predicted_iou": (-10, 10), "stability_score": (0, 1)}
    return {
        name: plain[name]
        for name, (least, most) in bounds.items()
        if is_number(plain.get(name)) and least <= plain[name] <= most
    }


def _hidden(plain: Any, objects: Set[int], listed: Set[int]) -> frozenset[int]:
    """The objects that cannot be seen: all but one, where that one is shown alone."""
    require(isinstance(plain, dict), "its look")
    hidden, solo = plain.get("hidden", []), plain.get("solo")
    require(isinstance(hidden, list) and len(hidden) <= MAX_LOG_ENTRIES and all(map(_is_object, hidden)), "its look")
    require(solo is None or _is_object(solo), "its look")
    return frozenset(objects - {solo} if solo in listed else objects & set(hidden))


def _without_gaps(look: EffectStack) -> EffectStack:
    """Without layers whose picture was not chosen yet: they do nothing on the page either."""
    return replace(look, layers=tuple(layer for layer in look.layers if "" not in layer.backdrops))


def _frames(plain: Any, medium: ProjectMedium) -> range | None:
    if plain is None:
        return None
    require(isinstance(plain, dict) and is_whole(plain.get("first"), 0, medium.frames - 1), "its range")
    require(is_whole(plain.get("last"), plain["first"], medium.frames - 1), "its range")
    return range(int(plain["first"]), int(plain["last"]) + 1)
