"""Projects that the page has saved, read so that they can be replayed without it.

A project file is JSON: {format, version, medium, journal: {steps, length}, look: {hidden, solo}, active, range,
effects} and more that only the page or other programs need. The journal's steps are what one undo takes back, each a
list of

    {frame, object, prompt}            all that is said about the object on the frame from now on
    {forget: object}                   the object is removed
    {traits: object, set: {…}}         what it is called and how it looks
    {track: [start, stop, step], objects, after}   these objects were tracked

Steps from `length` on were undone and do not count. What a run of tracking found after something else was said carries
`after`, the place of that step: a replay says everything in the order in which it happened.

A file comes from anywhere, so everything in it is checked before it counts. Fields that are not known are ignored.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn

from sam2_core.errors import BadPrompt
from sam2_core.media import Look, ObjectTraits, Rgb, color_of, is_hex, rgb_of
from sam2_core.serving.project_medium import ProjectMedium, read_medium
from sam2_core.serving.prompt_data import is_number, is_whole, read_prompt, require
from sam2_core.types import EditLog, Entry, PromptEntry, RemoveEntry, TrackEntry

FORMAT, VERSION = "masklet-project", 1
LARGEST_FILE = 200_000_000  # bytes
MOST_ENTRIES = 20_000
MOST_OBJECTS_NAMED = 1000
HIGHEST_OBJECT = 1_000_000
OWN_COLORS = 64
"""So many colours objects get by themselves on the page; then they begin again."""

_LONGEST_NAME, _LONGEST_LABEL = 80, 40


@dataclass(frozen=True, slots=True)
class Project:
    """A work as it was saved. `journal` is what `replay` takes; `objects` are those that something is said about, in
    drawing order, the last above, and `hidden` the ids of those that could not be seen on the page.

    `frames` is the range that was set for tracking, `effects` the look that was chosen for downloads.
    """

    medium: ProjectMedium
    journal: EditLog
    objects: tuple[ObjectTraits, ...]
    hidden: frozenset[int] = frozenset()
    frames: range | None = None
    effects: Look | None = None

    @property
    def visible(self) -> tuple[ObjectTraits, ...]:
        """The objects that a download from the page would hold."""
        return tuple(each for each in self.objects if each.id not in self.hidden)


def read_project(path: Path) -> Project:
    """Read a project file. Raises `BadPrompt` for anything that is none, or damaged, and `OSError`."""
    if path.stat().st_size > LARGEST_FILE:
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
    said = _Said.sum_up(_in_order(*_steps(plain.get("journal"), medium)))
    active = int(plain["active"]) if _is_object(plain.get("active")) else 1
    effects = plain.get("effects")
    return Project(
        medium,
        EditLog(medium.name, tuple(said.entries)),
        tuple(said.traits_of(number) for number in said.drawing_order()),
        _hidden(plain.get("look", {}), said.objects, said.objects | {active}),
        _frames(plain.get("range"), medium),
        None if effects is None else _without_gaps(Look.from_json(effects)),
    )


@dataclass(frozen=True, slots=True)
class _Traits:
    """What a user says of an object: the page's own, the engine never hears it."""

    object_id: int
    told: Mapping[str, Any]


@dataclass(slots=True)
class _Said:
    """What a journal comes to: the engine's entries, object -> frames something is said on, object -> traits."""

    entries: list[Entry] = field(default_factory=list)
    frames: dict[int, set[int]] = field(default_factory=dict)
    traits: dict[int, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def sum_up(cls, entries: Iterable[Entry | _Traits]) -> _Said:
        said = cls()
        for entry in entries:
            if isinstance(entry, _Traits):
                said.traits.setdefault(entry.object_id, {}).update(entry.told)
                continue
            said.entries.append(entry)
            if isinstance(entry, RemoveEntry):
                said.frames.pop(entry.object_id, None)
                said.traits.pop(entry.object_id, None)
            elif isinstance(entry, PromptEntry):
                said._hear(entry)
        return said

    @property
    def objects(self) -> set[int]:
        return {number for number, frames in self.frames.items() if frames}

    def drawing_order(self) -> list[int]:
        return sorted(self.objects, key=lambda number: (self.traits.get(number, {}).get("place", number), number))

    def traits_of(self, number: int) -> ObjectTraits:
        told = self.traits.get(number, {})
        color: Rgb = told.get("color", color_of((number - 1) % OWN_COLORS + 1))
        return ObjectTraits(number, told.get("name") or f"Object {number}", told.get("label", ""), color)

    def _hear(self, entry: PromptEntry) -> None:
        frames = self.frames.setdefault(entry.object_id, set())
        if entry.prompt.is_empty:
            frames.discard(entry.frame)
        else:
            frames.add(entry.frame)


# --- reading, with the page's own bounds (ui/canvas/projectfile.js) -----------------------------------------------


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON")


def _is_object(value: Any) -> bool:
    return is_whole(value, 1, HIGHEST_OBJECT)


_Step = list[tuple[Entry | _Traits, int | None]]


def _steps(plain: Any, medium: ProjectMedium) -> tuple[list[_Step], int]:
    """The steps, each entry with its `after`, and how many of them count."""
    require(isinstance(plain, dict) and isinstance(plain.get("steps"), list), "its journal")
    steps, length = plain["steps"], plain.get("length")
    require(is_whole(length, 0, len(steps)), "its journal")
    require(all(isinstance(step, dict) and isinstance(step.get("entries"), list) for step in steps), "its steps")
    require(sum(len(step["entries"]) for step in steps) <= MOST_ENTRIES, "a journal this long")
    return [[_entry(entry, medium) for entry in step["entries"]] for step in steps], int(length)


def _in_order(steps: Sequence[_Step], length: int) -> Iterator[Entry | _Traits]:
    """The entries that count, in the order in which things happened."""
    later: dict[int, list[Entry | _Traits]] = {}  # place of a step -> what came after it
    for place, step in enumerate(steps[:length]):
        for entry, after in step:
            if after is None or after >= length:
                yield entry
            else:
                later.setdefault(after, []).append(entry)
        yield from later.get(place, ())


def _entry(plain: Any, medium: ProjectMedium) -> tuple[Entry | _Traits, int | None]:
    require(isinstance(plain, dict), "an entry")
    if "forget" in plain:
        require(_is_object(plain["forget"]), "an object")
        return RemoveEntry(int(plain["forget"])), None
    if "track" in plain:
        after = plain.get("after")
        return _tracked(plain, medium), int(after) if is_whole(after, 0, MOST_ENTRIES) else None
    if "traits" in plain:
        require(_is_object(plain["traits"]), "an object")
        return _Traits(int(plain["traits"]), _told(plain.get("set"))), None
    frame, number = plain.get("frame"), plain.get("object")
    require(is_whole(frame, 0, medium.frames - 1) and _is_object(number), "an entry")
    return PromptEntry(int(frame), int(number), read_prompt(plain.get("prompt"), *medium.size_of(int(frame)))), None


def _tracked(plain: Mapping[str, Any], medium: ProjectMedium) -> TrackEntry:
    track, found = plain["track"], plain.get("objects")
    require(isinstance(track, list) and len(track) == 3, "tracked frames")
    require(all(is_whole(value, -1, medium.frames) for value in track) and track[2] in (1, -1), "tracked frames")
    frames = range(*map(int, track))
    require(len(frames) > 0 and min(frames) >= 0 and max(frames) < medium.frames, "tracked frames")
    require(isinstance(found, list) and len(found) <= MOST_OBJECTS_NAMED and all(map(_is_object, found)), "objects")
    return TrackEntry(frames.start, frames.stop, frames.step, tuple(map(int, found or ())))


def _told(plain: Any) -> dict[str, Any]:
    """Of an object's traits those that concern a download, as far as they are sane."""
    told: dict[str, Any] = {}
    if not isinstance(plain, dict):
        return told
    for name, longest in (("name", _LONGEST_NAME), ("label", _LONGEST_LABEL)):
        if isinstance(plain.get(name), str):
            told[name] = " ".join(plain[name].split())[:longest]
    if is_hex(plain.get("color")):
        told["color"] = rgb_of(plain["color"])
    if is_number(plain.get("place")):
        told["place"] = plain["place"]
    return told


def _hidden(plain: Any, said: set[int], listed: set[int]) -> frozenset[int]:
    """Of what is said those that cannot be seen: all but one, where that one is looked at alone."""
    require(isinstance(plain, dict), "its look")
    hidden, solo = plain.get("hidden", []), plain.get("solo")
    require(isinstance(hidden, list) and len(hidden) <= MOST_ENTRIES and all(map(_is_object, hidden)), "its look")
    require(solo is None or _is_object(solo), "its look")
    return frozenset(said - {solo} if solo in listed else said & set(hidden))


def _without_gaps(look: Look) -> Look:
    """Layers whose picture was not chosen yet do nothing on the page either."""
    return replace(look, layers=tuple(layer for layer in look.layers if "" not in layer.backdrops))


def _frames(plain: Any, medium: ProjectMedium) -> range | None:
    if plain is None:
        return None
    require(isinstance(plain, dict) and is_whole(plain.get("first"), 0, medium.frames - 1), "its range")
    require(is_whole(plain.get("last"), plain["first"], medium.frames - 1), "its range")
    return range(int(plain["first"]), int(plain["last"]) + 1)
