"""The edit log: everything that a user did to a medium, as a list of plain entries from which the session can be
rebuilt.

As JSON, an entry is one of

    {frame, object, prompt}                    `prompt` is all that holds for the object on the frame from now on
    {forget: object}                           the object was removed
    {track: [start, stop, step], objects}      these objects were tracked through these frames (none named: all)
    {traits: object, set: {name, label, color, place, locked}}    some of an object's traits; engines ignore these;
                                               also how its masks were made: {stage, source, seconds, predicted_iou,
                                               stability_score}
    {reject: frame, mask, predicted_iou, stability_score, seconds}    a proposal of the network was rejected

A project file and the page keep entries in steps, which are what one undo takes back; see `entries_in_order`. What
holds after a list of entries is computed in one place, `fold`. The page has its twin (ui/web/core/edit_log.js); both
are tested on tests/edit_log_cases.json.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

from sam2_core.errors import BadPrompt
from sam2_core.types import MAX_LOG_ENTRIES, Prompt, RejectedMask

MAX_LOG_CHARACTERS = 8_000_000
"""Of a log as JSON: thousands of clicks and hundreds of painted masks fit."""

_MAX_PROMPT_CHARACTERS = int(0.9 * MAX_LOG_CHARACTERS)  # of all prompts of a log; the rest is for what was tracked
_ENTRY_CHARACTERS = 60  # of an entry around its prompt
_POINT_CHARACTERS, _BOX_CHARACTERS = 24, 48


@dataclass(frozen=True, slots=True)
class PromptEntry:
    """`prompt` is all that holds for this object on this frame from now on; an empty one clears the frame."""

    frame: int
    object_id: int
    prompt: Prompt


@dataclass(frozen=True, slots=True)
class RemoveEntry:
    """The object was removed with all its prompts and masks."""

    object_id: int


@dataclass(frozen=True, slots=True)
class TrackEntry:
    """The frames of range(start, stop, step) were tracked, for these objects (none named: for all that there were)."""

    start: int
    stop: int
    step: int
    objects: tuple[int, ...] = ()

    @property
    def frames(self) -> range:
        """The frames in the order of tracking."""
        return range(self.start, self.stop, self.step)


@dataclass(frozen=True, slots=True)
class TraitsEntry:
    """Some traits of an object: `name`, `label` (its class), `color`, `place` in the drawing order, `locked`; and how
    its masks were made (see `Provenance`)."""

    object_id: int
    traits: Mapping[str, Any]


Entry: TypeAlias = PromptEntry | RemoveEntry | TrackEntry | TraitsEntry | RejectedMask
E = TypeVar("E")


# --- what holds now ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EditState:
    """What holds after the entries of a log.

    Attributes:
        prompts: object -> frame -> prompt, of all objects that have one, in the order in which they were first
            prompted.
        traits: object -> its traits, as far as they were set.
        tracked: object -> frames on which it was tracked; masks of a removed or cleared object are gone.
        rejected: proposals of the network that were rejected.
    """

    prompts: dict[int, dict[int, Prompt]] = field(default_factory=dict)
    traits: dict[int, dict[str, Any]] = field(default_factory=dict)
    tracked: dict[int, set[int]] = field(default_factory=dict)
    rejected: list[RejectedMask] = field(default_factory=list)

    def apply(self, entry: Entry) -> None:
        """Go on by one entry."""
        if isinstance(entry, PromptEntry):
            self._set_prompt(entry)
        elif isinstance(entry, RemoveEntry):
            for of_object in (self.prompts, self.traits, self.tracked):
                of_object.pop(entry.object_id, None)
        elif isinstance(entry, TraitsEntry):
            self.traits.setdefault(entry.object_id, {}).update(entry.traits)
        elif isinstance(entry, RejectedMask):
            self.rejected.append(entry)
        else:
            for object_id in set(entry.objects or self.prompts) & self.prompts.keys():
                self.tracked.setdefault(object_id, set()).update(entry.frames)

    def _set_prompt(self, entry: PromptEntry) -> None:
        frames = self.prompts.setdefault(entry.object_id, {})
        if entry.prompt.is_empty:
            frames.pop(entry.frame, None)
        else:
            frames[entry.frame] = entry.prompt
        if not frames:  # nothing says any more what the object is
            del self.prompts[entry.object_id]
            self.tracked.pop(entry.object_id, None)


def fold(entries: Iterable[Entry]) -> EditState:
    """What holds after these entries."""
    state = EditState()
    for entry in entries:
        state.apply(entry)
    return state


def entries_in_order(steps: Sequence[Sequence[tuple[E, int | None]]], length: int) -> Iterator[E]:
    """The entries of the first `length` steps (the others were undone) in the order in which things happened.

    A step holds entries, each with the number of the step that it came `after`, or None. A run of tracking is one step
    that goes on while later steps are made, so what it finds then carries the newest step that was there before.
    """
    later: dict[int, list[E]] = {}
    for number, step in enumerate(steps[:length]):
        for entry, after in step:
            if after is None or after >= length:
                yield entry
            else:
                later.setdefault(after, []).append(entry)
        yield from later.get(number, ())


def needed_for_replay(entries: Sequence[Entry]) -> list[Entry]:
    """The entries whose effect can still be seen, in order.

    Backwards: a prompt is covered where the next one of its object is on the same frame and nothing was tracked in
    between, or where the object is removed later. An entry that clears a frame always counts: what was tracked may have
    to go with it.
    """
    kept: list[Entry] = []
    next_frame: dict[int, int] = {}  # object -> frame of its next prompt
    removed: set[int] = set()
    for entry in reversed(entries):
        if isinstance(entry, TraitsEntry | RejectedMask):
            continue
        if isinstance(entry, TrackEntry):
            if entry.objects and removed.issuperset(entry.objects):
                continue
            next_frame.clear()
        elif isinstance(entry, RemoveEntry):
            removed.add(entry.object_id)
            continue
        elif entry.object_id in removed:
            continue
        elif entry.prompt.is_empty:
            next_frame.pop(entry.object_id, None)
        elif next_frame.get(entry.object_id) == entry.frame:
            continue
        else:
            next_frame[entry.object_id] = entry.frame
        kept.append(entry)
    return kept[::-1]


# --- recording --------------------------------------------------------------------------------------------------------


class EditLog:
    """The log of a workspace, recorded while a session is worked on.

    It stays short enough to be replayed: prompts that were replaced before anything was tracked are left out.
    """

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.state = EditState()
        self._characters = 0  # of all prompts

    def admit(self, prompt: Prompt) -> None:
        """Raise `BadPrompt` where one more prompt would make the log too long to be replayed."""
        length = _characters(PromptEntry(0, 1, prompt))
        if length > _MAX_PROMPT_CHARACTERS:
            raise BadPrompt("This prompt is too long. Simplify the mask.")
        if len(self.entries) >= MAX_LOG_ENTRIES or self._characters + length > _MAX_PROMPT_CHARACTERS:
            raise BadPrompt("This session has too many prompts. Begin anew (/reset in the API), or open another one.")

    def record_prompt(self, frame: int, object_id: int, prompt: Prompt) -> None:
        """A prompt was set, or cleared where it is empty."""
        entry = PromptEntry(frame, object_id, prompt)
        self._characters += _characters(entry)
        place = None if prompt.is_empty else self._replaced_by(entry)
        if place is None:
            self._append(entry)
        else:  # where the former one was, so that objects keep the order of their first prompts
            self._characters -= _characters(self.entries[place])
            self.entries[place] = entry
            self.state.apply(entry)

    def record_removal(self, object_id: int) -> None:
        """An object was removed."""
        self._append(RemoveEntry(object_id))

    def record_traits(self, object_id: int, traits: Mapping[str, Any]) -> None:
        """Some traits of an object were set; its earlier ones join them."""
        self.entries = [
            each for each in self.entries if not (isinstance(each, TraitsEntry) and each.object_id == object_id)
        ]
        self._append(TraitsEntry(object_id, {**self.state.traits.get(object_id, {}), **traits}))

    def record_tracked(self, frame: int, step: int, objects: Iterable[int]) -> None:
        """Masks of these objects were found on a frame, forward (step 1) or backward (-1)."""
        tracked = tuple(objects)
        last = self.entries[-1] if self.entries else None
        entry = TrackEntry(frame, frame + step, step, tracked)
        if isinstance(last, TrackEntry) and (last.objects, last.stop, last.step) == (tracked, frame, step):
            self.entries[-1] = TrackEntry(last.start, frame + step, step, tracked)
            self.state.apply(entry)
        else:
            self._append(entry)

    def record_untracked(self, frames: range, objects: Iterable[int]) -> None:
        """The newest tracking of these objects on each of these frames was taken back."""
        wanted, taken = set(objects), set[tuple[int, int]]()
        kept: list[tuple[int, int, list[int]] | Entry] = []  # the newest first
        for entry in reversed(self.entries):
            if not isinstance(entry, TrackEntry):
                kept.append(entry)
                continue
            for frame in reversed(entry.frames):
                gone = {n for n in entry.objects if frame in frames and n in wanted and (frame, n) not in taken}
                taken |= {(frame, number) for number in gone}
                if left := [number for number in entry.objects if number not in gone]:
                    kept.append((frame, entry.step, left))
        self.entries, self.state = [], EditState()
        for each in reversed(kept):
            if isinstance(each, tuple):
                self.record_tracked(*each)
            else:
                self._append(each)

    def replace(self, entries: Sequence[Entry]) -> None:
        """Put these entries in place of all others."""
        self.entries, self.state = list(entries), fold(entries)
        self._characters = sum(map(_characters, entries))

    def _append(self, entry: Entry) -> None:
        self.entries.append(entry)
        self.state.apply(entry)

    def _replaced_by(self, entry: PromptEntry) -> int | None:
        """Place of the object's last prompt, if that is on this frame, too, and nothing was tracked with it."""
        for place in reversed(range(len(self.entries))):
            former = self.entries[place]
            if isinstance(former, TrackEntry):
                return None
            if isinstance(former, PromptEntry | RemoveEntry) and former.object_id == entry.object_id:
                if isinstance(former, RemoveEntry) or former.frame != entry.frame or former.prompt.is_empty:
                    return None
                return place
        return None


def _characters(entry: Entry) -> int:
    """About how long a prompt is as JSON, without encoding it; 0 for other entries."""
    if not isinstance(entry, PromptEntry):
        return 0
    prompt = entry.prompt
    runs = 0 if prompt.mask is None else len(prompt.mask.runs) // 4  # most take one character
    corners = len(prompt.boxes) + (prompt.crop is not None)
    return _ENTRY_CHARACTERS + _POINT_CHARACTERS * len(prompt.points) + _BOX_CHARACTERS * corners + runs
