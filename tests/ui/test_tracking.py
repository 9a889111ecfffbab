"""Runs of tracking as a page asks for them: what is computed, what is sent, where they stop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from sam2_core.types import Mask, ObjectMask, Prompt
from tests.fakes import FakeEngine
from tests.media.numbered import make_clip
from tests.ui.house import DEADLINE, GatedEngine, Page, open_house

FRAMES = 20
CLICK, OTHER_CLICK = {"points": [[20, 24, 1]]}, {"points": [[40, 30, 1]]}


class VanishingEngine(FakeEngine):
    """Object 1 is away on some frames. Notes what tracking found."""

    def __init__(self, away: tuple[int, ...] = ()) -> None:
        super().__init__()
        self.away = away
        self.found: list[tuple[int, int]] = []

    def find(self, size: tuple[int, int], frame: int, object_id: int, nearest: Prompt) -> ObjectMask:
        self.found.append((frame, object_id))
        if object_id == 1 and frame in self.away:
            return ObjectMask(1, Mask.from_array(np.zeros(size)), predicted_iou=0.1, object_score=-4.0)
        return super().find(size, frame, object_id, nearest)


class Visit:
    """A page with a clip open."""

    def __init__(self, page: Page) -> None:
        self.page, self.seq = page, 0

    def say(self, frame: int, object_id: int = 1, prompt: dict[str, Any] = CLICK) -> dict[str, Any]:
        """A prompt; what is stale then, by object."""
        self.seq += 1
        self.page.say("prompt", seq=self.seq, frame=frame, object=object_id, prompt=prompt)
        self.page.hear("masks", seq=self.seq)
        return self.hear_stale()

    def hear_stale(self) -> dict[str, Any]:
        return {each["id"]: each["frames"] for each in self.page.hear("stale")["objects"]}

    def track(self, direction: str, frame: int = 0, **about: Any) -> tuple[list[int], dict[str, Any]]:
        """The frames whose masks were sent, in order, and the closing word."""
        self.page.say("track", run=7, direction=direction, frame=frame, **about)
        frames: list[int] = []
        while (heard := self.page.hear("masks", "done"))["t"] == "masks":
            assert heard["run"] == 7
            assert all(each["fresh"] for each in heard["objects"])
            frames.append(heard["frame"])
        self.hear_stale()
        return frames, heard


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = make_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", frames=FRAMES, size=(48, 64))
    return path.read_bytes()


@pytest.fixture
def engine() -> VanishingEngine:
    return VanishingEngine()


@pytest.fixture
def visit(engine: VanishingEngine, clip: bytes) -> Iterator[Visit]:
    with opened(engine, clip) as visit:
        yield visit


@contextmanager
def opened(engine: FakeEngine, clip: bytes) -> Iterator[Visit]:
    with open_house(engine) as house:
        token = house.visitor().token
        with house.page(token) as page:
            assert house.upload(token, clip, "clip.mp4").status_code == 202
            page.hear("opened")
            yield Visit(page)


@pytest.mark.parametrize(
    ("direction", "about", "expected"),
    [
        ("forward", {}, [*range(11, 20)]),
        ("backward", {}, [*range(9, -1, -1)]),
        ("both", {}, [*range(11, 20), *range(9, -1, -1)]),
        ("one", {"frame": 4}, [4]),
        ("one", {"frame": 10}, []),
        ("update", {}, []),
        ("forward", {"first": 8, "last": 13}, [11, 12, 13]),
        ("backward", {"first": 8, "last": 13}, [9, 8]),
        ("both", {"first": 8, "last": 13}, [11, 12, 13, 9, 8]),
        ("forward", {"frame": 2, "first": 8, "last": 13}, [8, 9, 11, 12, 13]),
        ("backward", {"frame": 2, "first": 8, "last": 13}, [13, 12, 11, 9, 8]),
        ("both", {"frame": 19, "first": 8, "last": 9}, [8, 9]),
    ],
)
def test_every_direction_computes_what_it_says(
    visit: Visit, direction: str, about: dict[str, int], expected: list[int]
) -> None:
    visit.say(10)
    frames, done = visit.track(direction, **{"frame": 10, **about})
    assert frames == expected
    assert (done["stopped"], done["lost"], done["changed"]) == (False, None, len(expected))


def test_what_is_up_to_date_is_neither_computed_nor_sent_again(visit: Visit, engine: VanishingEngine) -> None:
    visit.say(0)
    assert visit.track("forward")[1]["changed"] == 19
    assert visit.track("both", 10)[0] == []
    engine.found.clear()
    visit.say(5, object_id=2)
    frames, done = visit.track("both", 5)
    assert frames == [*range(6, 20), *range(4, -1, -1)]
    assert {object_id for _, object_id in engine.found} == {2}
    assert done["changed"] == 19


def test_an_update_computes_only_what_a_correction_touched(visit: Visit, engine: VanishingEngine) -> None:
    for object_id in (1, 2):
        visit.say(0, object_id)
        assert visit.say(16, object_id) == {}
    visit.track("forward")
    assert visit.say(8, 1, OTHER_CLICK) == {1: [[1, 4], [5, 7], [9, 12], [13, 15]]}
    engine.found.clear()
    frames, done = visit.track("update", 19)
    assert frames == [1, 2, 3, 4, 7, 6, 5, 9, 10, 11, 12, 15, 14, 13]
    assert {object_id for _, object_id in engine.found} == {1}
    assert done["changed"] == 14
    assert visit.track("update")[1]["changed"] == 0


def test_an_update_keeps_to_the_range(visit: Visit) -> None:
    visit.say(0)
    visit.track("forward")
    visit.say(10, 1, OTHER_CLICK)
    assert sorted(visit.track("update", first=7, last=12)[0]) == [7, 8, 9, 11, 12]


def test_a_correction_taken_back_leaves_nothing_stale(visit: Visit) -> None:
    visit.say(0)
    visit.track("forward")
    assert visit.say(10, 1, OTHER_CLICK) != {}
    assert visit.say(10, 1, {}) == {}


def test_tracking_pauses_on_the_first_frame_without_the_object(visit: Visit, engine: VanishingEngine) -> None:
    engine.away = (6, 7, 8, 9, 15)
    visit.say(0)
    visit.say(0, 2)
    frames, done = visit.track("forward", pause=True)
    assert (done["stopped"], done["lost"], done["frame"], done["direction"]) == (True, 1, 6, "forward")
    assert 6 in frames and frames[-1] <= 9, "no more than the call that found it"
    frames, done = visit.track(done["direction"], done["frame"], pause=True)
    assert (done["stopped"], done["lost"], done["frame"]) == (True, 1, 15)
    frames, done = visit.track(done["direction"], done["frame"], pause=True)
    assert (done["stopped"], done["lost"], frames[-1:]) == (False, None, [19])


def test_nobody_is_asked_where_pausing_is_not_wished(visit: Visit, engine: VanishingEngine) -> None:
    engine.away = (6,)
    visit.say(0)
    assert visit.track("forward", pause=False)[1]["stopped"] is False


def test_an_object_that_flickers_is_lost_once(visit: Visit, engine: VanishingEngine) -> None:
    engine.away = (4, 6, 8)
    visit.say(0)
    assert visit.track("forward", pause=True)[1]["frame"] == 4
    assert visit.track("forward", 4, pause=True)[1]["stopped"] is False


def test_a_run_that_was_stopped_says_what_is_left(clip: bytes) -> None:
    engine = GatedEngine()
    with opened(engine, clip) as visit:
        page = visit.page
        visit.say(17)
        page.say("track", run=7, direction="both", frame=17)
        assert engine.entered.acquire(timeout=DEADLINE)
        for _ in range(2):  # two calls on the way forward; the first on the way back waits at the gate
            engine.gate.release()
            assert engine.entered.acquire(timeout=DEADLINE)
        page.say("stop")
        page.say("masks", first=0, last=0)
        page.hear("masks", run=None)
        for _ in range(9):
            engine.gate.release()
        done = page.hear("done", job="track")
        assert (done["stopped"], done["direction"]) == (True, "backward")
        assert done["frame"] < 17
        frames, done = visit.track(done["direction"], done["frame"])
        assert (frames[-1], done["stopped"]) == (0, False)


def test_a_click_during_an_update_changes_what_is_updated(clip: bytes) -> None:
    engine = GatedEngine()
    with opened(engine, clip) as visit:
        page = visit.page
        for _ in range(40):
            engine.gate.release()
        visit.say(0)
        visit.track("forward")
        while engine.gate.acquire(blocking=False):
            pass
        while engine.entered.acquire(blocking=False):
            pass
        visit.say(10)
        page.say("track", run=7, direction="update", frame=0)
        assert engine.entered.acquire(timeout=DEADLINE)
        visit.say(4, 1, OTHER_CLICK)
        for _ in range(40):
            engine.gate.release()
        page.hear("done", job="track")
        assert visit.hear_stale() == {}


def test_tracking_is_taken_back(visit: Visit) -> None:
    visit.say(0)
    visit.track("forward")
    visit.page.say("untrack", seq=99, frames=[5, 19], objects=[1])
    visit.page.hear("untracked", seq=99)
    assert visit.hear_stale() == {}
    visit.page.say("masks", first=0, last=19)
    assert [len(visit.page.hear("masks")["objects"]) for _ in range(FRAMES)] == [1] * 5 + [0] * 15
    assert visit.track("forward")[0] == [*range(5, 20)]


def test_a_wish_that_is_repeated_takes_back_one_run_alone(visit: Visit) -> None:
    visit.say(0)
    visit.track("forward")
    visit.say(10, 1, OTHER_CLICK)
    visit.track("update")
    for _ in range(2):  # the answer to the first was lost with the connection
        visit.page.say("untrack", seq=99, frames=[11, 19], objects=[1])
        visit.page.hear("untracked", seq=99)
    visit.page.say("masks", first=11, last=19)
    assert [len(visit.page.hear("masks")["objects"]) for _ in range(9)] == [1] * 9
