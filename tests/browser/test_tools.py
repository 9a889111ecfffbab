"""All ways of saying what an object is: mouse, fingers and keys; the fake engine shows a mask as it was given."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sam2_core.types import Mask, Prompt
from tests.browser.desk import Desk, Fingers, straight
from tests.fakes import FakeEngine
from tests.ui.house import launched
from ui.web_files import web_files

pytestmark = pytest.mark.browser

HEIGHT, WIDTH = 300, 400  # of the picture
RUN_LENGTHS = f"./web/{web_files().version}/core/run_lengths.js"


class Studio(Desk):
    """A desk whose fake engine can be asked for the prompts that reached it."""

    engine: FakeEngine
    earlier: frozenset[str]  # sessions of others

    def prompt_of(self, object_id: int = 1, frame: int = 0) -> Prompt:
        sessions = [session for name, session in self.engine.sessions.items() if name not in self.earlier]
        return sessions[-1].prompts.get(object_id, {}).get(frame, Prompt()) if sessions else Prompt()

    def expect_prompt(self, test: Callable[[Prompt], bool], object_id: int = 1, frame: int = 0) -> Prompt:
        for _ in range(300):
            if test(prompt := self.prompt_of(object_id, frame)):
                return prompt
            self.page.wait_for_timeout(50)
        raise AssertionError(f"the server got {prompt.to_json()}")

    def stroke(self, *places: tuple[float, float], button: str = "left") -> None:
        box = self.page.locator(".mk-over").bounding_box()
        spots = [self.spot(*place) for place in places]
        self.page.mouse.move(box["x"] + spots[0][0], box["y"] + spots[0][1])
        self.page.mouse.down(button=button)
        for x, y in spots[1:]:
            self.page.mouse.move(box["x"] + x, box["y"] + y, steps=6)
        self.page.mouse.up(button=button)

    def painted(self, object_id: int = 1, frame: int = 0) -> Any:
        mask = self.expect_prompt(lambda prompt: prompt.mask is not None, object_id, frame).mask
        assert mask is not None
        return mask.to_array()


@pytest.fixture(scope="module")
def house(chromium: Any) -> Iterator[tuple[FakeEngine, str]]:
    engine = FakeEngine()
    with launched(engine) as (_, address):
        yield engine, address


@pytest.fixture
def studio(visit: Callable[..., Desk], house: tuple[FakeEngine, str], picture: Path) -> Studio:
    return enter(visit, house, picture)


def enter(visit: Callable[..., Desk], house: tuple[FakeEngine, str], medium: Path, **options: Any) -> Studio:
    desk = visit(house[1], **options)
    desk.__class__ = Studio
    assert isinstance(desk, Studio)
    desk.engine, desk.earlier = house[0], frozenset(house[0].sessions)
    desk.open(medium)
    return desk


def test_masks_are_written_and_read_as_python_does(studio: Studio) -> None:
    rng = np.random.default_rng(1)
    shapes = [(1, 1), (1, 70), (70, 1), (5, 7), (90, 133)]
    arrays = [rng.random(shape) < share for shape in shapes for share in (0, 0.02, 0.5, 1)]
    arrays.append(np.kron(rng.random((3, 4)) < 0.5, np.ones((200, 300), bool)))  # long runs
    for array in arrays:
        coco = Mask.from_array(array).to_coco()
        runs = np.frombuffer(Mask.from_array(array).runs, "<u4").tolist()
        made, read, listed = studio.page.evaluate(
            """async ([module, coco, runs, packed]) => {
              const { encodeRuns, decodeRuns } = await import(module);
              const [height, width] = coco.size, pixels = Uint8Array.from(packed);
              const same = other => other.every((value, place) => value === pixels[place]);
              return [encodeRuns(pixels, width, height), same(decodeRuns(coco)),
                      same(decodeRuns({ size: coco.size, counts: runs }))];
            }""",
            [RUN_LENGTHS, coco, runs, array.astype(int).ravel().tolist()],
        )
        assert made == coco
        assert read and listed


@pytest.mark.parametrize("counts", ["", "0", "~~~", "oooooooooooo", [1, 2], [-1, 7], [0.5, 5.5], [9]])
def test_what_is_no_mask_is_not_read(studio: Studio, counts: Any) -> None:
    refused = studio.page.evaluate(
        """async ([module, counts]) => {
          const { decodeRuns } = await import(module);
          try { decodeRuns({ size: [2, 3], counts }); return false; } catch { return true; }
        }""",
        [RUN_LENGTHS, counts],
    )
    assert refused


def test_a_point_can_be_moved_and_taken_away(studio: Studio) -> None:
    studio.click(0.3, 0.5)
    studio.expect_mask(0.27, 0.46)
    studio.stroke((0.3, 0.5), (0.7, 0.3))
    studio.expect_mask(0.67, 0.26)
    studio.expect_mask(0.27, 0.46, there=False)
    (point,) = studio.prompt_of().points
    assert (point.x, point.y) == pytest.approx((0.7 * WIDTH, 0.3 * HEIGHT), abs=1)
    studio.click(0.2, 0.7)
    studio.expect_mask(0.17, 0.66)
    studio.page.wait_for_timeout(500)  # later than the second half of a double click
    studio.click(0.2, 0.7)
    studio.expect_mask(0.17, 0.66, there=False)
    studio.expect_mask(0.67, 0.26)
    for place in ((0.17, 0.66), (0.27, 0.46)):
        studio.press("Control+z")
        if place[0] == 0.27:
            studio.press("Control+z")
        studio.expect_mask(*place)


def test_a_double_click_leaves_its_point(studio: Studio) -> None:
    studio.click(0.3, 0.5, click_count=2)
    studio.expect_mask(0.27, 0.46)
    studio.click(0.7, 0.5)
    studio.expect_mask(0.67, 0.46)
    assert len(studio.prompt_of().points) == 2


def test_boxes_are_added_replaced_changed_and_taken_away(studio: Studio) -> None:
    studio.click(0.5, 0.85)
    studio.drag((0.1, 0.1), (0.3, 0.4))
    studio.expect_mask(0.28, 0.38)
    studio.page.keyboard.down("Shift")
    studio.drag((0.6, 0.1), (0.8, 0.4))
    studio.page.keyboard.up("Shift")
    studio.expect_mask(0.62, 0.12)
    studio.expect_mask(0.28, 0.38)
    studio.expect_mask(0.47, 0.81)
    studio.stroke((0.8, 0.4), (0.9, 0.6))  # its corner
    studio.expect_mask(0.88, 0.58)
    studio.stroke((0.9, 0.3), (0.95, 0.3))  # its right edge
    studio.expect_mask(0.94, 0.58)
    studio.click(0.1, 0.1)  # a corner of the first
    studio.expect_mask(0.28, 0.38, there=False)
    studio.expect_mask(0.94, 0.58)
    studio.drag((0.3, 0.2), (0.5, 0.4))
    studio.expect_mask(0.94, 0.58, there=False)
    prompt = studio.expect_prompt(lambda prompt: len(prompt.boxes) == 1)
    assert len(prompt.points) == 1, "points stay"
    studio.press("Control+z")
    studio.expect_mask(0.94, 0.58)


def test_a_scribble_becomes_a_few_points(studio: Studio) -> None:
    studio.press("s")
    studio.stroke((0.2, 0.5), (0.7, 0.5))
    for x in (0.28, 0.45, 0.65):
        studio.expect_mask(x, 0.45)
    prompt = studio.prompt_of()
    assert 3 <= len(prompt.points) <= 6
    assert all(point.positive and abs(point.y - HEIGHT / 2) < 2 for point in prompt.points)
    studio.page.click(".mk-tool-remove")
    studio.stroke((0.2, 0.58), (0.3, 0.58))
    studio.expect_mask(0.25, 0.55, there=False)
    assert not studio.prompt_of().points[-1].positive
    studio.press("Control+z", "Control+z")
    studio.expect_mask(0.45, 0.45, there=False)


def test_a_lasso_adds_a_part_and_takes_one_away(studio: Studio) -> None:
    studio.press("l")
    studio.page.click(".mk-snap")
    studio.stroke((0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8))
    studio.expect_mask(0.22, 0.5)
    painted = studio.painted()
    assert painted[62:238, 82:318].all()
    assert not painted[:58].any() and not painted[242:].any()
    studio.stroke((0.4, 0.4), (0.6, 0.4), (0.6, 0.6), (0.4, 0.6), button="right")
    studio.expect_mask(0.5, 0.5, there=False)
    studio.expect_mask(0.3, 0.5)
    assert not studio.painted()[122:178, 162:238].any()
    studio.press("Control+z")
    studio.expect_mask(0.5, 0.5)
    studio.click(0.9, 0.9)
    studio.page.wait_for_selector(".mk-tip:has-text('around')")


def test_a_lasso_that_snaps_asks_for_what_is_inside(studio: Studio) -> None:
    studio.press("l")
    studio.stroke((0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8))
    prompt = studio.expect_prompt(lambda prompt: bool(prompt.boxes))
    (box,) = prompt.boxes
    assert [box.left, box.top, box.right, box.bottom] == pytest.approx([80, 60, 320, 240], abs=3)
    assert prompt.mask is None and 1 <= len(prompt.points) <= 3
    assert all(point.positive and 100 < point.x < 300 and 80 < point.y < 220 for point in prompt.points)
    studio.stroke((0.4, 0.4), (0.6, 0.4), (0.6, 0.6), (0.4, 0.6), button="right")
    studio.expect_prompt(lambda prompt: not all(point.positive for point in prompt.points))


def rectangle_with_hole(studio: Studio) -> None:
    """A mask from a fifth to four fifths of the picture, with a hole in its middle."""
    studio.press("l")
    studio.page.click(".mk-snap")
    studio.stroke((0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8))
    studio.expect_mask(0.22, 0.5)
    studio.stroke((0.4, 0.4), (0.6, 0.4), (0.6, 0.6), (0.4, 0.6), button="right")
    studio.expect_mask(0.5, 0.5, there=False)


def test_a_mask_is_cleaned_up_and_undone(studio: Studio) -> None:
    studio.expect(".mk-cleanup").to_be_disabled()
    rectangle_with_hole(studio)
    studio.page.click(".mk-cleanup")
    studio.page.click(".mk-cleanup-holes")
    studio.expect_mask(0.5, 0.5)
    assert studio.painted()[122:178, 162:238].all()
    studio.page.click(".mk-cleanup")
    studio.page.click(".mk-cleanup-islands")
    studio.expect_toast("no small islands")
    studio.press("Control+z")
    studio.expect_mask(0.5, 0.5, there=False)


def test_an_outline_is_edited_point_by_point(studio: Studio) -> None:
    studio.press("Shift+P")
    studio.click(0.5, 0.5)
    studio.expect_toast("with another tool first")
    rectangle_with_hole(studio)
    studio.press("Shift+P")
    studio.expect(".mk-tip").to_contain_text("Drag the points")
    studio.stroke((0.8, 0.8), (0.9, 0.9))
    studio.expect_mask(0.85, 0.86)
    studio.stroke((0.5, 0.2), (0.5, 0.08))  # an edge
    studio.expect_mask(0.5, 0.15)
    studio.expect_mask(0.5, 0.5, there=False)
    studio.click(0.5, 0.08, click_count=2)
    studio.expect_mask(0.5, 0.15, there=False)
    studio.press("Control+z")
    studio.expect_mask(0.5, 0.15)
    studio.press("]", "Shift+ArrowUp", "Shift+ArrowUp")
    studio.expect_prompt(lambda prompt: prompt.mask is not None and bool(prompt.mask.to_array()[:57, 78:84].any()))
    studio.press("Delete")
    studio.expect_objects(1)
    studio.expect_mask(0.22, 0.22, there=False)


def test_a_brush_paints_the_mask_itself_and_erases(studio: Studio) -> None:
    studio.click(0.3, 0.5)
    studio.expect_mask(0.27, 0.46)
    studio.press("b")
    assert studio.page.is_visible(".mk-brush") or studio.page.is_visible(".mk-size")
    studio.stroke((0.3, 0.5), (0.9, 0.5))
    studio.expect_mask(0.88, 0.5)
    prompt = studio.expect_prompt(lambda prompt: prompt.mask is not None)
    assert not prompt.points, "the painted mask holds what the points found"
    painted = studio.painted()
    scale = studio.page.locator(".mk-over").bounding_box()["height"] / HEIGHT
    assert painted[:, 300].sum() == pytest.approx(32 / scale, abs=2), "as wide as the brush"
    assert painted[130, 120], "the disc is still there"
    studio.press("e")
    studio.stroke((0.3, 0.5), (0.5, 0.5))
    studio.expect_mask(0.4, 0.5, there=False)
    studio.expect_mask(0.27, 0.42)
    studio.expect_mask(0.88, 0.5)
    studio.press("Control+z")
    studio.expect_mask(0.4, 0.5)
    studio.press("Control+z")
    studio.expect_mask(0.88, 0.5, there=False)
    studio.expect_mask(0.27, 0.46)


def test_fast_strokes_are_all_kept(studio: Studio) -> None:
    studio.press("b")
    for row in (0.2, 0.4, 0.6, 0.8):
        studio.stroke((0.2, row), (0.8, row))
    studio.expect_prompt(lambda prompt: prompt.mask is not None and prompt.mask.to_array()[::60, 200].sum() == 4)
    for row in (0.2, 0.4, 0.6, 0.8):
        studio.expect_mask(0.5, row)
    assert studio.painted()[60, 100:300].all()


def test_the_eraser_needs_a_mask(studio: Studio) -> None:
    studio.press("e")
    studio.stroke((0.2, 0.2), (0.4, 0.2))
    studio.expect_toast("no mask to take away")
    studio.expect_objects(0)


def test_a_stroke_is_seen_while_it_is_drawn_and_the_brush_has_a_size(studio: Studio) -> None:
    studio.press("b")
    box = studio.page.locator(".mk-over").bounding_box()
    (x0, y0), (x1, y1) = studio.spot(0.2, 0.5), studio.spot(0.5, 0.5)
    studio.page.mouse.move(box["x"] + x0, box["y"] + y0)
    circle = studio.page.locator(".mk-brush").bounding_box()
    assert circle["width"] == pytest.approx(32, abs=1)
    assert circle["x"] + circle["width"] / 2 == pytest.approx(box["x"] + x0, abs=2)
    studio.page.mouse.down()
    studio.page.mouse.move(box["x"] + x1, box["y"] + y1, steps=4)
    studio.expect_mask(0.35, 0.5)
    assert not studio.prompt_of().mask, "nothing is sent before the end"
    studio.page.mouse.up()
    studio.expect_prompt(lambda prompt: prompt.mask is not None)
    studio.press("]", "]")
    larger = studio.page.locator(".mk-brush").bounding_box()["width"]
    assert larger > 40
    studio.press("[")
    assert studio.page.locator(".mk-brush").bounding_box()["width"] < larger
    studio.page.locator(".mk-size input").fill("100")
    assert studio.page.locator(".mk-brush").bounding_box()["width"] == pytest.approx(100, abs=1)
    studio.press("p")
    studio.expect(".mk-size").to_be_hidden()


def test_points_refine_a_painted_mask(studio: Studio) -> None:
    studio.press("b")
    studio.stroke((0.2, 0.2), (0.6, 0.2))
    studio.expect_mask(0.5, 0.2)
    studio.press("p")
    studio.click(0.5, 0.7)
    studio.expect_mask(0.47, 0.66)
    studio.expect_mask(0.3, 0.2)
    prompt = studio.prompt_of()
    assert prompt.mask is not None and len(prompt.points) == 1


def test_a_tracked_mask_can_be_kept_and_painted_on(
    visit: Callable[..., Desk], house: tuple[FakeEngine, str], clip: Path
) -> None:
    studio = enter(visit, house, clip)
    studio.click(0.3, 0.8)
    studio.expect_mask(0.28, 0.74)
    studio.press("t")
    studio.expect_frame(30)
    studio.page.wait_for_selector(".mk-track:visible")
    studio.expect_mask(0.28, 0.74)
    studio.press("m")
    painted = studio.painted(frame=29)
    assert painted[144, 96]
    assert painted.sum() < painted.size / 5
    studio.page.wait_for_selector(".mk-use-mask:disabled")
    studio.press("Control+z")
    studio.expect_prompt(lambda prompt: prompt.is_empty, frame=29)
    studio.page.wait_for_selector(".mk-use-mask:enabled")
    studio.press("Home")
    studio.expect_frame(1)
    studio.press("ArrowRight", "b")
    studio.expect_frame(2)
    studio.expect_mask(0.28, 0.74)
    studio.stroke((0.6, 0.8), (0.9, 0.8))
    studio.expect_mask(0.75, 0.8)
    painted = studio.painted(frame=1)
    assert painted[144, 240] and painted[144, 96]


@pytest.mark.parametrize("kind", ["grey", "alpha", "runs", "list", "annotation", "export"])
def test_a_mask_is_imported(studio: Studio, tmp_path: Path, kind: str) -> None:
    pixels = np.zeros((HEIGHT, WIDTH), bool)
    pixels[30:120, 200:380] = True
    studio.page.set_input_files(".mk-mask-picker", write_mask(tmp_path, pixels, kind))
    studio.expect_mask(0.6, 0.2)
    studio.expect_mask(0.3, 0.5, there=False)
    assert np.array_equal(studio.painted(), pixels)
    studio.press("Control+z")
    studio.expect_mask(0.6, 0.2, there=False)


def write_mask(folder: Path, pixels: Any, kind: str) -> Path:
    mask, path = Mask.from_array(pixels), folder / ("mask.png" if kind in ("grey", "alpha") else "mask.json")
    runs = {"size": [HEIGHT, WIDTH], "counts": np.frombuffer(mask.runs, "<u4").tolist()}
    if kind == "grey":
        Image.fromarray(pixels.astype(np.uint8)).save(path)  # ones, as good as black to the eye
    elif kind == "alpha":
        Image.fromarray(np.dstack([np.zeros((*pixels.shape, 3)), pixels * 255]).astype(np.uint8)).save(path)
    elif kind == "annotation":
        path.write_text(json.dumps([{"segmentation": mask.to_coco()}]))
    elif kind == "export":
        path.write_text(json.dumps({"images": [{}], "annotations": [{"segmentation": mask.to_coco()}]}))
    else:
        path.write_text(json.dumps(mask.to_coco() if kind == "runs" else runs))
    return path


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("small.json", json.dumps(Mask.from_array(np.eye(5)).to_coco()), "5 × 5 pixels, the picture 400 × 300"),
        ("empty.json", json.dumps(Mask.from_array(np.zeros((HEIGHT, WIDTH))).to_coco()), "This mask is empty"),
        ("two.json", json.dumps([{}, {}]), "holds 2 masks"),
        ("broken.json", '{"size": [300, 400], "counts": "0"}', "cannot be read as a mask"),
        ("text.json", "no JSON", "cannot be read as a mask"),
        ("text.png", "no picture", "cannot be read as a mask"),
    ],
)
def test_a_wrong_mask_is_explained(studio: Studio, tmp_path: Path, name: str, content: str, words: str) -> None:
    (tmp_path / name).write_text(content)
    studio.page.set_input_files(".mk-mask-picker", tmp_path / name)
    studio.expect_toast(words)
    studio.expect_objects(0)


def test_the_picture_is_zoomed_and_dragged(studio: Studio) -> None:
    studio.drag((0.4, 0.4), (0.6, 0.6))
    studio.expect_mask(0.5, 0.5)
    studio.click(0.02, 0.02, button="middle")  # says nothing
    box = studio.page.locator(".mk-over").bounding_box()
    x, y = studio.spot(0.5, 0.5)
    studio.page.mouse.move(box["x"] + x, box["y"] + y)
    studio.expect_mask(0.3, 0.5, there=False)
    for _ in range(5):
        studio.page.mouse.wheel(0, -120)
    studio.page.wait_for_selector(".mk-fit:enabled")
    studio.expect_mask(0.3, 0.5)
    studio.expect_mask(0.5, 0.5)
    studio.stroke((0.5, 0.5), (0.9, 0.5), button="middle")
    studio.expect_mask(0.3, 0.5, there=False)
    studio.expect_mask(0.9, 0.5)
    studio.page.keyboard.down(" ")
    studio.stroke((0.9, 0.5), (0.5, 0.5))
    studio.page.keyboard.up(" ")
    studio.expect_mask(0.3, 0.5)
    studio.page.keyboard.down("Shift")
    studio.page.mouse.wheel(0, 600)
    studio.page.keyboard.up("Shift")
    studio.expect_mask(0.6, 0.5, there=False)
    assert len(studio.prompt_of().boxes) == 1 and not studio.prompt_of().points
    studio.press("0")
    studio.page.wait_for_selector(".mk-fit:disabled", state="attached")
    studio.expect_mask(0.5, 0.5)


def test_the_space_bar_plays_unless_it_dragged(
    visit: Callable[..., Desk], house: tuple[FakeEngine, str], clip: Path
) -> None:
    studio = enter(visit, house, clip)
    studio.page.keyboard.down(" ")
    studio.stroke((0.4, 0.5), (0.6, 0.5))
    studio.page.keyboard.up(" ")
    studio.expect(".mk-play").to_have_attribute("aria-label", "Play")
    studio.press(" ")
    studio.page.wait_for_selector(".mk-play[aria-label=Pause]")


def test_fingers_tap_and_press_long(visit: Callable[..., Desk], house: tuple[FakeEngine, str], picture: Path) -> None:
    studio = enter(visit, house, picture, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    box = studio.page.locator(".mk-over").bounding_box()
    fingers = Fingers(studio.page)

    def place(across: float, down: float) -> tuple[float, float]:
        x, y = studio.spot(across, down)
        return box["x"] + x, box["y"] + y

    fingers.down(place(0.4, 0.5))
    fingers.up()
    studio.expect_mask(0.37, 0.44)
    fingers.down(place(0.45, 0.6))
    studio.page.wait_for_selector(".mk-ring", state="visible")
    studio.expect_mask(0.48, 0.55, there=False)
    studio.expect(".mk-ring").to_be_hidden()
    fingers.up()
    first, second = studio.prompt_of().points
    assert first.positive and not second.positive
    studio.page.tap("[data-tool=paint]")
    fingers.drag(straight(place(0.1, 0.1), place(0.8, 0.1), steps=7))
    studio.expect_mask(0.6, 0.1)
    studio.expect_mask(0.37, 0.44)
    studio.page.tap(".mk-masks")
    studio.page.wait_for_selector(".mk-masks-menu", state="visible")
    for name in ("masks-menu", "use-mask", "masks", "clear", "tool-choice button"):
        part = studio.page.locator(f".mk-{name}").first.bounding_box()
        assert part["width"] >= 39 and part["height"] >= 38, (name, part)  # nine of them share a row
        assert part["x"] >= 0 and part["x"] + part["width"] <= 390


def test_a_keyboard_is_enough(studio: Studio) -> None:
    studio.page.focus(".mk-over")
    studio.press("c")
    studio.expect(".mk-live").to_contain_text("Cross-hair")
    assert studio.pixel(0.5, 0.5)[3] == 0
    assert studio.page.evaluate(
        """() => { const over = document.querySelector('.mk-over'), pen = over.getContext('2d');
          return pen.getImageData(0, 0, over.width, over.height).data.some(value => value); }"""
    ), "the cross-hair is seen"
    studio.press("Shift+ArrowLeft", "ArrowUp")
    studio.expect(".mk-live").to_contain_text("from the left")
    studio.press("Enter")
    studio.expect_mask(0.46, 0.4)
    (point,) = studio.prompt_of().points
    scale = studio.page.locator(".mk-over").bounding_box()["height"] / HEIGHT
    assert (point.x, point.y) == pytest.approx((WIDTH / 2 - 40 / scale, HEIGHT / 2 - 4 / scale), abs=1)
    studio.press("Shift+ArrowUp", "Shift+Enter")
    studio.expect_mask(0.46, 0.4, there=False)
    assert not studio.prompt_of().points[-1].positive
    studio.press("Escape", "Enter")
    assert len(studio.prompt_of().points) == 2
    studio.press("Control+z")
    studio.expect_mask(0.46, 0.4)


def test_clear_offers_the_frame_the_object_and_everything(
    visit: Callable[..., Desk], house: tuple[FakeEngine, str], clip: Path
) -> None:
    studio = enter(visit, house, clip)
    studio.click(0.3, 0.8)
    studio.expect_mask(0.28, 0.74)
    studio.press("ArrowRight")
    studio.expect_frame(2)
    studio.click(0.3, 0.8)
    studio.expect_mask(0.28, 0.74)
    studio.press("n")
    studio.click(0.7, 0.8)
    studio.expect_mask(0.68, 0.74)
    studio.page.click(".mk-clear")
    studio.press("ArrowDown", "Enter")  # this object
    studio.expect_mask(0.68, 0.74, there=False)
    studio.expect_mask(0.28, 0.74)
    studio.press("Control+z")
    studio.expect_mask(0.68, 0.74)
    studio.page.click(".mk-clear")
    studio.page.click(".mk-clear-frame")
    studio.expect_mask(0.68, 0.74, there=False)
    studio.expect_mask(0.28, 0.74, there=False)
    assert studio.prompt_of(1, 0).points and not studio.prompt_of(1, 1).points
    studio.press("Control+z")
    studio.expect_mask(0.28, 0.74)
    studio.page.click(".mk-clear")
    studio.page.click(".mk-clear-all")
    studio.expect_objects(0)
    studio.press("Control+z")
    studio.expect_objects(2)
