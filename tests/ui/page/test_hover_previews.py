"""A cursor over the picture: only its newest place is answered, and it costs nobody anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.media.numbered import make_clip
from tests.ui.house import DEADLINE, GatedEngine, House, Page, open_house, picture_bytes

CLICK = {"points": [[20, 24, 1]]}


def open_picture(house: House, page: Page, token: str) -> None:
    assert house.upload(token, picture_bytes()).status_code == 202
    page.receive("opened")


def hover(page: Page, seq: int, x: float = 20) -> None:
    page.send("preview", seq=seq, frame=0, object=1, prompt={"points": [[x, 24, 1]]})


def test_a_hover_shows_a_mask_and_leaves_no_trace(house: House) -> None:
    token = house.session().token
    with house.page(token) as page:
        open_picture(house, page, token)
        hover(page, 7)
        header, (picture,) = page.receive_all("preview")
        assert (header["seq"], header["frame"], header["version"]) == (7, 0, 1)
        (shape,) = header["objects"]
        assert shape["id"] == 1 and shape["area"] > 0 and "candidates" not in shape
        assert picture.startswith(b"\x89PNG")
        page.send("get_masks", first=0, last=0)
        assert page.receive("masks")["objects"] == []


def test_of_those_that_wait_only_the_newest_is_answered() -> None:
    engine = GatedEngine()
    with open_house(engine) as house:
        token = house.session().token
        with house.page(token) as page:
            open_picture(house, page, token)
            hover(page, 1)
            assert engine.entered.acquire(timeout=DEADLINE)
            for seq in (2, 3, 4):
                hover(page, seq)
            page.send("set_prompt", seq=1, frame=0, object=1, prompt=CLICK)
            page.receive("masks", seq=1)  # a click does not wait for hovers; and all of these have been heard now
            for _ in range(4):
                engine.gate.release()
            assert [page.receive("preview")["seq"] for _ in range(2)] == [1, 4]
            assert engine.calls.count("Preview") == 2


def test_hovers_do_not_eat_the_budget_of_clicks() -> None:
    with open_house(messages_per_second=2) as house:
        token = house.session().token
        with house.page(token) as page:
            open_picture(house, page, token)
            for seq in range(200):
                hover(page, seq)
            page.send("set_prompt", seq=1, frame=0, object=1, prompt=CLICK)
            assert page.receive("masks", seq=1), "an error would have been heard first"


def test_a_hover_in_a_lost_session_is_answered_with_nothing(house: House) -> None:
    """A mere look must not bring the session back, which takes long and veils the page."""
    token = house.session().token
    with house.page(token) as page:
        open_picture(house, page, token)
        hover(page, 1)
        page.receive("preview", seq=1)
        house.engine.sessions.clear()
        hover(page, 2)
        assert page.receive("preview", "progress")["objects"] == []


def test_the_answer_to_a_click_has_three_candidates_and_nothing_else_has(house: House, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", frames=4).read_bytes()
    token = house.session().token
    with house.page(token) as page:
        assert house.upload(token, clip, "clip.mp4").status_code == 202
        page.receive("opened")
        page.send("set_prompt", seq=1, frame=0, object=1, prompt=CLICK)
        header, pictures = page.receive_all("masks", seq=1)
        (found,) = header["objects"]
        assert [each["predicted_iou"] for each in found["candidates"]] == [0.9, 0.8, 0.7]
        assert len(pictures) == 4 and all(picture.startswith(b"\x89PNG") for picture in pictures)
        page.send("set_prompt", seq=2, frame=0, object=1, prompt={**CLICK, "choice": 2})
        (picked,) = page.receive("masks", seq=2)["objects"]
        assert _shape(picked) == _shape(found["candidates"][2])
        page.send("track", run=1, direction="forward", frame=0)
        (tracked,) = page.receive("masks", step=1)["objects"]
        assert _shape(tracked) == _shape(picked)
        assert "candidates" not in tracked
        page.send("set_prompt", seq=3, frame=0, object=1, prompt={"points": [[20, 24, 1], [30, 24, 1]], "choice": 2})
        assert "candidates" not in page.receive("masks", seq=3)["objects"][0]


def _shape(found: dict[str, Any]) -> tuple[Any, ...]:
    return found["area"], found["place"], found["predicted_iou"]


@pytest.mark.parametrize("what", [{"frame": 99}, {"prompt": {"points": [[999, 1, 1]]}}])
def test_a_hover_outside_is_refused(house: House, what: dict[str, Any]) -> None:
    token = house.session().token
    with house.page(token) as page:
        open_picture(house, page, token)
        page.send("preview", **{"seq": 1, "frame": 0, "object": 1, "prompt": CLICK, **what})
        assert len(page.receive("error")["text"]) > 15
