"""Several photos of different sizes in one session."""

from __future__ import annotations

import base64
import json
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.browser.conftest import OpeningGate, come_back_when
from tests.browser.desk import Desk
from tests.ui.house import picture_bytes
from ui.app import Server
from ui.settings import load_settings

pytestmark = pytest.mark.browser

SIZES = {"wide.png": (300, 400), "high.png": (400, 250), "flat.png": (120, 500), "small.png": (60, 60)}
DROP = """([files, target]) => {
  const data = new DataTransfer();
  for (const [name, text, type] of files) {
    data.items.add(new File([Uint8Array.from(atob(text), letter => letter.charCodeAt(0))], name, {type}));
  }
  const drop = new DragEvent('drop', {dataTransfer: data, bubbles: true, cancelable: true});
  document.querySelector(target).dispatchEvent(drop);
}"""


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("photos")
    for name, size in SIZES.items():
        (folder / name).write_bytes(picture_bytes(*size))
    return {name: folder / name for name in SIZES}


class Album:
    """A desk with photos on it, looking at one of them."""

    def __init__(self, desk: Desk, *paths: Path) -> None:
        self.desk = desk
        if paths:
            desk.page.set_input_files(".mk-picker", list(paths))
            self.look_at(next(path.name for path in paths if path.name in SIZES))

    def look_at(self, name: str) -> None:
        """Wait until this photo is the one on the stage."""
        self.desk.page.wait_for_selector(f".mk-photo[aria-current=true]:has-text('{name}')")
        height, width = SIZES[name]
        self.desk.page.wait_for_function(
            """([width, height]) => document.querySelector('.mk-progress-overlay').hidden && (() => {
              const stage = document.querySelector('.mk-base'), pen = stage.getContext('2d');
              const fits = Math.min(stage.width / width, stage.height / height), inset = 4;
              const left = (stage.width - fits * width) / 2, top = (stage.height - fits * height) / 2;
              const colour = (x, y) => pen.getImageData(Math.round(x), Math.round(y), 1, 1).data.join();
              const far = colour(1, 1), near = colour(left + inset, top + inset);
              const beside = left > 8 ? colour(left - inset, stage.height / 2) : colour(stage.width / 2, top - inset);
              return near !== beside && (left < 8 || top > 8 || far === beside);
            })()""",
            arg=[width, height],
        )
        self.desk.size = SIZES[name]

    def names(self) -> list[str]:
        return self.desk.page.locator(".mk-photo-name").all_inner_texts()

    def dots(self, frame: int) -> int:
        return self.desk.page.locator(".mk-photo").nth(frame).locator(".mk-photo-dots i").count()

    def expect_dots(self, *counts: int) -> None:
        script = """counts => counts.join() === [...document.querySelectorAll('.mk-photo-dots')]
          .map(dots => dots.children.length).join()"""
        self.desk.page.wait_for_function(script, arg=list(counts))


def test_each_photo_has_its_masks_at_its_own_pixels(desk: Desk, photos: dict[str, Path]) -> None:
    album = Album(desk, *list(photos.values())[:3])
    assert album.names() == ["wide.png", "high.png", "flat.png"]
    desk.expect(".mk-file-facts").to_have_text("400 × 300 · photo 1 of 3")
    desk.click(0.3, 0.5)
    desk.expect_mask(0.27, 0.46)
    album.expect_dots(1, 0, 0)
    desk.press("PageDown")
    album.look_at("high.png")
    assert desk.pixel(0.27, 0.46)[3] == 0, "masks stay with their photo"
    desk.expect(".mk-active .mk-score").to_have_text("")
    desk.click(0.8, 0.9)
    desk.expect_mask(0.8, 0.87)
    desk.page.click(".mk-later")
    album.look_at("flat.png")
    desk.press("n")
    desk.drag((0.1, 0.2), (0.3, 0.8))
    desk.expect_mask(0.12, 0.25)
    assert desk.pixel(0.33, 0.5)[3] == 0
    blue = desk.pixel(0.2, 0.5)
    assert blue[2] > blue[0], "each object has its own colour"
    album.expect_dots(1, 1, 1)
    desk.expect(".mk-active .mk-score").to_have_text("good")
    with zipfile.ZipFile(desk.download("masks")) as archive:
        found = {name: Image.open(BytesIO(archive.read(name))) for name in archive.namelist()[:-1]}
    sizes = {name: (image.height, image.width) for name, image in found.items()}
    assert sizes == {
        "wide/object_01.png": SIZES["wide.png"],
        "high/object_02.png": SIZES["high.png"],
        "flat/object_03.png": SIZES["flat.png"],
    }
    high, flat = np.asarray(found["high/object_02.png"]), np.asarray(found["flat/object_03.png"])
    assert (high[360, 200], high[100, 60]) == (255, 0)
    assert (flat[60, 100], flat[60, 60], flat[60, 160]) == (255, 255, 0)
    coco = json.loads(desk.download("coco").read_text("utf-8"))
    assert [(each["file_name"], each["height"], each["width"]) for each in coco["images"]] == [
        (name, *size) for name, size in list(SIZES.items())[:3]
    ]
    with zipfile.ZipFile(desk.download("jpg")) as archive:
        assert archive.namelist() == ["wide.jpg", "high.jpg", "flat.jpg"]
        assert Image.open(BytesIO(archive.read("high.jpg"))).size == (250, 400)


def test_objects_are_per_photo_and_classes_have_keys(desk: Desk, photos: dict[str, Path]) -> None:
    album = Album(desk, *list(photos.values())[:3])
    desk.click(0.3, 0.5)
    desk.expect_mask(0.27, 0.46)
    desk.expect(".mk-photos-done").to_have_text("1 of 3 done")
    desk.page.locator(".mk-active .mk-label").fill("cat")
    desk.press("Enter")
    desk.expect(".mk-class").to_have_text("1cat")
    desk.press("PageDown")
    album.look_at("high.png")
    desk.expect("[data-object='1']").to_be_hidden()
    desk.expect(".mk-elsewhere-count").to_have_text("1")
    desk.click(0.5, 0.5)
    desk.expect_mask(0.5, 0.47)
    desk.press("Shift+Digit1")
    desk.expect(".mk-active .mk-label").to_have_value("cat")
    desk.expect(".mk-photos-done").to_have_text("2 of 3 done")
    desk.page.click(".mk-elsewhere-toggle")
    desk.page.click("[data-object='1'] .mk-pick")  # the same thing on this photo, too
    desk.click(0.2, 0.9)
    desk.expect_mask(0.2, 0.87)
    desk.expect(".mk-elsewhere").to_be_hidden()
    desk.press("PageUp")
    album.look_at("wide.png")
    desk.expect(".mk-active").to_have_attribute("data-object", "1")
    desk.expect("[data-object='2']").to_have_class("mk-object mk-is-elsewhere")


def test_strokes_and_the_cross_hair_know_the_size_of_the_photo(desk: Desk, photos: dict[str, Path]) -> None:
    album = Album(desk, photos["flat.png"], photos["high.png"])
    desk.press("b")
    desk.drag((0.1, 0.5), (0.3, 0.5))
    desk.expect_mask(0.2, 0.5)
    desk.press("PageDown")
    album.look_at("high.png")
    desk.drag((0.2, 0.9), (0.6, 0.9))
    desk.expect_mask(0.4, 0.9)
    album.expect_dots(1, 1)
    desk.press("n", "c", "Enter")
    desk.expect_mask(0.5, 0.46)
    with zipfile.ZipFile(desk.download("masks")) as archive:
        masks = {name: np.asarray(Image.open(BytesIO(archive.read(name)))) for name in archive.namelist()[:-1]}
    assert {name: mask.shape for name, mask in masks.items()} == {
        "flat/object_01.png": SIZES["flat.png"],
        "high/object_02.png": SIZES["high.png"],
        "high/object_03.png": SIZES["high.png"],
    }
    assert (masks["high/object_02.png"][360, 100], masks["high/object_02.png"][200, 125]) == (255, 0)
    assert masks["high/object_03.png"][200, 125] == 255


def test_undo_goes_to_the_photo_that_it_is_about(desk: Desk, photos: dict[str, Path]) -> None:
    album = Album(desk, *list(photos.values())[:3])
    desk.click(0.3, 0.5)
    desk.expect_mask(0.27, 0.46)
    desk.page.locator(".mk-photo").nth(2).click()
    album.look_at("flat.png")
    desk.click(0.5, 0.5)
    desk.expect_mask(0.5, 0.46)
    desk.page.locator(".mk-photo").nth(1).click()
    album.look_at("high.png")
    desk.press("Control+z")
    album.look_at("flat.png")
    desk.expect_mask(0.5, 0.46, there=False)
    album.expect_dots(1, 0, 0)
    desk.press("Control+z")
    album.look_at("wide.png")
    desk.expect_mask(0.27, 0.46, there=False)
    desk.press("Control+Shift+z", "Control+Shift+z")
    album.look_at("flat.png")
    desk.expect_mask(0.5, 0.46)
    album.expect_dots(1, 0, 1)
    desk.page.reload()
    album.look_at("flat.png")
    desk.expect_mask(0.5, 0.46)
    album.expect_dots(1, 0, 1)


def test_keys_walk_along_the_photos_and_their_ends_hold(desk: Desk, photos: dict[str, Path]) -> None:
    album = Album(desk, *list(photos.values())[:3])
    desk.expect(".mk-earlier").to_be_disabled()
    desk.press("PageUp")
    album.look_at("wide.png")
    desk.press("PageDown", "PageDown", "PageDown")
    album.look_at("flat.png")
    desk.expect(".mk-later").to_be_disabled()
    desk.expect(".mk-live").to_have_text("Photo 3 of 3, flat.png")
    desk.page.click(".mk-earlier")
    album.look_at("high.png")
    desk.press("Home")
    album.look_at("wide.png")
    desk.page.locator(".mk-photo[aria-current=true]").focus()
    desk.press("ArrowRight")
    album.look_at("high.png")
    assert desk.page.evaluate("document.activeElement.getAttribute('aria-label')") == "Photo 2 of 3, high.png"
    desk.expect(".mk-photo[tabindex='0']").to_have_count(1)  # the row is one stop of the Tab key
    desk.press("t", " ")
    assert desk.page.locator(".mk-toast").count() == 0


def test_a_zoom_ends_with_a_photo_of_another_size(desk: Desk, photos: dict[str, Path]) -> None:
    album = Album(desk, *list(photos.values())[:2])
    left, top = desk.spot(0.3, 0.5)
    box = desk.page.locator(".mk-over").bounding_box()
    desk.page.mouse.move(box["x"] + left, box["y"] + top)
    desk.page.keyboard.down("Control")
    desk.page.mouse.wheel(0, -300)
    desk.page.keyboard.up("Control")
    desk.page.wait_for_selector(".mk-fit:not(:disabled)")
    desk.press("PageDown")
    album.look_at("high.png")
    desk.expect(".mk-fit").to_be_disabled()
    desk.click(0.5, 0.5)
    desk.expect_mask(0.5, 0.47)


def test_photos_are_added_and_the_work_on_the_others_stays(desk: Desk, photos: dict[str, Path]) -> None:
    desk.open(photos["wide.png"])
    desk.click(0.3, 0.5)
    desk.expect_mask(0.27, 0.46)
    desk.page.locator(".mk-name").fill("Cat")
    with desk.page.expect_file_chooser() as chooser:
        desk.page.click(".mk-to-this-one")
    chooser.value.set_files([photos["high.png"]])
    album = Album(desk)
    album.look_at("high.png")
    assert album.names() == ["wide.png", "high.png"]
    album.expect_dots(1, 0)
    desk.click(0.5, 0.5)
    desk.expect_mask(0.5, 0.47)
    with desk.page.expect_file_chooser() as chooser:
        desk.page.click(".mk-photos .mk-add-photos")
    chooser.value.set_files([photos["flat.png"], photos["small.png"]])
    album.look_at("flat.png")
    assert album.names() == list(SIZES)
    album.expect_dots(1, 1, 0, 0)
    desk.expect("[data-object='1'] .mk-name").to_have_value("Cat")
    desk.press("Control+z")
    album.look_at("high.png")
    desk.expect_mask(0.5, 0.47, there=False)
    desk.press("Home")
    album.look_at("wide.png")
    desk.expect_mask(0.27, 0.46)
    with zipfile.ZipFile(desk.download("masks")) as archive:
        assert archive.namelist()[:-1] == ["wide/object_01.png"]


def test_a_damaged_photo_is_named_and_the_others_open(desk: Desk, photos: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(photos["wide.png"].read_bytes()[:80])
    (tmp_path / "empty.png").write_bytes(b"")
    album = Album(desk, tmp_path / "broken.png", photos["wide.png"], tmp_path / "empty.png", photos["high.png"])
    assert album.names() == ["wide.png", "high.png"]
    desk.expect_toast("“broken.png” was left out.")
    desk.expect_toast("“empty.png” was left out. It is empty.")


def test_clips_and_photos_do_not_mix(desk: Desk, photos: dict[str, Path], clip: Path) -> None:
    desk.open(photos["wide.png"])
    desk.page.set_input_files(".mk-picker", [photos["high.png"], clip])
    desk.expect_toast("Open a clip on its own")
    desk.page.set_input_files(".mk-adder", clip)
    assert desk.page.locator(".mk-toast").count() == 1
    desk.open(clip)
    desk.expect(".mk-photos").to_be_hidden()
    desk.expect(".mk-add-photos:visible").to_have_count(0)
    desk.page.set_input_files(".mk-adder", photos["wide.png"])
    desk.expect_toast("photos only")


def test_too_many_photos_are_refused_before_they_are_sent(desk: Desk) -> None:
    sent: list[str] = []
    desk.page.on("request", lambda request: sent.append(request.url))
    most = load_settings().max_pictures
    names = ["".join(chr(97 + int(digit)) for digit in str(number)) for number in range(most + 1)]  # no numbers
    desk.page.evaluate(DROP, [[[f"{name}.png", "AA==", "image/png"] for name in names], "body"])
    desk.expect_toast(f"{most + 1} photos are too many: up to {most} fit together.")
    assert not [address for address in sent if "upload" in address]


@pytest.mark.parametrize("when", ["it opens", "it is open"])
def test_a_reload_while_photos_are_added_keeps_the_work(
    desk: Desk, photos: dict[str, Path], opening_gate: Callable[[], OpeningGate], when: str
) -> None:
    album = Album(desk, photos["wide.png"], photos["high.png"])
    desk.click(0.3, 0.5)
    desk.expect_mask(0.27, 0.46)
    gate = opening_gate()
    desk.page.set_input_files(".mk-adder", [photos["flat.png"]])
    come_back_when(desk, gate, when)
    desk.page.wait_for_selector(".mk-photo-name:has-text('flat.png')")
    assert album.names() == ["wide.png", "high.png", "flat.png"]
    desk.press("Home")
    album.look_at("wide.png")
    desk.expect_mask(0.27, 0.46)
    album.expect_dots(1, 0, 0)


def test_dropped_photos_open_and_on_the_row_they_are_added(desk: Desk, photos: dict[str, Path]) -> None:
    def files(*names: str) -> list[list[str]]:
        return [[name, base64.b64encode(photos[name].read_bytes()).decode(), "image/png"] for name in names]

    desk.page.evaluate(DROP, [files("wide.png", "high.png"), "body"])
    album = Album(desk)
    album.look_at("wide.png")
    desk.page.evaluate(DROP, [files("flat.png"), ".mk-film-strip"])
    album.look_at("flat.png")
    assert album.names() == ["wide.png", "high.png", "flat.png"]


def test_an_upload_of_photos_can_be_given_up(desk: Desk, photos: dict[str, Path], tmp_path: Path) -> None:
    desk.open(photos["wide.png"])
    large = tmp_path / "large.png"
    large.write_bytes(photos["high.png"].read_bytes() + bytes(4_000_000))
    network = desk.context.new_cdp_session(desk.page)
    network.send("Network.enable")
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 400_000}
    network.send("Network.emulateNetworkConditions", slow)
    desk.page.set_input_files(".mk-picker", [photos["high.png"], large, photos["flat.png"]])
    desk.page.wait_for_selector(".mk-progress-title:has-text('3 photos')")
    desk.page.wait_for_selector(".mk-progress-text:has-text('MB of 4.')")
    desk.page.click(".mk-progress-cancel")
    network.send("Network.emulateNetworkConditions", {**slow, "uploadThroughput": -1})
    album = Album(desk, photos["flat.png"], photos["small.png"])
    assert album.names() == ["flat.png", "small.png"]


def test_on_a_phone_the_row_scrolls_and_a_tap_hits_the_right_pixel(
    server: tuple[Server, str], visit: Callable[..., Desk], photos: dict[str, Path]
) -> None:
    desk = visit(server[1], viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    album = Album(desk, *photos.values())
    stage = desk.page.locator(".mk-viewport").bounding_box()
    desk.page.locator(".mk-photo").nth(1).tap()
    album.look_at("high.png")
    left, top = desk.spot(0.3, 0.6)
    desk.page.locator(".mk-over").tap(position={"x": left, "y": top})
    desk.expect_mask(0.3, 0.57)
    album.expect_dots(0, 1, 0, 0)
    assert desk.page.locator(".mk-viewport").bounding_box() == stage, "nothing jumps from photo to photo"
    desk.page.locator(".mk-later").tap()
    album.look_at("flat.png")
    assert desk.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    buttons = desk.page.locator(".mk-photos button:visible:not(.mk-photo)")
    for box in (button.bounding_box() for button in buttons.all()):
        assert min(box["width"], box["height"]) >= 40
