"""A review page from disk, and what comes back from it to the studio."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sam2_core.media import ExportOptions, MaskedMedia, ObjectTraits, Store, ingest, ingest_album, open_store, write
from sam2_core.types import FrameMasks, Mask, ObjectMask
from tests.browser.desk import TIMEOUT, Desk
from tests.browser.test_accessibility import findings
from tests.browser.test_project import wait_until_kept
from tests.media.numbered import read_number
from ui.app import Server

pytestmark = pytest.mark.browser

Visit = Callable[..., Desk]
FRAMES, HEIGHT, WIDTH = 30, 180, 320
BALL, BIRD = ObjectTraits(1, "Ball", "toy", (0, 158, 115)), ObjectTraits(2, "Bird", "", (204, 121, 167))
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
PICTURE = "() => document.querySelector('.picture').toDataURL('image/png').split(',')[1]"


def masks_on(frame: int) -> FrameMasks:
    """The ball above the middle on all frames, the bird beside it from frame 5 on."""
    ball, bird = np.zeros((2, HEIGHT, WIDTH), bool)
    ball[40:80, 60:120], bird[40:80, 200:260] = True, frame >= 5
    found = [ObjectMask(1, Mask.from_array(ball), 0.9 if frame < 20 else 0.4, 5.0)]
    return FrameMasks(frame, 1, (*found, ObjectMask(2, Mask.from_array(bird), 0.8, 3.0 if frame >= 5 else -5.0)))


def material(store: Store, frames: range | None = None) -> MaskedMedia:
    return MaskedMedia(store, lambda wished: [masks_on(frame) for frame in wished], [BALL, BIRD], frames)


@pytest.fixture(scope="module")
def store(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("review")
    ingest(clip, folder / "store")
    with open_store(folder / "store") as opened:
        yield opened


@pytest.fixture(scope="module")
def written(store: Store) -> Path:
    return write(store.folder.parent / "film_review.html", material(store), ExportOptions("review"))


class Reviewer:
    """Somebody with the page, opened from disk and without a network."""

    def __init__(self, chromium: Any, path: Path, **options: Any) -> None:
        self.context = chromium.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        self.context.set_default_timeout(TIMEOUT)
        self.context.set_offline(True)
        self.problems: list[str] = []
        self.requests: list[str] = []
        self.address = path.as_uri()
        self.page: Any = None
        self.open()

    def open(self) -> None:
        self.page = self.context.new_page()
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("console", lambda message: self.problems.append(message.text))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(self.address)
        self.page.wait_for_selector(".picture[data-frame]")

    def expect(self, selector: str) -> Any:
        from playwright.sync_api import expect

        expect.set_options(timeout=TIMEOUT)
        return expect(self.page.locator(selector))

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def spot(self, x: float, y: float) -> tuple[float, float]:
        """A place in pixels of the source as one on the stage, which the picture fits."""
        box = self.page.locator(".picture").bounding_box()
        scale = min(box["width"] / WIDTH, box["height"] / HEIGHT)
        return (box["width"] - scale * WIDTH) / 2 + x * scale, (box["height"] - scale * HEIGHT) / 2 + y * scale

    def click(self, x: float, y: float) -> None:
        left, top = self.spot(x, y)
        self.page.click(".picture", position={"x": left, "y": top})

    def pin(self, x: float, y: float, text: str) -> None:
        self.click(x, y)
        self.page.fill(".editor-text", text)
        self.page.click(".editor-save")
        self.expect(".editor").to_be_hidden()

    def seen(self) -> np.ndarray[Any, Any]:
        """The picture on the stage, (H, W, 4), without what is around it."""
        png = base64.b64decode(self.page.evaluate(PICTURE))
        pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"))
        ratio = pixels.shape[1] / self.page.locator(".picture").bounding_box()["width"]
        (left, top), (right, bottom) = self.spot(0, 0), self.spot(WIDTH, HEIGHT)
        return pixels[round(top * ratio) : round(bottom * ratio), round(left * ratio) : round(right * ratio)]

    def color(self, x: float, y: float) -> list[int]:
        """Of a place in pixels of the source."""
        pixels = self.seen()
        return pixels[int(y / HEIGHT * pixels.shape[0]), int(x / WIDTH * pixels.shape[1])].tolist()

    def expect_frame(self, number: int) -> None:
        self.page.wait_for_selector(f".picture[data-frame='{number}']")

    def send(self) -> Path:
        self.page.click(".send-open")
        with self.page.expect_download() as started:
            self.page.click(".send-download")
        self.page.click(".send-close")
        return Path(started.value.path())


@pytest.fixture
def review(chromium: Any) -> Iterator[Callable[..., Reviewer]]:
    """Open a page; nothing may go wrong in it, and nothing may be asked for but the page itself."""
    opened: list[Reviewer] = []

    def open_page(path: Path, **options: Any) -> Reviewer:
        opened.append(Reviewer(chromium, path, **options))
        return opened[-1]

    yield open_page
    for each in opened:
        each.context.close()
        assert each.problems == []
        assert [url for url in each.requests if not url.startswith(("file:", "data:", "blob:"))] == []


# --- the page ---


def test_each_frame_is_the_right_one(review: Callable[..., Reviewer], written: Path) -> None:
    reviewer = review(written)
    reviewer.press("e", "e", "e", "e")  # the picture as it is
    for keys, frame in (
        ((), 0),
        (("ArrowRight",), 1),
        (("Shift+ArrowRight",), 11),
        (("End",), 29),
        (("ArrowLeft",), 28),
    ):
        reviewer.press(*keys)
        reviewer.expect_frame(frame)
        assert read_number(reviewer.seen()[..., :3]) == frame
        reviewer.expect(".frame-number").to_have_text(str(frame + 1))
    reviewer.page.locator(".scrub").fill("7")
    reviewer.expect_frame(7)
    assert read_number(reviewer.seen()[..., :3]) == 7


def test_it_plays_to_the_end(review: Callable[..., Reviewer], written: Path) -> None:
    reviewer = review(written)
    reviewer.press(" ")
    reviewer.expect(".go-play").to_have_attribute("aria-label", "Pause")
    reviewer.expect_frame(29)
    reviewer.expect(".go-play").to_have_attribute("aria-label", "Play")


def test_effects_and_hidden_objects_change_the_picture(review: Callable[..., Reviewer], written: Path) -> None:
    reviewer = review(written)
    reviewer.press("End")
    reviewer.expect_frame(29)
    reviewer.page.click("[data-effect=off]")
    inside, outside = reviewer.color(90, 50), reviewer.color(20, 50)
    reviewer.page.click("[data-effect=overlay]")
    tinted = reviewer.color(90, 50)
    np.testing.assert_allclose(tinted[:3], (np.array(inside[:3]) + BALL.color) / 2, atol=3)
    assert reviewer.color(20, 50) == outside
    reviewer.page.click("[data-effect=outline]")
    assert reviewer.color(90, 50) == inside
    reviewer.page.click("[data-effect=spotlight]")
    assert reviewer.color(90, 50) == inside
    np.testing.assert_allclose(reviewer.color(20, 50)[:3], 0.3 * np.array(outside[:3]), atol=3)
    reviewer.page.click("[data-effect=cutout]")
    assert reviewer.color(90, 50) == inside
    assert min(reviewer.color(20, 50)[:3]) >= 0xD4 - 1
    reviewer.page.click("[data-effect=overlay]")
    reviewer.page.click(".object[data-object='1'] .swatch")
    assert reviewer.color(90, 50) == inside
    assert reviewer.color(230, 50) != outside
    reviewer.press("1", "2")
    assert reviewer.color(90, 50) == tinted
    reviewer.expect(".object[data-object='2'] .swatch").to_have_attribute("aria-pressed", "true")


def test_what_was_said_comes_back_as_json(review: Callable[..., Reviewer], written: Path) -> None:
    reviewer = review(written)
    reviewer.page.fill(".reviewer-name", "Ann <b>")
    reviewer.press("Tab")
    reviewer.pin(90, 60, "The edge </script> is soft")
    reviewer.page.locator(".picture").focus()
    reviewer.press("End")
    reviewer.expect_frame(29)
    reviewer.pin(10, 150, "What is this?")
    reviewer.page.click(".object[data-object='1'] .approve")
    reviewer.page.click(".object[data-object='2'] .needs-work")
    reviewer.page.keyboard.type("Too large")
    sent = json.loads(reviewer.send().read_text("utf-8"))
    for note in sent["notes"]:
        assert note.pop("at").startswith("20")
    about = json.loads(reviewer.page.locator("#about").text_content())
    first, second = sent.pop("notes")
    assert (first.pop("x"), first.pop("y")) == pytest.approx((90, 60), abs=0.6)
    assert (second.pop("x"), second.pop("y")) == pytest.approx((10, 150), abs=0.6)
    assert first == {"frame": 0, "text": "The edge </script> is soft", "object": 1}
    assert second == {"frame": 29, "text": "What is this?"}
    verdicts = {"1": {"verdict": "approved", "comment": ""}, "2": {"verdict": "needs_work", "comment": "Too large"}}
    said = {"reviewer": "Ann <b>", "verdicts": verdicts, "review": about["review"], "medium": about["medium"]}
    assert sent == {"format": "masklet-review", "version": 1, **said}


def test_notes_are_kept_edited_and_deleted(review: Callable[..., Reviewer], written: Path) -> None:
    reviewer = review(written)
    reviewer.pin(90, 60, "First")
    reviewer.press("ArrowRight")
    reviewer.pin(30, 30, "Second")
    reviewer.page.click(".object[data-object='1'] .approve")
    reviewer.page.close()
    reviewer.open()
    reviewer.expect(".note-text").to_have_text(["First", "Second"])
    reviewer.expect(".object[data-object='1'] .approve").to_have_attribute("aria-pressed", "true")
    reviewer.expect(".pin").to_have_count(1)
    reviewer.page.click(".note-go >> nth=1")
    reviewer.expect_frame(1)
    reviewer.expect(".pin").to_have_attribute("aria-label", "Note 2: Second")
    reviewer.page.click(".pin")
    reviewer.page.fill(".editor-text", "Changed")
    reviewer.press("Control+Enter")
    reviewer.expect(".note-text").to_have_text(["First", "Changed"])
    reviewer.press("Shift+J")
    reviewer.expect_frame(0)
    reviewer.page.click(".note-edit >> nth=0")
    reviewer.page.click(".editor-delete")
    reviewer.expect(".note-text").to_have_text(["Changed"])
    reviewer.page.reload()
    reviewer.expect(".note-text").to_have_text(["Changed"])


def test_pins_stay_at_their_place_when_the_picture_is_enlarged(review: Callable[..., Reviewer], written: Path) -> None:
    reviewer = review(written)
    reviewer.pin(90, 60, "Here")
    left, top = reviewer.spot(90, 60)
    box = reviewer.page.locator(".picture").bounding_box()
    reviewer.page.mouse.move(box["x"] + left, box["y"] + top)
    reviewer.page.mouse.wheel(0, -600)
    reviewer.expect(".zoom-fit").to_be_enabled()
    pin = reviewer.page.locator(".pin").bounding_box()
    assert pin["x"] + pin["width"] / 2 - box["x"] == pytest.approx(left, abs=1.5)
    reviewer.page.mouse.move(box["x"] + left, box["y"] + top + 80)
    reviewer.page.mouse.down()
    reviewer.page.mouse.move(box["x"] + left - 60, box["y"] + top + 80, steps=4)
    reviewer.page.mouse.up()
    reviewer.expect(".editor").to_be_hidden()  # that was no click
    moved = reviewer.page.locator(".pin").bounding_box()
    assert moved["x"] == pytest.approx(pin["x"] - 60, abs=1.5)


def test_a_note_needs_no_mouse(review: Callable[..., Reviewer], written: Path) -> None:
    reviewer = review(written)
    reviewer.press("n")
    reviewer.page.keyboard.type("In the middle")
    reviewer.press("Control+Enter", "ArrowRight")
    reviewer.expect_frame(1)
    reviewer.press("n", "Escape")
    reviewer.expect(".note-text").to_have_text(["In the middle"])
    [note] = json.loads(reviewer.send().read_text("utf-8"))["notes"]
    assert (note["x"], note["y"]) == pytest.approx((WIDTH / 2, HEIGHT / 2), abs=0.6)


def test_chosen_frames_keep_their_numbers(review: Callable[..., Reviewer], store: Store, tmp_path: Path) -> None:
    reviewer = review(write(tmp_path / "few.html", material(store, range(4, 20, 5)), ExportOptions("review")))
    reviewer.expect_frame(4)
    reviewer.press("ArrowRight")
    reviewer.expect_frame(9)
    reviewer.expect(".frame-number").to_have_text("10")
    reviewer.pin(20, 20, "x")
    assert json.loads(reviewer.send().read_text("utf-8"))["notes"][0]["frame"] == 9


def test_photos_are_gone_through_one_by_one(review: Callable[..., Reviewer], picture: Path, tmp_path: Path) -> None:
    ingest_album([picture, picture], tmp_path / "store")
    with open_store(tmp_path / "store") as album:
        nothing = MaskedMedia(album, lambda wished: [FrameMasks(frame, 0, ()) for frame in wished])
        reviewer = review(write(tmp_path / "album.html", nothing, ExportOptions("review")))
    reviewer.expect(".time").to_have_text("photo.png")
    reviewer.expect(".objects-none").to_be_visible()
    reviewer.page.click(".go-next")
    reviewer.expect_frame(1)
    reviewer.expect(".time").to_have_text("photo (2).png")


@pytest.mark.parametrize("screen", [{}, {"color_scheme": "dark"}, PHONE], ids=["light", "dark", "phone"])
def test_the_page_has_no_grave_finding(screen: dict[str, Any], review: Callable[..., Reviewer], written: Path) -> None:
    reviewer = review(written, **screen, bypass_csp=True)  # what looks at the page is a script that it would not run
    assert findings(reviewer) == []
    reviewer.click(90, 60)
    assert findings(reviewer) == []
    reviewer.page.fill(".editor-text", "EffectStack here")
    reviewer.page.click(".editor-save")
    reviewer.page.click(".object[data-object='1'] .approve")
    reviewer.page.click(".object[data-object='2'] .needs-work")
    reviewer.expect(".object[data-object='2'] .comment").to_be_visible()
    assert findings(reviewer) == []
    reviewer.page.click(".send-open")
    assert findings(reviewer) == []
    reviewer.page.click(".send-close")
    reviewer.page.click(".help-open")
    assert findings(reviewer) == []


# --- back in the studio ---


def review_of(clip: Path, **news: Any) -> dict[str, Any]:
    medium = {"kind": "clip", "name": clip.name, "frames": FRAMES, "height": HEIGHT, "width": WIDTH, "fps": 30.0}
    notes = [
        {"frame": 3, "x": 80.0, "y": 90.0, "text": "<img src=x onerror=alert(1)>", "object": 1, "at": "2026-01-01"},
        {"frame": 20, "x": 240.0, "y": 45.0, "text": "Second", "at": "2026-01-01"},
    ]
    said = {"reviewer": "Ann", "verdicts": {"1": {"verdict": "needs_work", "comment": "The edge"}}, "notes": notes}
    return {"format": "masklet-review", "version": 1, "review": "ab" * 8, "medium": medium, **said, **news}


def give(desk: Desk, folder: Path, plain: Any) -> None:
    (folder / "review.json").write_text(json.dumps(plain), "utf-8")
    desk.page.set_input_files(".mk-picker", folder / "review.json")


@pytest.fixture
def reviewed(desk: Desk, clip: Path, tmp_path: Path) -> Desk:
    """A clip with an object, and a review of it."""
    desk.open(clip)
    desk.click(0.25, 0.5)
    desk.expect_mask(0.25, 0.5)
    give(desk, tmp_path, review_of(clip))
    desk.expect(".mk-reviewing").to_be_visible()
    return desk


def expect_pin(desk: Desk, x: float, y: float) -> None:
    desk.page.wait_for_function(
        """([x, y]) => {
          const { e, f } = new DOMMatrix(document.querySelector('.mk-review-note-pin').style.transform);
          return Math.hypot(e - x, f - y) < 3;
        }""",
        arg=list(desk.spot(x / WIDTH, y / HEIGHT)),
    )


def test_a_review_appears_where_it_belongs(reviewed: Desk) -> None:
    reviewed.expect_toast("Ann: 1 needs work, 2 notes.")
    reviewed.expect(".mk-review-note-text").to_have_text(["The edge", "<img src=x onerror=alert(1)>", "Second"])
    reviewed.expect(".mk-flag").to_have_count(2)
    reviewed.expect(".mk-object .mk-verdict").to_have_attribute("aria-label", "Ann: needs work. The edge")
    reviewed.expect(".mk-review-note-pin").to_have_count(0)
    reviewed.page.click(".mk-review-note-go >> nth=1")
    reviewed.expect_frame(4)
    reviewed.expect(".mk-review-note-pin").to_have_text("1")
    expect_pin(reviewed, 80, 90)
    reviewed.expect(".mk-review-note-bubble").to_have_text("<img src=x onerror=alert(1)>")
    reviewed.expect(".mk-review-note img").to_have_count(0)
    reviewed.press("ArrowRight")
    reviewed.expect(".mk-review-note-pin").to_have_count(0)


def test_keys_go_from_note_to_note_and_skip_what_is_done(reviewed: Desk) -> None:
    for key, frame in (("j", 4), ("j", 21), ("j", 4), ("Shift+J", 21)):
        reviewed.press(key)
        reviewed.expect_frame(frame)
    reviewed.page.check(".mk-review-note-done >> nth=1")
    reviewed.expect(".mk-reviewing-count").to_have_text("1 open")
    reviewed.expect(".mk-flag").to_have_count(1)
    for _ in range(2):
        reviewed.press("j")
        reviewed.expect_frame(4)


def test_a_review_outlives_a_reload_and_travels_in_project_files(reviewed: Desk, tmp_path: Path) -> None:
    reviewed.page.check(".mk-review-note-done >> nth=1")
    reviewed.press("j")
    reviewed.expect_frame(4)
    wait_until_kept(reviewed, steps=1)
    reviewed.page.reload()
    reviewed.expect(".mk-reviewing-count").to_have_text("1 open")
    reviewed.expect(".mk-review-note-pin").to_have_text("1")
    with reviewed.page.expect_download() as started:
        reviewed.press("Control+s")
    project = json.loads(Path(started.value.path()).read_text("utf-8"))
    assert [note["done"] for note in project["reviews"][0]["notes"]] == [False, True]
    reviewed.page.click(".mk-reviewing-close")
    reviewed.expect(".mk-reviewing").to_be_hidden()
    reviewed.expect(".mk-review-note-pin").to_have_count(0)
    give(reviewed, tmp_path, project)
    reviewed.expect(".mk-reviewing-count").to_have_text("1 open")
    reviewed.page.click("#mk-tab-objects")
    reviewed.expect(".mk-object .mk-verdict").to_be_visible()


def test_the_same_reviewers_next_word_replaces_the_first(reviewed: Desk, clip: Path, tmp_path: Path) -> None:
    reviewed.page.check(".mk-review-note-done >> nth=0")
    again = review_of(clip)
    again["notes"].append({"frame": 25, "x": 1, "y": 1, "text": "Third", "at": ""})
    again["verdicts"] = {"1": {"verdict": "approved", "comment": ""}}
    give(reviewed, tmp_path, again)
    reviewed.expect(".mk-review-note-number").to_have_count(3)
    reviewed.expect(".mk-reviewing-count").to_have_text("2 open")
    reviewed.expect(".mk-object .mk-verdict").to_have_attribute("data-verdict", "approved")
    give(reviewed, tmp_path, review_of(clip, reviewer="Bob"))
    reviewed.expect(".mk-review-note-number").to_have_count(5)
    reviewed.expect(".mk-object .mk-verdict").to_have_attribute("data-verdict", "needs_work")


@pytest.mark.parametrize(
    ("news", "words"),
    [
        (
            {"medium": {"kind": "clip", "name": "other.mp4", "frames": 9, "height": 8, "width": 8, "fps": 1}},
            "other.mp4",
        ),
        ({"version": 2}, "another version"),
        ({"notes": [{"frame": 30, "x": 1, "y": 1, "text": "x", "at": ""}]}, "damaged"),
        ({"notes": [{"frame": 1, "x": 321, "y": 1, "text": "x", "at": ""}]}, "damaged"),
        ({"notes": [{"frame": 1, "x": 1, "y": 1, "text": "x" * 2001, "at": ""}]}, "damaged"),
        ({"notes": [{"frame": 1, "x": 1, "y": 1, "text": 1, "at": ""}]}, "damaged"),
        ({"verdicts": {"1": {"verdict": "constructor", "comment": ""}}}, "damaged"),
        ({"verdicts": {"__proto__x": {"verdict": "approved", "comment": ""}}}, "damaged"),
        ({"reviewer": None}, "damaged"),
        ({"medium": None}, "damaged"),
    ],
    ids=["medium", "version", "frame", "place", "length", "text", "verdict", "object", "reviewer", "nothing"],
)
def test_what_does_not_fit_is_refused(desk: Desk, clip: Path, tmp_path: Path, news: dict[str, Any], words: str) -> None:
    desk.open(clip)
    give(desk, tmp_path, review_of(clip, **news))
    desk.expect_toast(words)
    desk.expect(".mk-reviewing").to_be_hidden()


def test_a_review_alone_says_what_it_is_about(desk: Desk, clip: Path, tmp_path: Path) -> None:
    give(desk, tmp_path, review_of(clip))
    desk.expect_toast("film.mp4")
    desk.expect(".mk-start").to_be_visible()


def test_another_medium_has_no_review(reviewed: Desk, picture: Path) -> None:
    reviewed.open(picture)
    reviewed.expect(".mk-reviewing").to_be_hidden()
    reviewed.press("j")
    reviewed.expect_toast("no review here")


def test_the_page_and_the_studio_understand_each_other(
    review: Callable[..., Reviewer], visit: Visit, server: tuple[Server, str], store: Store, clip: Path, tmp_path: Path
) -> None:
    reviewer = review(write(tmp_path / "film_review.html", material(store), ExportOptions("review")))
    reviewer.press("End")
    reviewer.expect_frame(29)
    reviewer.pin(200, 100, "There")
    sent = json.loads(reviewer.send().read_text("utf-8"))
    desk = visit(server[1])
    desk.open(clip)
    give(desk, tmp_path, sent)
    desk.expect_toast("The reviewer: 1 note.")
    desk.press("j")
    desk.expect_frame(30)
    desk.expect(".mk-review-note-pin").to_have_text("1")


@pytest.mark.parametrize("screen", [{}, {"color_scheme": "dark"}, PHONE], ids=["light", "dark", "phone"])
def test_the_studio_with_a_review_has_no_grave_finding(
    screen: dict[str, Any], visit: Visit, server: tuple[Server, str], clip: Path, tmp_path: Path
) -> None:
    desk = visit(server[1], **screen)
    desk.open(clip)
    desk.click(0.25, 0.5)
    desk.expect_mask(0.25, 0.5)
    give(desk, tmp_path, review_of(clip))
    desk.page.click(".mk-review-note-go >> nth=1")
    desk.expect(".mk-review-note-bubble").to_be_visible()
    desk.page.wait_for_function(
        "document.getAnimations().every(each => each.effect.getTiming().iterations === Infinity)"
    )
    assert findings(desk) == []
