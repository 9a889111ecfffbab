"""Which files are inputs: patterns, stdin, folders of numbered pictures, equal names."""

from __future__ import annotations

import io
import json
import shutil
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sam2_core.cli.tasks import title_of_source, unique_titles
from tests.cli.conftest import FRAMES, HEIGHT, WIDTH
from tests.cli.runner import CommandRunner, masks_in
from tests.media.numbered import numbered_image

BOX = ("--box", "10,20,40,50", "--export", "coco")


def frames(folder: Path, pattern: str = "render.{}.png", first: int = 1001, count: int = 4) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(first, first + count):
        Image.fromarray(numbered_image(number - first, HEIGHT, WIDTH)).save(folder / pattern.format(number))
    return folder


def written(out: Path) -> list[str]:
    return sorted(path.name for path in out.glob("*.json"))


@pytest.mark.parametrize("pattern", ["*.png", "photos/*.png", "**/*.png", "?hotos/*.p[n]g"])
def test_patterns_are_resolved(
    masklet: CommandRunner, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pattern: str
) -> None:
    monkeypatch.chdir(photos if pattern == "*.png" else tmp_path)
    done = masklet("segment", pattern, *BOX, "--out", tmp_path / "out")
    assert done.code == 0
    assert written(tmp_path / "out") == ["a_coco.json", "c_coco.json"]


def test_a_pattern_of_any_suffix_finds_pictures_only(masklet: CommandRunner, photos: Path, tmp_path: Path) -> None:
    assert masklet("segment", photos.parent / "**" / "*.*", *BOX, "--out", tmp_path / "out").code == 0
    assert written(tmp_path / "out") == ["a_coco.json", "b_coco.json", "c_coco.json"]
    none = masklet("segment", photos / "*.nope", *BOX)
    assert (none.code, "No file is called like" in none.err) == (2, True)


def test_a_name_that_looks_like_a_pattern_is_a_name(masklet: CommandRunner, photo: Path, tmp_path: Path) -> None:
    name = photo.with_name("shot[1].png")
    shutil.copy(photo, name)
    assert masklet("segment", name, *BOX, "--out", tmp_path / "out").code == 0
    assert len(written(tmp_path / "out")) == 1


def test_a_file_and_its_folder_are_one_input(masklet: CommandRunner, photos: Path, tmp_path: Path) -> None:
    done = masklet("segment", photos, photos / "a.png", photos / ".." / "photos" / "b.jpg", *BOX, "--out", tmp_path)
    assert (done.code, "3 done" in done.err) == (0, True)


def test_equal_names_in_two_folders_are_both_done(masklet: CommandRunner, photos: Path, tmp_path: Path) -> None:
    shutil.copytree(photos, tmp_path / "more")
    out = tmp_path / "out"
    assert masklet("segment", photos, tmp_path / "more", *BOX, "--out", out).code == 0
    assert written(out) == [f"{folder}_{name}_coco.json" for folder in ("more", "photos") for name in "abc"]


def titles(*paths: str) -> list[str]:
    return list(unique_titles([Path(path) for path in paths], title_of_source).values())


def test_titles_that_differ_in_case_only_are_numbered() -> None:
    assert list(unique_titles([Path("f/A.PNG"), Path("f/a.png")], title_of_source).values()) == ["A", "a_2"]


def test_titles_are_unique_on_any_file_system() -> None:
    assert titles("/x/a.png", "/x/b.png") == ["a", "b"]
    assert titles("/x/a.png", "/x/A.jpg") == ["a_png", "A_jpg"]
    assert titles("/p/x/a.png", "/q/x/a.png") == ["p_x_a", "q_x_a"]
    assert titles("/p/a.png", "/q/a.png", "/q/a.jpg") == ["p_a_png", "q_a_png", "q_a_jpg"]
    assert len({each[:100] + each[-2:] for each in titles(f"/p/{'n' * 200}1.png", f"/p/{'n' * 200}2.png")}) == 2
    assert titles("/x/a_b.png", "/x/a/b.png", "/y/b.png") == ["a_b", "a_b_2", "y_b"]


@pytest.mark.parametrize(
    ("files", "found"),
    [
        (["a/1.json", "b/1.json"], True), (["a_1.json", "b_1.json"], True), (["1.json"], False),
        (["a/1.json", "1.json"], False),
    ],
)  # fmt: skip
def test_prompts_of_equal_names_are_told_apart_by_folder(
    masklet: CommandRunner, photo: Path, tmp_path: Path, files: list[str], found: bool
) -> None:
    for index, folder in enumerate(("a", "b")):
        (tmp_path / folder).mkdir()
        shutil.copy(photo, tmp_path / folder / "1.png")
        (tmp_path / "prompts" / folder).mkdir(parents=True)
        if index < len(files):
            plain = {"objects": [{"prompts": [{"boxes": [[0, 0, 10 + index, 10]]}]}]}
            (tmp_path / "prompts" / files[index]).write_text(json.dumps(plain), "utf-8")
    out = tmp_path / "out"
    arguments = ("--prompts", tmp_path / "prompts", "--export", "coco", "--out", out, "--json")
    done = masklet("segment", tmp_path / "a", tmp_path / "b", *arguments)
    if found:
        assert [each["objects"][0]["area"] for each in done.results] == [100, 110]
    else:
        assert done.code == 1
        assert "several inputs are called 1" in done.results[1]["error"]


def test_masks_of_equal_names_are_found_again(masklet: CommandRunner, photos: Path, tmp_path: Path) -> None:
    shutil.copytree(photos, tmp_path / "more")
    masklet("segment", photos, tmp_path / "more", *BOX, "--out", tmp_path / "masks")
    arguments = ("--masks", tmp_path / "masks", "--export", "csv", "--out", tmp_path / "out", "--json")
    done = masklet("export", photos, tmp_path / "more", *arguments)
    assert (done.code, len(done.results)) == (0, 6)


def test_masks_of_another_number_are_not_taken(masklet: CommandRunner, photo: Path, tmp_path: Path) -> None:
    masklet("segment", photo, *BOX, "--out", tmp_path / "masks" / "a_2_coco.json")
    done = masklet("export", photo, "--masks", tmp_path / "masks", "--export", "csv", "--out", tmp_path / "out")
    assert (done.code, "is called like a.png" in done.err) == (1, True)


def test_stdin_is_a_picture(
    masklet: CommandRunner, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def feed(content: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    feed(photo.read_bytes())
    assert masklet("segment", "-", *BOX, "--out", tmp_path / "out").code == 0
    [mask] = masks_in(tmp_path / "out" / "stdin_coco.json").values()
    assert mask.area == 900
    feed(photo.read_bytes())
    again = masklet("export", "-", "--masks", tmp_path / "out" / "stdin_coco.json", "--out", tmp_path / "m.csv")
    assert (again.code, again.err) == (0, "")
    feed(b"")
    empty = masklet("segment", "-", *BOX, "--out", tmp_path / "out")
    assert (empty.code, "is empty (0 bytes)" in empty.err) == (1, True)


# --- numbered pictures --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pattern", ["render.{}.png", "{:05d}.png", "frame_{:04d}.jpg", "{}.png"])
def test_numbered_pictures_are_one_clip(masklet: CommandRunner, tmp_path: Path, pattern: str) -> None:
    folder = frames(tmp_path / "shot", pattern, first=9)
    done = masklet("track", folder, *BOX, "--out", tmp_path / "out")
    assert done.code == 0
    assert "4 numbered pictures, taken as the frames of one clip" in done.err
    assert sorted(frame for frame, _ in masks_in(tmp_path / "out" / "shot_coco.json")) == [0, 1, 2, 3]
    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as archive:
        for path in folder.iterdir():
            archive.write(path, path.name)
    assert masklet("track", tmp_path / "packed.zip", *BOX, "--out", tmp_path / "out").code == 0
    assert len(masks_in(tmp_path / "out" / "packed_coco.json")) == 4


def test_a_folder_with_clips_holds_clips(masklet: CommandRunner, clip: Path, tmp_path: Path) -> None:
    folder = frames(tmp_path / "films")
    shutil.copy(clip, folder / "film.mp4")
    done = masklet("track", folder, *BOX, "--out", tmp_path / "out")
    assert (done.code, "4 numbered pictures beside clips are left out" in done.err) == (0, True)
    assert written(tmp_path / "out") == ["film_coco.json"]
    assert len(masks_in(tmp_path / "out" / "film_coco.json")) == FRAMES


def test_a_folder_of_folders_of_numbered_pictures(masklet: CommandRunner, tmp_path: Path) -> None:
    frames(tmp_path / "shots" / "one")
    frames(tmp_path / "shots" / "two", "{:03d}.png", 0)
    arguments = ("track", tmp_path / "shots", *BOX, "--out", tmp_path / "out", "--json")
    assert masklet(*arguments).code == 0
    assert written(tmp_path / "out") == ["one_coco.json", "two_coco.json"]
    Image.fromarray(np.zeros((HEIGHT, WIDTH, 3), np.uint8)).save(tmp_path / "shots" / "two" / "002.png")
    assert [each["outcomes"]["coco"] for each in masklet(*arguments).results] == ["skipped", "replaced"]


def test_pictures_without_numbers_are_no_clip(masklet: CommandRunner, photos: Path, tmp_path: Path) -> None:
    done = masklet("track", photos, *BOX)
    assert (done.code, "its pictures are not numbered" in done.err) == (2, True)
    (tmp_path / "empty").mkdir()
    empty = masklet("track", tmp_path / "empty", *BOX)
    assert (empty.code, "There is no clip in the folder" in empty.err) == (2, True)


def test_what_is_exported_tells_whether_numbered_pictures_are_one_clip(masklet: CommandRunner, tmp_path: Path) -> None:
    folder = frames(tmp_path / "shot")
    masklet("track", folder, *BOX, "--out", tmp_path / "out")
    named = ("export", folder, "--masks", tmp_path / "out" / "shot_coco.json")
    assert masklet(*named, "--export", "csv", "--out", tmp_path / "new", "--json").result["objects"][0]["frames"] == 4
    other = tmp_path / "instances.json"
    shutil.copy(tmp_path / "out" / "shot_coco.json", other)
    film = masklet("export", folder, "--masks", other, "--fps", "10", "--out", tmp_path / "film.mp4")
    assert (film.code, "one clip" in film.err) == (0, True)
    each = masklet("export", folder, "--masks", other, "--export", "csv", "--out", tmp_path / "each")
    assert "4 numbered pictures, each taken by itself" in each.err


def test_files_that_cannot_be_read_are_reported_whatever_their_suffix(
    masklet: CommandRunner, photos: Path, tmp_path: Path
) -> None:
    """A suffix that pictures and clips share is decided by the content, which these lack."""
    for name, content in {
        "e.png": b"",
        "f.webp": b"<html>",
        "g.tif": b"II*\0\x08\0\0\0",
        "h.jpg": b"\xff\xd8\xff\xe0x",
    }.items():
        (photos / name).write_bytes(content)
    done = masklet("segment", photos, *BOX, "--out", tmp_path / "out", "--json")
    assert (done.code, "3 done, 4 failed" in done.err) == (1, True)
    failed = {Path(each["input"]).name: each["error"] for each in done.results if each["status"] == "failed"}
    assert sorted(failed) == ["e.png", "f.webp", "g.tif", "h.jpg"]
    assert "The picture is damaged" in failed["h.jpg"]


def test_a_pattern_may_match_folders_without_pictures(masklet: CommandRunner, photos: Path, tmp_path: Path) -> None:
    (photos / "results").mkdir()
    done = masklet("segment", photos / "*", *BOX, "--out", tmp_path / "out")
    assert done.code == 0
    assert written(tmp_path / "out") == ["a_coco.json", "b_coco.json", "c_coco.json"]
    assert f"no picture in the folder {photos / 'results'}. It is left out." in done.err


def test_stacks_and_animations_in_a_folder_of_pictures_are_told(
    masklet: CommandRunner, photos: Path, tmp_path: Path
) -> None:
    pages = [Image.fromarray(numbered_image(number, HEIGHT, WIDTH)) for number in range(3)]
    pages[0].save(photos / "stack.tif", save_all=True, append_images=pages[1:])
    done = masklet("segment", photos, *BOX, "--out", tmp_path / "out")
    assert (done.code, written(tmp_path / "out")) == (0, ["a_coco.json", "b_coco.json", "c_coco.json"])
    assert "left out, as of several frames or pages: stack.tif" in done.err


def test_a_rate_that_has_no_effect_is_told(masklet: CommandRunner, clip: Path, tmp_path: Path) -> None:
    done = masklet("track", clip, *BOX, "--fps", "12", "--out", tmp_path)
    assert (done.code, "--fps is for numbered pictures" in done.err) == (0, True)


def test_an_empty_argument_is_not_the_current_folder(masklet: CommandRunner) -> None:
    done = masklet("segment", "", *BOX)
    assert (done.code, "not an empty text" in done.err) == (2, True)


def test_a_name_may_begin_with_a_dash(
    masklet: CommandRunner, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(photo, photo.with_name("-5.png"))
    monkeypatch.chdir(photo.parent)
    assert masklet("segment", "-5.png", *BOX, "--out", tmp_path / "out").code == 0
    assert written(tmp_path / "out") == ["-5_coco.json"]
