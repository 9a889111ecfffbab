"""ImportedAnnotations of other programs come in through the Project menu, or are dropped, as one step."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sam2_core.serving.commands import Command, SetPrompt
from sam2_core.types import Mask
from tests.browser.desk import Desk
from tests.fakes import FakeEngine
from tests.media.readers.media import packed, png
from tests.ui.house import DEADLINE, launched, picture_bytes

pytestmark = pytest.mark.browser

SIZE = (180, 320)  # height and width of the clip
UPPER, LOWER = (0.2, 0.25), (0.7, 0.75)  # places within the squares


class SlowEngine(FakeEngine):
    """The tenth prompt waits until the test lets it through."""

    def __init__(self) -> None:
        super().__init__()
        self.entered, self.gate = threading.Semaphore(0), threading.Event()

    def execute(self, session: str, command: Command[Any]) -> Any:
        if isinstance(command, SetPrompt) and self.calls.count("SetPrompt") == 9:
            self.entered.release()
            assert self.gate.wait(DEADLINE)
        return super().execute(session, command)


def squares(*numbers: int) -> np.ndarray:
    """Object 1 in the upper left of the picture, object 2 in the lower right."""
    pixels = np.zeros(SIZE, np.uint8)
    for number in numbers:
        (pixels[20:80, 20:110] if number == 1 else pixels[110:160, 190:260])[:] = number
    return pixels


def davis(path: Path, frames: range) -> Path:
    """Object 1 is on all of these frames, object 2 on the first one only."""
    members: dict[str, bytes | str] = {
        f"Annotations/film/{frame:05d}.png": png(squares(1, *([2] if frame == frames[0] else [])), "P")
        for frame in frames
    }
    objects = [{"id": 1, "name": "Ball", "label": "toy"}, {"id": 2, "name": "Object 2", "label": ""}]
    return packed(path, {**members, "manifest.json": json.dumps({"objects": objects})})


def coco(path: Path, *frames: int, size: tuple[int, int] = SIZE) -> Path:
    mask = Mask.from_array(np.resize(squares(1), size)).to_coco()
    images = [{"id": frame, "file_name": "", "frame_index": frame} for frame in frames]
    annotations = [{"image_id": frame, "segmentation": mask, "track_id": 3, "category_id": 1} for frame in frames]
    categories = [{"id": 1, "name": "cat"}]
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}), "utf-8")
    return path


def choose(desk: Desk, path: Path) -> None:
    desk.page.click(".mk-project-open")
    with desk.page.expect_file_chooser() as chooser:
        desk.page.click(".mk-project-import")
    chooser.value.set_files(path)


def accept(desk: Desk) -> None:
    desk.page.click(".mk-import-ok")
    desk.expect(".mk-import-dialog").to_be_hidden()


def drop(desk: Desk, *paths: Path) -> None:
    data = desk.page.evaluate_handle(
        "files => { const data = new DataTransfer();"
        " for (const [name, bytes] of files) data.items.add(new File([new Uint8Array(bytes)], name)); return data; }",
        [[path.name, list(path.read_bytes())] for path in paths],
    )
    desk.page.dispatch_event("body", "drop", {"dataTransfer": data})


def at(desk: Desk, frame: int) -> None:
    """Go to a frame, counted from 0."""
    desk.page.click(".mk-frame-go")
    desk.page.fill(".mk-frame-entry", str(frame + 1))
    desk.press("Enter")
    desk.expect_frame(frame + 1)


def test_a_zip_of_masks_is_one_step(desk: Desk, clip: Path, tmp_path: Path) -> None:
    desk.open(clip)
    desk.click(0.9, 0.2)
    desk.expect_mask(0.9, 0.2)
    choose(desk, davis(tmp_path / "masks.zip", range(4, 35)))
    desk.expect(".mk-import-found").to_have_text("2 objects on 26 of 30 frames: Ball")
    desk.expect(".mk-import-skipped").to_contain_text("5 left out. They are about no frame of this clip.")
    desk.expect(".mk-import-as").to_be_visible()
    desk.expect(".mk-import-ok").to_be_focused()  # Enter is enough
    accept(desk)
    desk.expect_objects(3)
    desk.expect_frame(5)
    desk.expect_mask(*UPPER)
    desk.expect_mask(*LOWER)
    desk.expect(".mk-object:nth-child(2) .mk-name").to_have_value("Ball")
    desk.expect(".mk-object:nth-child(2) .mk-label").to_have_value("toy")
    desk.expect(".mk-object:nth-child(3) .mk-name").to_have_value("Object 3")
    at(desk, 29)
    desk.expect_mask(*UPPER)
    desk.expect_mask(*LOWER, there=False)
    desk.press("Control+z")
    desk.expect_objects(2)  # the next click starts the second one
    desk.expect(".mk-object:nth-child(2) .mk-name").to_have_value("Object 2")
    desk.expect_mask(*UPPER, there=False)
    at(desk, 0)
    desk.expect_mask(0.9, 0.2)
    desk.press("Control+Shift+z")
    desk.expect_objects(3)
    desk.expect(".mk-progress-overlay").to_be_hidden()
    at(desk, 29)
    desk.expect_mask(*UPPER)


def test_a_coco_file_is_dropped_and_comes_as_boxes(desk: Desk, clip: Path, tmp_path: Path) -> None:
    desk.open(clip)
    drop(desk, coco(tmp_path / "annotations.json", 0, 12))
    desk.expect(".mk-import-found").to_have_text("1 object on 2 of 30 frames: cat")
    desk.page.check("[name=mk-import-as][value=boxes]")
    accept(desk)
    desk.expect_objects(1)
    desk.expect_mask(*UPPER)
    at(desk, 6)
    desk.expect_mask(*UPPER, there=False)
    at(desk, 12)
    desk.expect_mask(*UPPER)
    desk.press("Control+z")
    desk.expect_objects(0)
    desk.expect_mask(*UPPER, there=False)


def test_files_of_other_programs_are_read_or_named(desk: Desk, clip: Path, tmp_path: Path) -> None:
    desk.open(clip)
    boxes = "".join(f'<box frame="{frame}" outside="0" xtl="20" ytl="20" xbr="110" ybr="80"></box>' for frame in (0, 2))
    file = tmp_path / "annotations.xml"
    file.write_text(f'<annotations><track label="car">{boxes}</track></annotations>', "utf-8")
    choose(desk, file)
    desk.expect(".mk-import-found").to_have_text("1 object on 3 of 30 frames: car")
    accept(desk)
    desk.expect_objects(1)
    at(desk, 1)
    desk.expect_mask(*UPPER)
    pickled = tmp_path / "masks.pkl"
    pickled.write_bytes(b"\x80\x04.")
    drop(desk, pickled)
    desk.expect_toast("It is not opened, since it could run programs.")
    desk.expect_objects(1)


def test_the_pairs_of_names_are_shown_and_another_pictures_file_is_not_taken(desk: Desk, tmp_path: Path) -> None:
    photo = tmp_path / "street.png"
    photo.write_bytes(picture_bytes(*SIZE))
    desk.open(photo)
    desk.click(0.9, 0.2)
    desk.expect_mask(0.9, 0.2)

    def about(name: str) -> Path:
        path = coco(tmp_path / "about.json", 0)
        plain = json.loads(path.read_text("utf-8"))
        plain["images"] = [{"id": 0, "file_name": name}]
        path.write_text(json.dumps(plain), "utf-8")
        return path

    drop(desk, about("images/a1b2c3d4-street.jpg"))
    desk.expect(".mk-import-matches-summary").to_have_text("1 name in the file is matched to the pictures here")
    desk.page.click(".mk-import-matches-summary")
    desk.expect(".mk-import-matches-list").to_have_text("images/a1b2c3d4-street.jpg→ street.png")
    desk.page.click(".mk-import-cancel")
    drop(desk, about("market.jpg"))
    desk.expect(".mk-import-found").to_contain_text(
        "They are about another picture. Name them as this one, street.png."
    )
    desk.expect(".mk-import-as").to_be_hidden()
    desk.expect_objects(1)
    desk.page.click(".mk-import-ok")
    desk.expect(".mk-import-matches-list").to_have_text("market.jpg→ street.pngguess")
    desk.expect(".mk-import-matches-list").to_be_visible()
    accept(desk)
    desk.expect_objects(2)
    desk.expect_mask(*UPPER)


def test_a_bad_file_costs_nothing(desk: Desk, clip: Path, tmp_path: Path) -> None:
    desk.open(clip)
    desk.click(0.9, 0.2)
    desk.expect_mask(0.9, 0.2)
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"PK\x03\x04 and nothing else")
    choose(desk, broken)
    desk.expect_toast("“broken.zip” was not imported. The ZIP file is damaged")
    drop(desk, coco(tmp_path / "small.json", 0, size=(90, 160)))
    desk.expect_toast("They are 160 × 90 pixels, the picture is 320 × 180.")
    drop(desk, tmp_path / "small.json", broken)
    desk.expect_toast("Several files of annotations go into one ZIP file")
    desk.expect(".mk-progress-overlay").to_be_hidden()
    desk.expect(".mk-import-dialog").to_be_hidden()
    desk.expect_objects(1)
    choose(desk, coco(tmp_path / "good.json", 0))
    desk.page.click(".mk-import-cancel")
    desk.expect(".mk-import-dialog").to_be_hidden()
    desk.expect_objects(1)
    desk.press("Control+z")
    desk.expect_objects(0)


def test_without_a_medium_there_is_nothing_to_annotate(desk: Desk, tmp_path: Path) -> None:
    drop(desk, davis(tmp_path / "masks.zip", range(1)))
    desk.expect_toast("Open the picture or clip first")
    desk.page.click(".mk-project-open")
    desk.expect(".mk-project-import").to_be_hidden()


def test_an_import_that_is_given_up_leaves_nothing(chromium: Any, visit: Any, clip: Path, tmp_path: Path) -> None:
    engine = SlowEngine()
    with launched(engine) as (_, address):
        desk = visit(address)
        desk.open(clip)
        choose(desk, davis(tmp_path / "masks.zip", range(30)))
        desk.page.click(".mk-import-ok")
        desk.expect(".mk-progress-title").to_have_text("Importing annotations")
        assert engine.entered.acquire(timeout=DEADLINE)
        desk.page.click(".mk-progress-cancel")
        desk.expect(".mk-progress-text").to_have_text("Stopping…")
        engine.gate.set()
        desk.expect(".mk-progress-overlay").to_be_hidden()
        desk.expect_objects(0)
        desk.expect_mask(*UPPER, there=False)
        desk.expect(".mk-redo").to_be_disabled()
        desk.click(0.9, 0.2)
        desk.expect_mask(0.9, 0.2)
        [session] = engine.sessions.values()
        assert list(session.objects) == [1]
