"""Memory selection, with strings in place of tensors."""

from __future__ import annotations

import pytest

from sam2_core.tracking.memory_bank import MemoryBank, MemoryRules


def bank(prompted: tuple[int, ...] = (), tracked: tuple[int, ...] = (), **rules: int) -> MemoryBank[str]:
    return MemoryBank(
        MemoryRules(**rules), {at: f"prompted {at}" for at in prompted}, {at: f"tracked {at}" for at in tracked}
    )


def test_the_prompted_frame_and_the_last_six_are_selected_oldest_first() -> None:
    selection = bank((0,), tuple(range(1, 20))).select(20, reverse=False, frames=100)
    assert selection.memories == ((0, "prompted 0"), *((20 - at, f"tracked {at}") for at in range(14, 20)))


def test_in_reverse_the_tracked_frames_lie_ahead() -> None:
    selection = bank((9,), (8, 7, 6, 3)).select(5, reverse=True, frames=10)
    assert selection.memories == ((0, "prompted 9"), (3, "tracked 8"), (2, "tracked 7"), (1, "tracked 6"))


def test_frames_that_were_not_tracked_leave_their_slots_empty() -> None:
    assert bank((0,), (3,)).select(5, reverse=False, frames=10).memories == ((0, "prompted 0"), (2, "tracked 3"))


def test_all_prompted_frames_are_selected_even_those_ahead() -> None:
    selection = bank((0, 8)).select(4, reverse=False, frames=10)
    assert selection.memories == ((0, "prompted 0"), (0, "prompted 8"))


@pytest.mark.parametrize(("reverse", "at", "distance"), [(False, 2, 3), (True, 8, 3)])
def test_pointers_of_prompted_frames_ahead_are_not_selected(reverse: bool, at: int, distance: int) -> None:
    selection = bank((2, 8)).select(5, reverse=reverse, frames=31)
    assert selection.pointers == ((distance / 15, f"prompted {at}"),)


def test_the_pointer_of_the_frame_itself_is_selected() -> None:
    assert bank((5,)).select(5, reverse=False, frames=31).pointers == ((0.0, "prompted 5"),)


def test_pointers_reach_fifteen_frames_back_and_to_every_prompted_frame() -> None:
    pointers = bank((0,), tuple(range(1, 40))).select(40, reverse=False, frames=100).pointers
    assert pointers[0] == (40 / 15, "prompted 0")
    assert pointers[1:] == tuple((distance / 15, f"tracked {40 - distance}") for distance in range(1, 16))


@pytest.mark.parametrize(("frames", "reach"), [(6, 5), (16, 15), (17, 15), (400, 15)])
def test_pointer_times_are_scaled_to_short_clips(frames: int, reach: int) -> None:
    pointers = bank((0,), (1,)).select(2, reverse=False, frames=frames).pointers
    assert pointers == ((2 / reach, "prompted 0"), (1 / reach, "tracked 1"))


def test_a_clip_of_one_frame() -> None:
    assert bank((0,)).select(0, reverse=False, frames=1).pointers == ((0.0, "prompted 0"),)


def test_max_prompted_keeps_the_nearest_before_and_after_and_then_the_nearest_of_the_rest() -> None:
    selection = bank((0, 10, 20, 30), max_prompted=2).select(18, reverse=False, frames=99)
    assert [output for slot, output in selection.memories if slot == 0] == ["prompted 10", "prompted 20"]
    selection = bank((0, 10, 20, 30), max_prompted=3).select(31, reverse=False, frames=99)
    assert sorted(output for slot, output in selection.memories if slot == 0) == [
        "prompted 10",
        "prompted 20",
        "prompted 30",
    ]


@pytest.mark.parametrize(
    ("frame", "selected"), [(1, [0]), (9, [0]), (10, [0, 30]), (20, [0, 30]), (21, [30]), (30, [30]), (90, [0, 30])]
)
def test_a_prompted_frame_beyond_the_reach_is_left_out(frame: int, selected: list[int]) -> None:
    selection = bank((0, 30), prompted_reach=2).select(frame, reverse=False, frames=99)
    assert [output for slot, output in selection.memories if slot == 0] == [f"prompted {at}" for at in selected]


def test_a_recent_prompted_frame_beyond_the_limit_is_selected_as_tracked() -> None:
    selection = bank((0, 16, 18), max_prompted=1).select(19, reverse=False, frames=99)
    assert selection.memories == ((0, "prompted 18"), (3, "prompted 16"))
    assert selection.pointers == ((1 / 15, "prompted 18"), (3 / 15, "prompted 16"))


def test_a_prompted_frame_is_not_selected_twice() -> None:
    assert bank((3,)).select(4, reverse=False, frames=9).memories == ((0, "prompted 3"),)


def test_keep_tracked_does_not_drop_prompted_frames() -> None:
    pruned = bank((0,), (1, 2, 3, 4, 5))
    pruned.keep_tracked(2, 4)
    assert sorted(pruned.tracked) == [2, 3, 4]
    assert sorted(pruned.prompted) == [0]
