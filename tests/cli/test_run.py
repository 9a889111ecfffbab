"""Projects that the page saved are replayed."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sam2_core.media import ingest
from sam2_core.serving.commands import GetMasks
from sam2_core.serving.engine_session import EngineSession
from sam2_core.serving.project import project_of
from tests.cli.conftest import FRAMES, HEIGHT, WIDTH
from tests.cli.runner import CommandRunner, masks_in
from tests.fakes import FakeEngine
from tests.media.numbered import make_clip, numbered_image

MEDIUM = {"kind": "clip", "name": "film.mp4", "frames": FRAMES, "height": HEIGHT, "width": WIDTH, "fps": 30}
STEPS: list[dict[str, Any]] = [
    {"entries": [{"frame": 0, "object": 1, "prompt": {"boxes": [[0, 0, 10, 10]]}}]},
    {"entries": [{"traits": 1, "set": {"name": "Ball", "label": "toy", "color": "#0102ff"}}]},
    {"run": 5, "entries": [
        {"track": [0, 4, 1], "objects": [1]},
        {"track": [4, 8, 1], "objects": [1], "after": 3},
    ]},
    {"entries": [{"frame": 4, "object": 1, "prompt": {"boxes": [[0, 0, 20, 20]]}}]},
    {"entries": [{"frame": 2, "object": 2, "prompt": {"points": [[60, 40, 1]]}}]},
    {"entries": [{"frame": 7, "object": 1, "prompt": {"boxes": [[50, 0, 60, 10]]}}]},
]  # fmt: skip
"""The second half was tracked after the correction on frame 4; the last step was undone."""


def save(folder: Path, name: str = "film", medium: dict[str, Any] | None = None, **changes: Any) -> Path:
    journal = {"steps": STEPS, "length": 5}
    plain = {"format": "masklet-project", "version": 1, "medium": medium or MEDIUM, "journal": journal, **changes}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.masklet.json").write_text(json.dumps(plain), "utf-8")
    return folder / f"{name}.masklet.json"


@pytest.fixture
def project(tmp_path: Path, clip: Path) -> Path:
    """With its clip beside it."""
    saved = save(tmp_path / "work")
    shutil.copy(clip, tmp_path / "work")
    return saved


def test_a_project_gives_the_masks_of_the_engine(
    masklet: CommandRunner, project: Path, clip: Path, tmp_path: Path
) -> None:
    done = masklet("run", project, "--out", tmp_path / "out", "--json")
    assert done.code == 0
    ingest(clip, tmp_path / "store")
    engine = FakeEngine()
    session = EngineSession(engine, engine.open(str(tmp_path / "store")).result().id)
    asyncio.run(session.replay(project_of(json.loads(project.read_text("utf-8"))).entries))
    expected = {
        (masks.frame, each.object_id): each.mask
        for masks in engine.run(session.id, GetMasks(range(FRAMES))).result()
        for each in masks.objects
    }
    assert masks_in(tmp_path / "out" / "film_coco.json") == expected
    assert [mask.area for (_, number), mask in sorted(expected.items()) if number == 1] == [100] * 4 + [400] * 4
    ball, other = done.result["objects"]
    assert (ball["name"], ball["label"], ball["color"], other["name"]) == ("Ball", "toy", "#0102ff", "Object 2")


def test_hidden_objects_are_left_out(masklet: CommandRunner, project: Path, tmp_path: Path) -> None:
    save(project.parent, look={"hidden": [1], "solo": None})
    done = masklet("run", project, "--out", tmp_path / "m.json", "--json")
    assert [each["id"] for each in done.result["objects"]] == [2]
    assert "1 hidden" in done.err
    done = masklet("run", project, "--hidden", "--out", tmp_path / "m.json", "--json")
    assert [each["id"] for each in done.result["objects"]] == [1, 2]
    save(project.parent, look={"hidden": [1, 2]})
    done = masklet("run", project, "--out", tmp_path / "m.json")
    assert (done.code, "all of it is hidden" in done.err) == (1, True)


def test_the_effects_of_a_project_are_the_default(masklet: CommandRunner, tmp_path: Path, photo: Path) -> None:
    medium = {"kind": "image", "name": "a.png", "frames": 1, "height": HEIGHT, "width": WIDTH, "fps": 0}
    journal = {"steps": STEPS[:1], "length": 1}
    effects = {"layers": [{"effect": "overlay", "opacity": 1, "outline": 0}]}
    project = save(photo.parent, "one", medium, journal=journal, effects=effects, unknown={"is": "ignored"})
    assert masklet("run", project, "--out", tmp_path / "a.png").code == 0
    with Image.open(tmp_path / "a.png") as image:
        assert image.convert("RGB").getpixel((5, 5)) == (230, 159, 0)
    assert masklet("run", project, "--out", tmp_path / "a.png", "--look", "overlay").code == 0
    with Image.open(tmp_path / "a.png") as image:
        assert image.convert("RGB").getpixel((5, 5)) != (230, 159, 0)


def test_the_medium_is_searched_in_the_given_paths(masklet: CommandRunner, tmp_path: Path, clip: Path) -> None:
    project = save(tmp_path / "work")
    lost = masklet("run", project, "--out", tmp_path / "out")
    assert (lost.code, "film.mp4 is not beside the project" in lost.err) == (1, True)
    renamed = tmp_path / "other.mp4"
    shutil.copy(clip, renamed)
    assert masklet("run", project, renamed, "--out", tmp_path / "one").code == 0
    assert masklet("run", project, clip.parent, "--out", tmp_path / "two").code == 0
    assert masks_in(tmp_path / "one" / "film_coco.json") == masks_in(tmp_path / "two" / "film_coco.json")


@pytest.mark.parametrize("given", [(), ("work/shot",), ("work",)])
def test_the_medium_may_be_a_folder_of_numbered_pictures(
    masklet: CommandRunner, tmp_path: Path, given: tuple[str, ...]
) -> None:
    project = save(tmp_path / "work", medium={**MEDIUM, "name": "shot"})
    (tmp_path / "work" / "shot").mkdir()
    for number in range(FRAMES):
        pixels = numbered_image(number, HEIGHT, WIDTH)
        Image.fromarray(pixels).save(tmp_path / "work" / "shot" / f"{number + 1:04d}.png")
    done = masklet("run", project, *(tmp_path / each for each in given), "--out", tmp_path / "m.json")
    assert (done.code, done.err) == (0, "")
    assert len({frame for frame, _ in masks_in(tmp_path / "m.json")}) == FRAMES


def test_a_different_medium_is_refused(masklet: CommandRunner, tmp_path: Path) -> None:
    project = save(tmp_path)
    make_clip(tmp_path / "film.mp4", frames=5, size=(HEIGHT, WIDTH))
    done = masklet("run", project, "--out", tmp_path / "out")
    assert done.code == 1
    assert "The project is about the clip “film.mp4” (96 x 64, 8 frames); film.mp4 is another one" in done.err


def test_a_folder_of_projects(masklet: CommandRunner, project: Path, tmp_path: Path) -> None:
    save(project.parent, "second")
    (project.parent / "broken.masklet.json").write_text('{"format": "masklet-project", "version": 1}', "utf-8")
    done = masklet("run", project.parent, "--out", tmp_path / "out", "--json")
    assert done.code == 1
    assert [each["status"] for each in done.results] == ["failed", "done", "done"]
    assert sorted(path.name for path in (tmp_path / "out").glob("*.json")) == ["film_coco.json", "second_coco.json"]
    again = masklet("run", project.parent, "--out", tmp_path / "out", "--json")
    assert [each["status"] for each in again.results] == ["failed", "skipped", "skipped"]


def test_the_images_of_an_album_are_found(masklet: CommandRunner, tmp_path: Path) -> None:
    sizes = [(64, 96), (40, 50)]
    for name, size in zip(("one.png", "two.png"), sizes, strict=True):
        Image.fromarray(numbered_image(3, *size)).save(tmp_path / name)
    medium = {"kind": "album", "name": "2 photos", "frames": 2, "height": 64, "width": 96, "fps": 0}
    medium |= {"sizes": sizes, "names": ["one.png", "two.png"]}
    steps = [{"entries": [{"frame": 1, "object": 1, "prompt": {"boxes": [[10, 10, 50, 40]]}}]}]
    project = save(tmp_path, "album", medium, journal={"steps": steps, "length": 1})
    done = masklet("run", project, "--out", tmp_path / "m.json")
    assert (done.code, done.err) == (0, "")
    mask = masks_in(tmp_path / "m.json")[1, 1].to_array()
    assert mask.shape == (40, 50)
    assert np.count_nonzero(mask) == 30 * 40
    (tmp_path / "two.png").unlink()
    assert "two.png" in masklet("run", project, "--out", tmp_path / "m.json").err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
@pytest.mark.parametrize(
    ("on_disk", "in_project"),
    [
        ("100%20 #1.png", "100%20 #1.png"),
        ("हिन्दी.png", "हिन्दी.png"),
        ("cafe\u0301.png", "caf\u00e9.png"),
        ("a#b?.png", "a_b_.png"),  # as earlier versions named it
        ("a#b?.png", "ab.png"),  # as earlier versions of the page named it
        ("one.png", "../one.png"),
    ],
)
def test_the_medium_is_found_by_its_name(masklet: CommandRunner, tmp_path: Path, on_disk: str, in_project: str) -> None:
    Image.fromarray(numbered_image(3, 64, 96)).save(tmp_path / on_disk)
    medium = {"kind": "image", "name": in_project, "frames": 1, "height": 64, "width": 96, "fps": 0}
    project = save(tmp_path, "one", medium, journal={"steps": STEPS[:1], "length": 1})
    assert masklet("run", project, "--out", tmp_path / "m.json").code == 0
    assert json.loads((tmp_path / "m.json").read_text("utf-8"))["images"][0]["file_name"] == on_disk


def test_images_that_are_called_alike_are_found_in_their_folders(masklet: CommandRunner, tmp_path: Path) -> None:
    sizes = [(64, 96), (40, 50)]
    for folder, size in zip(("front", "rear"), sizes, strict=True):
        (tmp_path / "photos" / folder).mkdir(parents=True)
        Image.fromarray(numbered_image(3, *size)).save(tmp_path / "photos" / folder / "1.png")
    medium = {"kind": "album", "name": "2 photos", "frames": 2, "height": 64, "width": 96, "fps": 0}
    medium |= {"sizes": sizes, "names": ["front/1.png", "rear/1.png"]}
    steps = [{"entries": [{"frame": 1, "object": 1, "prompt": {"boxes": [[10, 10, 50, 40]]}}]}]
    project = save(tmp_path, "album", medium, journal={"steps": steps, "length": 1})
    photos = tmp_path / "photos"
    for places in ([photos], [photos / "rear", photos / "front"]):
        done = masklet("run", project, *places, "--out", tmp_path / f"{len(places)}.json")
        assert (done.code, done.err) == (0, "")
        images = json.loads((tmp_path / f"{len(places)}.json").read_text("utf-8"))["images"]
        assert [each["file_name"] for each in images] == ["front/1.png", "rear/1.png"]
    done = masklet("run", project, photos / "rear", "--out", tmp_path / f"{len(places)}.json")
    assert (done.code, "front/1.png (of 1 missing)" in done.err) == (1, True)


def test_other_files_are_no_projects(masklet: CommandRunner, tmp_path: Path, photo: Path) -> None:
    (tmp_path / "x.json").write_text("{}", "utf-8")
    done = masklet("run", tmp_path / "x.json", "--out", tmp_path / "out")
    assert (done.code, "is not a project file" in done.err) == (1, True)
    none = masklet("run", photo)
    assert (none.code, "Name a project" in none.err) == (2, True)
