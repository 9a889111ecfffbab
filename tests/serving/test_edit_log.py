"""The edit log: what holds now, what is recorded, and how it is written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sam2_core.errors import BadPrompt
from sam2_core.serving.edit_log import (
    EditLog,
    PromptEntry,
    TrackEntry,
    entries_in_order,
    fold,
)
from sam2_core.types import MAX_LOG_ENTRIES, Mask, Point, Prompt
from tests.edit_log_entries import entry_from_json

CASES = json.loads((Path(__file__).resolve().parents[1] / "edit_log_cases.json").read_text("utf-8"))
CLICK = Prompt((Point(1, 2),))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_what_holds_now(case: dict[str, Any]) -> None:
    """The page's edit log is tested on the same table (tests/web/edit_log.test.js)."""
    steps = [[(entry_from_json(plain), plain.get("after")) for plain in step] for step in case["steps"]]
    entries = list(entries_in_order(steps, case["length"]))
    assert entries == [steps[step][place][0] for step, place in case["order"]]
    state = fold(entries)
    prompts = {
        str(number): {str(frame): prompt.to_json() for frame, prompt in frames.items()}
        for number, frames in state.prompts.items()
    }
    assert prompts == case["prompts"]
    assert {str(number): traits for number, traits in state.traits.items()} == case["traits"]
    assert {str(number): sorted(frames) for number, frames in state.tracked.items()} == case["tracked"]
    assert state.rejected == [steps[step][place][0] for step, place in case.get("rejected", [])]


# --- recording --------------------------------------------------------------------------------------------------------


def tracks(log: EditLog) -> list[tuple[list[int], list[int]]]:
    found = [entry for entry in log.entries if isinstance(entry, TrackEntry)]
    return [([entry.start, entry.stop, entry.step], list(entry.objects)) for entry in found]


def objects_of(log: EditLog) -> list[int]:
    return [entry.object_id for entry in log.entries if isinstance(entry, PromptEntry)]


def prompted(*objects: int) -> EditLog:
    log = EditLog()
    for number in objects:
        log.record_prompt(0, number, CLICK)
    return log


def test_frames_of_one_sweep_become_one_entry() -> None:
    log = prompted(1, 2)
    for frame in (3, 4, 5):
        log.record_tracked(frame, 1, [1, 2])
    for frame in (2, 1):
        log.record_tracked(frame, -1, [1, 2])
    log.record_tracked(6, 1, [1])
    assert tracks(log) == [([3, 6, 1], [1, 2]), ([2, 0, -1], [1, 2]), ([6, 7, 1], [1])]
    assert log.state == fold(log.entries)


def test_only_the_newest_tracking_is_taken_back() -> None:
    log = prompted(1, 2)
    for _ in range(2):
        for frame in range(5):
            log.record_tracked(frame, 1, [1, 2])
        log.record_prompt(0, 1, CLICK)
    log.record_untracked(range(1, 3), {1})
    assert tracks(log) == [([0, 5, 1], [1, 2]), ([0, 1, 1], [1, 2]), ([1, 3, 1], [2]), ([3, 5, 1], [1, 2])]
    log.record_untracked(range(5), {1, 2})
    assert tracks(log) == [([0, 1, 1], [1, 2]), ([1, 3, 1], [2]), ([3, 5, 1], [1, 2])]
    assert log.state == fold(log.entries)


def test_objects_are_those_that_have_prompts() -> None:
    log = EditLog()
    assert not log.state.prompts
    log.record_prompt(7, 3, CLICK)
    log.record_prompt(5, 1, CLICK)
    log.record_prompt(6, 1, CLICK)
    assert list(log.state.prompts) == [3, 1]
    assert min(frame for frames in log.state.prompts.values() for frame in frames) == 5
    log.record_prompt(5, 1, Prompt())
    assert list(log.state.prompts[1]) == [6]
    log.record_prompt(6, 1, Prompt())
    assert list(log.state.prompts) == [3]


def test_objects_keep_the_order_of_their_first_prompts() -> None:
    log = prompted(3, 1, 2)
    log.record_prompt(0, 3, Prompt((Point(5, 6),)))  # in place of the first one
    log.record_tracked(1, 1, [3, 1, 2])
    log.record_untracked(range(9), [1])
    assert list(log.state.prompts) == list(fold(log.entries).prompts) == [3, 1, 2]
    assert log.state.prompts[3] == {0: Prompt((Point(5, 6),))}


def test_traits_that_are_set_again_and_again_take_one_entry() -> None:
    log = prompted(1, 2)
    for number in range(9):
        log.record_traits(1, {"name": f"Nemo {number}"})
        log.record_traits(2, {"label": "fish"})
    log.record_traits(1, {"label": "clownfish"})
    assert log.state == fold(log.entries)
    assert log.state.traits == {1: {"name": "Nemo 8", "label": "clownfish"}, 2: {"label": "fish"}}
    assert len(log.entries) == 4


def test_traits_stay_until_they_are_changed_or_the_object_is_removed() -> None:
    log = prompted(2)
    log.record_traits(2, {"name": "Nemo", "label": "fish"})
    log.record_traits(2, {"name": "Marlin"})
    assert log.state.traits == {2: {"name": "Marlin", "label": "fish"}}
    log.record_removal(2)
    log.record_prompt(0, 2, CLICK)
    assert log.state.traits == {}
    log.replace(())
    assert (log.entries, log.state.prompts) == ([], {})


def test_a_prompt_that_the_next_one_replaces_is_left_out() -> None:
    log = EditLog()
    for _ in range(5):
        log.record_prompt(0, 1, CLICK)
        log.record_prompt(0, 2, CLICK)
    assert objects_of(log) == [1, 2]
    log.record_tracked(1, 1, [1, 2])
    log.record_prompt(0, 1, CLICK)
    assert len(log.entries) == 4, "it was tracked as it was"
    log.record_prompt(3, 1, CLICK)
    log.record_prompt(0, 1, CLICK)
    assert len(log.entries) == 6, "another prompt of the object came in between"
    log.record_removal(1)
    log.record_prompt(0, 1, CLICK)
    assert len(log.entries) == 8


def test_what_could_not_be_replayed_is_refused() -> None:
    log = EditLog()
    checkered = Prompt(mask=Mask.from_coco({"size": [1000, 400], "counts": [1] * 400_000}))
    for _ in range(50):  # each in place of the one before
        log.admit(checkered)
        log.record_prompt(0, 1, checkered)
    for frame in range(16):
        log.admit(checkered)
        log.record_prompt(frame, 2, checkered)
    with pytest.raises(BadPrompt, match="/reset"):
        log.admit(checkered)
    log.admit(CLICK)
    log.replace(())
    log.admit(checkered)
    for frame in range(MAX_LOG_ENTRIES):
        log.record_prompt(frame, 1, Prompt())
    with pytest.raises(BadPrompt, match="/reset"):
        log.admit(CLICK)
