"""What an API's caller has said, kept as a page keeps its journal: enough to say it all again to a fresh session."""

from __future__ import annotations

import json
from typing import Any

from sam2_core.errors import BadPrompt
from sam2_core.media import Rgb, color_of
from ui.reading import MAX_ENTRIES, MAX_MESSAGE

MOST_CHARACTERS = int(0.9 * MAX_MESSAGE)  # of all prompts; the rest is for what was tracked


class Notes:
    """Entries as in `EditLog.to_json`, and what the caller calls its objects. Belongs to one event loop."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []
        self._characters = 0  # of the prompts among them
        self._said: dict[int, set[int]] = {}  # object -> the frames on which something is said about it
        self._called: dict[int, dict[str, Any]] = {}

    @property
    def objects(self) -> list[dict[str, Any]]:
        """All objects as the `export` message names them, in the order in which they were first spoken of."""
        return [self._traits(number) for number in self._said]

    def chosen(self, numbers: list[int] | None) -> list[dict[str, Any]]:
        """These objects, in this order; raises `BadPrompt` for one that nobody has spoken of."""
        if numbers is None:
            return self.objects
        known = {each["id"]: each for each in self.objects}
        if not isinstance(numbers, list) or any(not is_whole(number) or number not in known for number in numbers):
            raise BadPrompt(f"`objects` is a list of the numbers {', '.join(map(str, known))}.")
        return [known[number] for number in numbers]

    @property
    def first_frame(self) -> int:
        """The first frame on which anything is said; 0 where nothing is."""
        return min((frame for frames in self._said.values() for frame in frames), default=0)

    def admit(self, prompt: dict[str, Any]) -> None:
        """Raise `BadPrompt` where one more prompt would make all of it too long to be said again."""
        length = _length(prompt)
        if length > MOST_CHARACTERS:
            raise BadPrompt("This is too much to say at once. Simplify the mask.")
        if len(self.entries) >= MAX_ENTRIES or self._characters + length > MOST_CHARACTERS:
            raise BadPrompt("Too much was said in this session. Begin anew with /reset, or open another one.")

    def prompted(self, frame: int, object_id: int, prompt: dict[str, Any]) -> None:
        """All that is said about an object on a frame; nothing, where the prompt is empty."""
        if prompt:
            self._leave_out_what_this_replaces(frame, object_id)
        self.entries.append({"frame": frame, "object": object_id, "prompt": prompt})
        self._characters += _length(prompt)
        if prompt:
            self._said.setdefault(object_id, set()).add(frame)
        elif object_id in self._said:
            self._said[object_id].discard(frame)
            if not self._said[object_id]:
                del self._said[object_id]

    def _leave_out_what_this_replaces(self, frame: int, object_id: int) -> None:
        """The last word about the object, if it was about this frame, too, and nothing was tracked with it."""
        for place in reversed(range(len(self.entries))):
            entry = self.entries[place]
            if "track" in entry or entry.get("forget") == object_id:
                return
            if entry.get("object") == object_id:
                if entry["frame"] == frame and entry["prompt"]:
                    self._characters -= _length(self.entries.pop(place)["prompt"])
                return

    def removed(self, object_id: int) -> None:
        """The object is gone, with its name."""
        self.entries.append({"forget": object_id})
        self._said.pop(object_id, None)
        self._called.pop(object_id, None)

    def tracked(self, frame: int, step: int, objects: list[int]) -> None:
        """These objects' masks on a frame were found on a way forward (step 1) or backward (-1)."""
        last = self.entries[-1] if self.entries else {}
        if last.get("objects") == objects and last["track"][1:] == [frame, step]:
            last["track"][1] = frame + step
        else:
            self.entries.append({"track": [frame, frame + step, step], "objects": objects})

    def untracked(self, frames: range, objects: set[int]) -> None:
        """The newest tracking of these objects on each of these frames was taken back."""
        taken: set[tuple[int, int]] = set()
        kept: list[tuple[int, int, list[int]] | dict[str, Any]] = []
        for entry in reversed(self.entries):
            if "track" not in entry:
                kept.append(entry)
                continue
            for frame in reversed(range(*entry["track"])):
                gone = {n for n in entry["objects"] if frame in frames and n in objects and (frame, n) not in taken}
                taken |= {(frame, number) for number in gone}
                if left := [number for number in entry["objects"] if number not in gone]:
                    kept.append((frame, entry["track"][2], left))
        self.entries = []
        for each in reversed(kept):
            if isinstance(each, dict):
                self.entries.append(each)
            else:
                self.tracked(*each)

    def clear(self) -> None:
        """Nothing was said."""
        self.entries = []
        self._characters = 0
        self._said.clear()
        self._called.clear()

    def name(self, object_id: int, name: str, label: str, color: Rgb | None) -> dict[str, Any]:
        """Call an object something; what is empty is as it was. Gives all that it is called."""
        wished = {"name": name, "label": label, "color": None if color is None else list(color)}
        traits = self._traits(object_id) | {key: value for key, value in wished.items() if value}
        self._called[object_id] = traits
        return traits

    def _traits(self, object_id: int) -> dict[str, Any]:
        plain = {"id": object_id, "name": f"Object {object_id}", "label": "", "color": list(color_of(object_id))}
        return self._called.get(object_id, plain)


def is_whole(value: Any) -> bool:
    """Whether it is a whole number; true and false are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def _length(prompt: dict[str, Any]) -> int:
    """About how many characters it takes as an entry."""
    return len(json.dumps(prompt)) + 60
