from __future__ import annotations

import json

import pytest

from sam2_core.errors import BadPrompt
from sam2_core.types import EditLog
from ui.notes import Notes
from ui.reading import MAX_ENTRIES

CLICK = {"points": [[1, 2, 1]]}


def tracks(notes: Notes) -> list[tuple[list[int], list[int]]]:
    return [(entry["track"], entry["objects"]) for entry in notes.entries if "track" in entry]


def test_frames_of_one_way_become_one_entry() -> None:
    notes = Notes()
    for frame in (3, 4, 5):
        notes.tracked(frame, 1, [1, 2])
    for frame in (2, 1):
        notes.tracked(frame, -1, [1, 2])
    notes.tracked(6, 1, [1])
    assert tracks(notes) == [([3, 6, 1], [1, 2]), ([2, 0, -1], [1, 2]), ([6, 7, 1], [1])]


def test_only_the_newest_tracking_is_taken_back() -> None:
    notes = Notes()
    for _ in range(2):
        for frame in range(5):
            notes.tracked(frame, 1, [1, 2])
        notes.prompted(0, 1, CLICK)
    notes.untracked(range(1, 3), {1})
    assert tracks(notes) == [([0, 5, 1], [1, 2]), ([0, 1, 1], [1, 2]), ([1, 3, 1], [2]), ([3, 5, 1], [1, 2])]
    notes.untracked(range(5), {1, 2})
    assert tracks(notes) == [([0, 1, 1], [1, 2]), ([1, 3, 1], [2]), ([3, 5, 1], [1, 2])]


def test_what_is_noted_is_a_journal() -> None:
    notes = Notes()
    notes.prompted(4, 1, CLICK)
    notes.tracked(5, 1, [1])
    notes.removed(1)
    journal = EditLog.from_json(json.dumps({"media": "", "entries": notes.entries}))
    assert json.loads(journal.to_json())["entries"][1] == {"track": [5, 6, 1], "objects": [1]}


def test_objects_are_those_of_which_something_is_said() -> None:
    notes = Notes()
    assert notes.first_frame == 0
    notes.prompted(7, 3, CLICK)
    notes.prompted(5, 1, CLICK)
    notes.prompted(6, 1, CLICK)
    assert notes.first_frame == 5
    assert [each["id"] for each in notes.objects] == [3, 1]
    assert [each["id"] for each in notes.chosen([1, 3])] == [1, 3]
    with pytest.raises(BadPrompt, match="numbers 3, 1"):
        notes.chosen([2])
    notes.prompted(5, 1, {})
    assert notes.first_frame == 6
    notes.prompted(6, 1, {})
    assert [each["id"] for each in notes.objects] == [3]


def test_a_name_stays_until_it_is_changed() -> None:
    notes = Notes()
    notes.prompted(0, 2, CLICK)
    notes.name(2, "Nemo", "fish", (1, 2, 3))
    assert notes.name(2, "Marlin", "", None) == {"id": 2, "name": "Marlin", "label": "fish", "color": [1, 2, 3]}
    assert notes.objects[0]["name"] == "Marlin"
    notes.removed(2)
    notes.prompted(0, 2, CLICK)
    assert notes.objects[0]["name"] == "Object 2"
    notes.clear()
    assert (notes.entries, notes.objects) == ([], [])


def test_a_word_that_the_next_one_replaces_is_left_out() -> None:
    notes = Notes()
    for _ in range(5):
        notes.prompted(0, 1, CLICK)
        notes.prompted(0, 2, CLICK)
    assert [entry["object"] for entry in notes.entries] == [1, 2]
    notes.tracked(1, 1, [1, 2])
    notes.prompted(0, 1, CLICK)
    assert len(notes.entries) == 4, "it was tracked as it was"
    notes.prompted(3, 1, CLICK)
    notes.prompted(0, 1, CLICK)
    assert len(notes.entries) == 6, "something else was said about it in between"
    notes.removed(1)
    notes.prompted(0, 1, CLICK)
    assert len(notes.entries) == 8


def test_what_could_not_be_said_again_is_refused() -> None:
    notes, mask = Notes(), {"mask": {"size": [9, 9], "counts": "0" * 400_000}}
    for _ in range(50):  # each in place of the one before
        notes.admit(mask)
        notes.prompted(0, 1, mask)
    for frame in range(16):
        notes.admit(mask)
        notes.prompted(frame, 2, mask)
    with pytest.raises(BadPrompt, match="/reset"):
        notes.admit(mask)
    notes.admit(CLICK)
    notes.clear()
    notes.admit(mask)
    for frame in range(MAX_ENTRIES):
        notes.prompted(frame, 1, {})
    with pytest.raises(BadPrompt, match="/reset"):
        notes.admit(CLICK)
