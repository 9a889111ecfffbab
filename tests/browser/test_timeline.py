"""The timeline of a clip: what is drawn on the rail, and what mouse, fingers and keys do there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sam2_core.types import Mask, ObjectMask, Prompt
from tests.browser.desk import Desk, Fingers, straight
from tests.fakes import FakeEngine
from tests.media.numbered import make_clip
from tests.ui.house import launched
from ui.app import Server

pytestmark = pytest.mark.browser

FRAMES = 30
HALF_THUMB = 7  # the rail keeps this free at both ends
ORANGE, QUIET = [230, 159, 0], [223, 223, 229]  # object 1, a lane without anything
LOST, POOR, WHOLE = range(12, 15), range(20, 23), range(26, 27)
PIXEL = """([name, x, y]) => {
  const canvas = document.querySelector(name), scale = canvas.width / canvas.clientWidth;
  return [...canvas.getContext('2d').getImageData(Math.round(x * scale), Math.floor(y * scale), 1, 1).data];
}"""
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


class OddEngine(FakeEngine):
    """Loses object 1, is unsure of it, and covers the whole frame with it, each for a while."""

    def find(self, size: tuple[int, int], frame: int, object_id: int, nearest: Prompt) -> ObjectMask:
        found = super().find(size, frame, object_id, nearest)
        if object_id != 1:
            return found
        if frame in LOST:
            return replace(found, mask=Mask.from_array(np.zeros(size, bool)), object_score=-4.0)
        if frame in POOR:
            return replace(found, predicted_iou=0.3 if frame == POOR[1] else 0.35)
        return replace(found, mask=Mask.from_array(np.ones(size, bool))) if frame in WHOLE else found


@pytest.fixture(scope="module")
def odd(chromium: Any) -> Iterator[str]:
    with launched(OddEngine()) as (_, address):
        yield address


@pytest.fixture(scope="session")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clips") / "long.mp4", frames=600, size=(48, 64))


def place_of(desk: Desk, frame: float, first: int = 0, last: int = FRAMES - 1) -> float:
    """Where a frame lies on the rail, in CSS pixels."""
    width = desk.page.locator(".mk-tracks").bounding_box()["width"]
    return HALF_THUMB + (frame - first) / (last - first) * (width - 2 * HALF_THUMB)


def pixel(desk: Desk, part: str, frame: float, y: float) -> list[int]:
    return list(desk.page.evaluate(PIXEL, [f".mk-{part}", place_of(desk, frame), y]))


def expect_pixel(desk: Desk, part: str, frame: float, y: float, test: str) -> None:
    """Wait until a pixel [r, g, b, a] passes a test written in JavaScript about `p`."""
    wait = f"place => {{ const p = ({PIXEL})(place); return {test}; }}"
    desk.page.wait_for_function(wait, arg=[f".mk-{part}", place_of(desk, frame), y])


def screen_place(desk: Desk, part: str, frame: float) -> tuple[float, float]:
    tracks, box = (desk.page.locator(name).bounding_box() for name in (".mk-tracks", f".mk-{part}"))
    return tracks["x"] + place_of(desk, frame), box["y"] + box["height"] / 2


def click_and_track(desk: Desk, clip: Path) -> None:
    """Object 1 clicked on the first frame and tracked to the last, with the first frame shown again."""
    desk.open(clip)
    desk.click(0.3, 0.8)
    desk.expect_mask(0.28, 0.76)
    desk.page.click(".mk-pausing")
    desk.page.click("[data-direction=forward]")
    desk.expect_frame(FRAMES)
    desk.page.wait_for_selector(".mk-track:visible")
    desk.press("Home")
    desk.expect_frame(1)


def expect_range(desk: Desk, first: int, last: int) -> None:
    desk.page.wait_for_selector(f".mk-in[aria-valuenow='{first}']", state="attached")
    desk.page.wait_for_selector(f".mk-out[aria-valuenow='{last}']", state="attached")


def test_small_pictures_of_the_clip_fill_the_rail(
    visit: Callable[..., Desk], server: tuple[Server, str], clip: Path
) -> None:
    desk = visit(server[1])
    asked: list[str] = []
    desk.page.on("request", lambda request: asked.append(request.url) if "height=" in request.url else None)
    with desk.page.expect_response(lambda answer: "height=72" in answer.url) as first:
        desk.open(clip)
    assert first.value.headers["content-type"] == "image/jpeg"
    assert "private" in first.value.headers["cache-control"]
    for frame in (1, 15, 28):
        expect_pixel(desk, "thumbnails", frame, 4, "p[3] === 255 && (p[0] > 150 || p[2] > 150) && p[1] < 90")
    width, height = (desk.page.locator(".mk-thumbnails").bounding_box()[side] for side in ("width", "height"))
    places = round((width - 2 * HALF_THUMB) / (height * 320 / 180))
    arrived = "performance.getEntriesByType('resource').filter(each => each.name.includes('height=72')).length"
    desk.page.wait_for_function(f"{arrived} >= {places}")
    numbers = [int(url.split("frames/")[1].split("?")[0]) for url in asked]
    assert len(numbers) == len(set(numbers)) == places
    assert numbers == sorted(numbers)
    assert set(numbers) <= set(range(FRAMES))
    desk.press("ArrowRight", "End")
    desk.expect_frame(FRAMES)
    assert len(asked) == len(numbers), "once is enough"


def test_lanes_show_what_is_tracked_absent_and_unknown(odd: str, visit: Callable[..., Desk], clip: Path) -> None:
    desk = visit(odd)
    desk.open(clip)
    desk.expect(".mk-lanes-empty").to_be_visible()
    desk.click(0.3, 0.8)
    expect_pixel(desk, "lanes", 0, 24, "p[3] === 255")
    desk.expect(".mk-lanes-empty").to_be_hidden()
    height = desk.page.locator(".mk-tracks").bounding_box()["height"]
    assert pixel(desk, "lanes", 10, 24) == [*QUIET, 255], "nothing is known yet"
    desk.page.click(".mk-pausing")
    desk.page.click("[data-direction=forward]")
    desk.page.wait_for_selector(".mk-track:visible")
    desk.press("n")
    desk.click(0.6, 0.8)
    desk.expect_objects(2)
    expect_pixel(desk, "lanes", 10, 16, "p[3] > 0 && p[3] < 255")
    strong, weak = pixel(desk, "lanes", FRAMES - 1, 32), pixel(desk, "lanes", 10, 16)
    assert weak[0] > weak[2] + 100, "tracked, and not the active object"
    assert strong[3] == 255 > weak[3]
    desk.press("1")
    expect_pixel(desk, "lanes", 10, 16, "p[3] === 255")
    assert pixel(desk, "lanes", LOST[1], 15)[:3] == ORANGE, "a thin line where it is absent"
    assert pixel(desk, "lanes", LOST[1], 12) == [*QUIET, 255]
    assert desk.page.locator(".mk-tracks").bounding_box()["height"] == height, "nothing jumps"


def test_masks_that_are_out_of_date_are_hatched(odd: str, visit: Callable[..., Desk], clip: Path) -> None:
    desk = visit(odd)
    desk.open(clip)
    for frame in (0, 3, 9):
        desk.page.locator(".mk-scrub").fill(str(frame))
        desk.expect_frame(frame + 1)
        desk.click(0.3, 0.8)
        desk.expect_mask(0.28, 0.76)
    desk.page.click(".mk-pausing")
    desk.page.click(".mk-main-action[data-action=track]")
    desk.page.wait_for_selector(".mk-track:visible")
    desk.page.locator(".mk-scrub").fill("6")
    desk.expect_frame(7)
    desk.click(0.6, 0.8)
    desk.page.wait_for_selector(".mk-main-action[data-action=update]:has-text('Update 4 frames')")

    def colors(frames: np.ndarray[Any, Any]) -> set[bool]:
        return {bool(np.allclose(pixel(desk, "lanes", frame, 22)[:3], ORANGE, atol=10)) for frame in frames}

    assert colors(np.linspace(4, 5, 25)) == {True, False}
    assert colors(np.linspace(10, 11, 12)) == {True}
    desk.page.mouse.move(*screen_place(desk, "lanes", 5))
    desk.page.wait_for_selector(".mk-timeline-tooltip:has-text('out of date')")


def test_the_quality_strip_rises_where_a_mask_looks_wrong(odd: str, visit: Callable[..., Desk], clip: Path) -> None:
    desk = visit(odd)
    click_and_track(desk, clip)
    top = {frame: pixel(desk, "quality-strip", frame, 1) for frame in (1, 8, LOST[0], WHOLE[0], 28)}
    assert [frame for frame, each in top.items() if each[3]] == [LOST[0], WHOLE[0]]
    assert pixel(desk, "quality-strip", 8, 14)[3] == 255, "a calm line where all is well"
    calm, doubtful, wrong = (pixel(desk, "quality-strip", frame, 14)[:3] for frame in (8, POOR[1], WHOLE[0]))
    assert calm[2] > calm[0], "blue"
    assert doubtful[0] > doubtful[2] + 100, "orange"
    light = [sum(each) for each in (calm, doubtful, wrong)]
    assert light[0] > light[1] > light[2], "told apart without seeing hues"
    for frame, words in (
        (LOST[0], "lost"),
        (POOR[1], "the network is unsure of this mask"),
        (WHOLE[0], "covers the frame"),
    ):
        desk.page.mouse.move(*screen_place(desk, "quality-strip", frame))
        desk.page.wait_for_selector(
            f".mk-timeline-tooltip:has-text('Frame {frame + 1} ·'):has-text('{words}'):has-text('Object 1')"
        )
    desk.page.mouse.move(*screen_place(desk, "viewport", 3))
    desk.page.wait_for_selector(".mk-timeline-tooltip", state="hidden")


def test_keys_go_from_one_suspicious_frame_to_the_next(odd: str, visit: Callable[..., Desk], clip: Path) -> None:
    desk = visit(odd)
    desk.open(clip)
    desk.press("g")
    desk.expect_toast("Nothing to review yet")
    click_and_track(desk, clip)
    main = desk.page.locator(".mk-main-action")
    desk.expect(main).to_have_text("3 places to check")
    main.click()
    desk.expect_frame(LOST[0] + 1)
    desk.expect(main).to_have_text("2 places to check")
    desk.expect(".mk-check-count").to_have_text("2")
    desk.page.click("#mk-tab-review")
    desk.expect(".mk-place").to_have_count(3)
    desk.page.click(".mk-place.mk-is-seen")
    desk.expect_frame(LOST[0] + 1)
    desk.page.click("#mk-tab-objects")
    desk.page.focus(".mk-over")
    desk.page.wait_for_selector(f".mk-tip:has-text('Frame {LOST[0] + 1}: lost')")
    desk.press("Home")
    for key, frame, words in (
        ("g", LOST[0], "lost"),
        ("g", POOR[1], "the network is unsure of this mask"),
        ("g", WHOLE[0], "covers the frame"),
        ("Shift+G", POOR[1], "the network is unsure of this mask"),
        ("Shift+G", LOST[0], "lost"),
        ("Shift+G", WHOLE[0], "covers the frame"),
    ):
        desk.press(key)
        desk.expect_frame(frame + 1)
        desk.page.wait_for_selector(f".mk-tip:has-text('Frame {frame + 1}: {words}')")
        desk.expect(".mk-live").to_have_text(f"Frame {frame + 1}: {words} (Object 1)")
        assert words in (desk.page.get_attribute(".mk-scrub", "aria-valuetext") or "")
    desk.expect(main).to_have_text("Done")
    desk.press("ArrowLeft")
    desk.page.wait_for_selector(".mk-tip", state="hidden")
    desk.page.click(".mk-suspicious")
    desk.expect_frame(WHOLE[0] + 1)
    desk.press("n")
    desk.click(0.6, 0.8)
    desk.expect_mask(0.58, 0.76)
    desk.press("g")
    desk.expect_frame(LOST[0] + 1)
    desk.page.wait_for_selector(".mk-object.mk-active .mk-name")
    desk.expect(".mk-object.mk-active .mk-name").to_have_value("Object 1")  # the active one looks right everywhere


def test_where_nothing_looks_wrong_it_is_said_what_was_checked(desk: Desk, clip: Path) -> None:
    click_and_track(desk, clip)
    desk.press("g")
    desk.expect_toast(f"The checks found nothing on {FRAMES - 1} frames. They can miss a mistake")
    desk.expect_frame(1)


def test_frames_that_are_not_tracked_are_not_called_good(desk: Desk, clip: Path) -> None:
    desk.open(clip)
    desk.click(0.3, 0.8)
    desk.expect_mask(0.28, 0.76)
    desk.press("g")
    desk.expect_toast(f"Nothing was checked. Not looked at: not tracked: {FRAMES - 1} frames.")


def test_the_mouse_jumps_scrubs_and_meets_diamonds(desk: Desk, clip: Path) -> None:
    desk.open(clip)
    for part, frame in (("thumbnails", 20), ("quality-strip", 3)):
        desk.page.mouse.click(*screen_place(desk, part, frame))
        desk.expect_frame(frame + 1)
    desk.click(0.3, 0.8)
    desk.expect_mask(0.28, 0.76)
    desk.press("n", "End")
    desk.expect_frame(FRAMES)
    desk.click(0.6, 0.8)
    desk.expect_mask(0.58, 0.76)
    desk.page.mouse.move(*screen_place(desk, "thumbnails", 12))
    desk.page.mouse.down()
    desk.expect_frame(13)
    desk.page.mouse.move(*screen_place(desk, "thumbnails", 18), steps=4)
    desk.expect_frame(19)
    desk.page.mouse.up()
    desk.page.mouse.move(*screen_place(desk, "thumbnails", 25))
    desk.page.wait_for_selector(".mk-timeline-tooltip:has-text('Frame 26 · 0:00.83')")
    desk.expect_frame(19)
    x, y = screen_place(desk, "lanes-view", 3)
    desk.page.mouse.click(x + 6, y - 8)
    desk.expect_frame(4)
    desk.expect(".mk-object.mk-active .mk-name").to_have_value("Object 1")  # a diamond belongs to an object
    desk.page.mouse.click(x + 26, y - 8)
    desk.expect_frame(5)


def test_steps_of_ten_and_a_typed_number(desk: Desk, clip: Path) -> None:
    desk.open(clip)
    desk.page.click(".mk-on-ten")
    desk.page.click(".mk-on-ten")
    desk.expect_frame(21)
    desk.page.click(".mk-back-ten")
    desk.expect_frame(11)
    desk.page.click(".mk-frame-go")
    desk.page.keyboard.type("27")
    desk.press("Enter")
    desk.expect_frame(27)
    desk.expect(".mk-frame-entry").to_be_hidden()
    desk.page.click(".mk-frame-go")
    desk.page.keyboard.type("5")
    desk.press("Escape")
    desk.expect_frame(27)
    desk.page.click(".mk-frame-go")
    desk.page.keyboard.type("soon")
    desk.press("Enter")
    desk.expect_toast("Type a number from 1 to 30")
    desk.page.keyboard.type("999")
    desk.press("Enter")
    desk.expect_frame(30)


def test_keys_and_buttons_set_the_range_which_is_played_to_its_end(desk: Desk, clip: Path) -> None:
    desk.open(clip)
    expect_range(desk, 1, FRAMES)
    desk.page.locator(".mk-scrub").fill("8")
    desk.press("i")
    expect_range(desk, 9, FRAMES)
    desk.press("ArrowRight", "ArrowRight", "ArrowRight", "o")
    expect_range(desk, 9, 12)
    desk.expect(".mk-live").to_contain_text("Range: frames 9 to 12")
    tracks, dimmed = (desk.page.locator(name).bounding_box() for name in (".mk-tracks", ".mk-before-in"))
    edge = (place_of(desk, 7) + place_of(desk, 8)) / 2
    assert dimmed["width"] == pytest.approx(edge, abs=1.5)
    assert dimmed["height"] == tracks["height"]
    desk.press("End", "Space")
    desk.page.wait_for_selector(".mk-play[aria-label=Play]")
    desk.expect_frame(12)
    desk.press("Home", "o")
    expect_range(desk, 1, 1)
    desk.press("ArrowRight", "i")
    expect_range(desk, 2, FRAMES)
    desk.press("Shift+I")
    expect_range(desk, 1, FRAMES)
    assert desk.page.locator(".mk-before-in").bounding_box()["width"] == 0
    desk.page.click(".mk-set-in")
    expect_range(desk, 2, FRAMES)
    desk.page.click(".mk-next")
    desk.page.click(".mk-set-out")
    expect_range(desk, 2, 3)
    desk.page.click(".mk-clear-range")
    expect_range(desk, 1, FRAMES)
    desk.expect(".mk-clear-range").to_be_disabled()


def test_handles_of_the_range_are_dragged_and_take_keys(desk: Desk, clip: Path) -> None:
    desk.open(clip)
    step = place_of(desk, 1) - place_of(desk, 0)
    for name, frames in (("in", 6), ("out", -9)):
        box = desk.page.locator(f".mk-{name}").bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        desk.page.mouse.move(x, y)
        desk.page.mouse.down()
        desk.page.mouse.move(x + frames * step, y, steps=6)
        desk.page.mouse.up()
    expect_range(desk, 7, 21)
    desk.expect_frame(21)
    desk.page.focus(".mk-out")
    desk.press("ArrowLeft", "Shift+ArrowLeft")
    expect_range(desk, 7, 10)
    desk.expect_frame(10)
    desk.press("Home")
    expect_range(desk, 7, 7)
    desk.page.focus(".mk-in")
    desk.press("Home")
    expect_range(desk, 1, 7)
    desk.expect(".mk-out").to_have_attribute("aria-valuetext", "frame 7 of 30")
    desk.open(clip)
    expect_range(desk, 1, FRAMES)


def test_one_frame_of_a_long_clip_is_clickable(desk: Desk, long_clip: Path) -> None:
    asked: list[str] = []
    desk.page.on("request", lambda request: asked.append(request.url) if "height=72" in request.url else None)
    desk.open(long_clip)
    desk.page.locator(".mk-scrub").fill("300")
    desk.expect_frame(301)
    desk.expect(".mk-timeline-out").to_be_disabled()
    for _ in range(3):
        desk.page.click(".mk-timeline-in")
    x, y = screen_place(desk, "thumbnails", 0)
    center = desk.page.locator(".mk-playhead").bounding_box()["x"] + 1
    wide = (place_of(desk, FRAMES - 1) - place_of(desk, 0)) / 74  # an eighth of 600 frames
    desk.page.mouse.click(center + 5 * wide, y)
    desk.expect_frame(306)
    desk.page.mouse.move(x + 100, y)
    desk.page.keyboard.down("Control")
    desk.page.mouse.wheel(0, 4000)
    desk.page.keyboard.up("Control")
    desk.page.wait_for_selector(".mk-timeline-out:disabled", state="attached")
    desk.page.mouse.click(*screen_place(desk, "thumbnails", FRAMES - 1))
    desk.expect_frame(600)
    for _ in range(9):
        desk.page.dispatch_event(".mk-timeline-in", "click")  # which a button that has had enough passes over
    desk.press("Home")
    desk.expect_frame(1)
    first = desk.page.locator(".mk-playhead").bounding_box()["x"] + 1
    assert first == pytest.approx(screen_place(desk, "thumbnails", 0)[0], abs=1.5), (
        "whoever leaves the sight is followed"
    )
    desk.page.mouse.move(x + 100, y)
    desk.page.keyboard.down("Shift")
    desk.page.mouse.wheel(0, 200)
    desk.page.keyboard.up("Shift")
    desk.page.wait_for_selector(".mk-playhead", state="hidden")
    expect_pixel(desk, "thumbnails", 15, 4, "p[3] === 255")
    assert len(asked) == len(set(asked)) <= 120, "far fewer than frames, and none twice"


def test_many_objects_scroll_and_the_active_one_stays_in_sight(desk: Desk, clip: Path) -> None:
    desk.open(clip)
    for number in range(12):
        desk.click(0.05 + 0.075 * number, 0.8)
        desk.expect_objects(number + 1)
        desk.press("n")
    desk.page.wait_for_function("document.querySelector('.mk-lanes-view').scrollTop > 20")
    desk.page.wait_for_selector(".mk-lanes-view.mk-more-above")
    desk.press("1")
    desk.page.wait_for_function("document.querySelector('.mk-lanes-view').scrollTop === 0")
    desk.page.wait_for_selector(".mk-lanes-view.mk-more-below")
    assert pixel(desk, "lanes", 10, 2)[3] == 255, "lanes have become thin"
    assert pixel(desk, "lanes", 10, 8)[3] < 255


def test_a_clip_of_changing_rate_plays_each_frame_when_it_is_due(desk: Desk, tmp_path: Path) -> None:
    """A slow middle: played at the mean rate, its frames would come too early."""
    filters = "setpts='if(lt(N,8),N/30,if(lt(N,12),8/30+(N-8)/5,8/30+4/5+(N-12)/30))/TB'"
    desk.open(make_clip(tmp_path / "odd.mp4", frames=20, filters=filters))
    due = [n / 30 if n < 8 else 8 / 30 + (n - 8) / 5 if n < 12 else 8 / 30 + 4 / 5 + (n - 12) / 30 for n in range(20)]
    desk.page.evaluate("""() => {
      window.seen = [];
      const number = document.querySelector('.mk-frame-number');
      new MutationObserver(() => window.seen.push([Number(number.textContent), performance.now()]))
        .observe(number, { childList: true });
      window.began = performance.now();
      document.querySelector('.mk-play').click();
    }""")
    desk.expect_frame(20)
    desk.page.wait_for_selector(".mk-play[aria-label=Play]")
    seen, began = desk.page.evaluate("[window.seen, window.began]")
    assert [frame for frame, _ in seen] == sorted(frame for frame, _ in seen)
    assert all((when - began) / 1000 >= due[frame - 1] - 0.01 for frame, when in seen)


def test_fingers_drag_the_rail_and_the_handles(
    visit: Callable[..., Desk], server: tuple[Server, str], clip: Path
) -> None:
    desk = visit(server[1], **PHONE)
    desk.open(clip)
    fingers = Fingers(desk.page)
    desk.page.locator(".mk-clip").scroll_into_view_if_needed()
    desk.page.touchscreen.tap(*screen_place(desk, "quality-strip", 9))
    desk.expect_frame(10)
    fingers.drag(straight(screen_place(desk, "thumbnails", 5), screen_place(desk, "thumbnails", 22), steps=4))
    desk.expect_frame(23)
    for name, frame, wanted in (("in", 8, (9, FRAMES)), ("out", 19, (9, 20))):
        box = desk.page.locator(f".mk-{name}").bounding_box()
        assert min(box["width"], box["height"]) >= 44
        grip = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        edge = 0 if name == "in" else FRAMES - 1
        fingers.drag(straight(grip, (grip[0] + place_of(desk, frame) - place_of(desk, edge), grip[1]), steps=4))
        expect_range(desk, *wanted)
    assert desk.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for name in ("suspicious", "set-in", "set-out", "clear-range", "back-ten", "on-ten", "frame-go"):
        box = desk.page.locator(f".mk-{name}").bounding_box()
        assert box["height"] >= 40, name
        assert box["x"] >= 0, name
        assert box["x"] + box["width"] <= 390, name


def test_a_clip_is_heard_while_it_plays(desk: Desk, clip: Path, tmp_path: Path) -> None:
    desk.page.add_init_script(
        """const make = window.Audio;
        window.Audio = function () { return (window.heard = new make()); };"""
    )
    desk.page.reload()
    desk.page.wait_for_selector(".mk-status[data-line=on]")
    desk.open(clip)
    desk.expect(".mk-mute").to_be_hidden()
    desk.open(make_clip(tmp_path / "loud.mp4", frames=30, sound=("-c:a", "aac", "-shortest")))
    desk.expect(".mk-mute").to_be_visible()
    desk.page.click(".mk-play")
    number = "Number(document.querySelector('.mk-frame-number').textContent)"
    together = f"() => !heard.paused && heard.currentTime > 0.3 && Math.abs(heard.currentTime * 30 - {number} + 1) <= 4"
    desk.page.wait_for_function(together)
    desk.page.click(".mk-mute")
    assert desk.page.evaluate("heard.muted")
    desk.page.wait_for_function("heard.paused")  # it ends with the clip
    desk.page.reload()
    desk.page.wait_for_selector(".mk[data-state=work] .mk-mute[aria-label='Sound on']")
    assert desk.page.evaluate("heard.muted"), "remembered"
