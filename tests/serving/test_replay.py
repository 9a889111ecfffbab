from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sam2_core.media import ingest
from sam2_core.serving.engine import Engine
from sam2_core.serving.local import LocalEngine
from sam2_core.serving.replay import replay
from sam2_core.types import Box, EditLog, Entry, ObjectMask, Point, Prompt, PromptEntry, RemoveEntry, TrackEntry
from tests.fakes import FakeEngine
from tests.media.numbered import make_clip
from tests.networks import tiny_network

HERE, THERE = Prompt((Point(10, 12),)), Prompt((Point(40, 30),))
BOXED = Prompt(boxes=(Box(5, 6, 30, 40),))


CORRECTED: list[Entry] = [  # two corrections, updates from both sides, and an object that came later
    PromptEntry(0, 1, HERE),
    TrackEntry(1, 10, 1, (1,)),
    PromptEntry(5, 1, THERE),
    TrackEntry(1, 3, 1, (1,)),
    TrackEntry(4, 2, -1, (1,)),
    PromptEntry(2, 2, BOXED),
    TrackEntry(1, -1, -1, (2,)),
    TrackEntry(6, 10, 1, (1,)),
    TrackEntry(3, 10, 1, (2,)),
    PromptEntry(8, 1, BOXED),
    PromptEntry(5, 1, Prompt()),
    TrackEntry(1, 5, 1, (1,)),
    TrackEntry(7, 4, -1, (1,)),
]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("replay")
    ingest(make_clip(folder / "clip.mp4", frames=10), folder / "store")
    return folder / "store"


def tell(engine: Engine, session: str, entries: list[Entry]) -> None:
    """Say everything literally, in order, as a visitor did it."""
    revision = 0
    for entry in entries:
        if isinstance(entry, PromptEntry):
            revision = engine.prompt(session, entry.frame, entry.object_id, entry.prompt).revision
        elif isinstance(entry, RemoveEntry):
            revision = engine.forget(session, entry.object_id)
        else:
            frames = range(entry.start, entry.stop, entry.step)
            engine.track(session, frames, revision, entry.objects or None)


def masks(engine: Engine, session: str) -> list[tuple[ObjectMask, ...]]:
    return [each.objects for each in engine.masks(session, range(10))]


@pytest.mark.parametrize(
    "entries",
    [
        [PromptEntry(0, 1, HERE)],
        [PromptEntry(0, 1, HERE), PromptEntry(0, 1, THERE)],
        [PromptEntry(0, 1, HERE), TrackEntry(0, 10, 1)],
        [PromptEntry(5, 1, HERE), TrackEntry(5, 10, 1), TrackEntry(5, -1, -1)],
        [PromptEntry(0, 1, HERE), TrackEntry(0, 6, 1), PromptEntry(3, 1, THERE), TrackEntry(3, 10, 1)],
        [PromptEntry(0, 1, HERE), PromptEntry(0, 2, BOXED), TrackEntry(0, 10, 1), RemoveEntry(1)],
        [
            PromptEntry(0, 1, HERE),
            PromptEntry(1, 2, BOXED),
            RemoveEntry(1),
            PromptEntry(2, 1, THERE),
            TrackEntry(2, 5, 1),
        ],
        [PromptEntry(0, 1, HERE), PromptEntry(4, 1, THERE), PromptEntry(4, 1, Prompt())],
        [PromptEntry(0, 1, HERE), TrackEntry(0, 10, 1), PromptEntry(0, 1, Prompt()), PromptEntry(0, 1, THERE)],
        [
            PromptEntry(0, 1, HERE),
            TrackEntry(0, 10, 1),
            PromptEntry(5, 1, THERE),
            PromptEntry(0, 1, Prompt()),
            PromptEntry(5, 1, BOXED),
        ],
        [
            PromptEntry(0, 1, HERE),
            TrackEntry(0, 10, 1),
            PromptEntry(5, 1, THERE),
            PromptEntry(6, 1, THERE),
            PromptEntry(5, 1, BOXED),
        ],
        [PromptEntry(0, 1, HERE), PromptEntry(0, 2, THERE), PromptEntry(0, 1, BOXED), TrackEntry(0, 4, 1)],
        [PromptEntry(0, 1, HERE), PromptEntry(0, 2, THERE), TrackEntry(0, 6, 1, (2,)), TrackEntry(2, 8, 1, (1, 2))],
        [
            PromptEntry(0, 1, HERE),
            PromptEntry(0, 2, THERE),
            TrackEntry(0, 9, 1, (2,)),
            RemoveEntry(2),
            TrackEntry(1, 4, 1, (1,)),
        ],
        CORRECTED,
    ],
)
@pytest.mark.parametrize("make", [FakeEngine, lambda: LocalEngine(tiny_network())], ids=["fake", "local"])
def test_the_masks_are_the_same_again(clip: Path, entries: list[Entry], make: Callable[[], Engine]) -> None:
    engine = make()
    first, second = engine.open(str(clip)).id, engine.open(str(clip)).id
    tell(engine, first, entries)
    revision = replay(engine, second, EditLog("", tuple(entries)))
    assert masks(engine, second) == masks(engine, first)
    assert any(masks(engine, second))
    assert revision == engine.masks(second, range(1))[0].revision
    engine.shut_down()


def test_an_object_that_was_removed_is_not_tracked_again(clip: Path) -> None:
    engine = FakeEngine()
    session = engine.open(str(clip)).id
    engine.calls.clear()
    entries = (PromptEntry(0, 1, HERE), PromptEntry(0, 2, THERE), TrackEntry(0, 10, 1, (2,)), RemoveEntry(2))
    replay(engine, session, EditLog("", entries))
    assert engine.calls == ["prompt"]


def test_what_no_longer_counts_is_not_said(clip: Path) -> None:
    engine = FakeEngine()
    session = engine.open(str(clip)).id
    many = [PromptEntry(0, 1, Prompt((Point(x, 10),))) for x in range(1, 30)]
    engine.calls.clear()
    replay(engine, session, EditLog("", (*many, PromptEntry(0, 2, HERE), RemoveEntry(2))))
    assert engine.calls == ["prompt"]


def test_tracking_comes_in_short_calls_and_progress_grows(clip: Path) -> None:
    engine = FakeEngine()
    session = engine.open(str(clip)).id
    engine.calls.clear()
    seen: list[float] = []
    entries = (PromptEntry(0, 1, HERE), TrackEntry(0, 10, 1), PromptEntry(9, 2, BOXED))
    replay(engine, session, EditLog("", entries), lambda fraction, message: seen.append(fraction))
    assert engine.calls.count("track") == 3
    assert seen == sorted(seen)
    assert len(seen) == 5, "one a call, so that long tracking is seen to go on"
    assert 0 <= seen[0] < seen[-1] <= 1


def test_entries_that_mean_nothing_are_skipped(clip: Path) -> None:
    engine = FakeEngine()
    session = engine.open(str(clip)).id
    replay(engine, session, EditLog("", (TrackEntry(0, 5, 1), PromptEntry(99, 1, HERE), PromptEntry(2, 1, THERE))))
    assert [each.frame for each in engine.masks(session, range(10)) if each.objects] == [2]


def test_a_progress_that_raises_ends_it(clip: Path) -> None:
    engine = FakeEngine()
    session = engine.open(str(clip)).id

    def refuse(fraction: float, message: str) -> None:
        raise KeyboardInterrupt

    engine.calls.clear()
    with pytest.raises(KeyboardInterrupt):
        replay(engine, session, EditLog("", (PromptEntry(0, 1, HERE),)), refuse)
    assert engine.calls == []


def test_a_picture_can_be_replayed(tmp_path: Path) -> None:
    Image.fromarray(np.full((40, 60, 3), 90, np.uint8)).save(tmp_path / "grey.png")
    ingest(tmp_path / "grey.png", tmp_path / "store")
    engine = FakeEngine()
    session = engine.open(str(tmp_path / "store")).id
    replay(engine, session, EditLog("", (PromptEntry(0, 1, HERE),)))
    assert engine.masks(session, range(1))[0].objects[0].mask.to_array()[12, 10]
