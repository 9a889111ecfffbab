"""Prompts on images become masks in files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.runner import CommandRunner, masks_in


def test_a_box_gives_the_mask_of_the_engine(masklet: CommandRunner, photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "masks.json"
    done = masklet("segment", photo, "--box", "10,20,40,50", "--out", out)
    assert (done.code, done.out) == (0, f"{out}\n")
    expected = np.zeros((64, 96), bool)
    expected[20:50, 10:40] = True
    np.testing.assert_array_equal(masks_in(out)[0, 1].to_array(), expected)


def test_the_suffix_selects_the_format(masklet: CommandRunner, photo: Path, tmp_path: Path) -> None:
    assert masklet("segment", photo, "--point", "30,30", "--out", tmp_path / "cut.jpeg").code == 0
    with Image.open(tmp_path / "cut.jpeg") as image:
        assert (image.format, image.size) == ("JPEG", (96, 64))


def test_json_summarizes_the_masks(masklet: CommandRunner, photo: Path, tmp_path: Path) -> None:
    done = masklet(
        "segment", photo, "--box", "10,20,40,50", "--export", "png,coco", "--out", tmp_path / "out", "--json"
    )
    assert done.code == 0
    assert done.result["status"] == "done"
    assert done.result["files"] == {
        "png": str(tmp_path / "out" / "a_edited.png"),
        "coco": str(tmp_path / "out" / "a_coco.json"),
    }
    assert all(Path(file).is_file() for file in done.result["files"].values())
    [found] = done.result["objects"]
    assert (found["id"], found["name"], found["area"], found["box"]) == (1, "Object 1", 900, [10, 20, 40, 50])


def test_prompts_belong_to_the_object_named_before(masklet: CommandRunner, photo: Path, tmp_path: Path) -> None:
    arguments = ("--object", "cat", "--label", "animal", "--point", "20,20", "--not-point", "24,20")
    more = ("--object", "dog", "--box", "50,20,80,50", "--box", "0,0,10,10")
    done = masklet("segment", photo, *arguments, *more, "--export", "coco", "--out", tmp_path / "out", "--json")
    cat, dog = done.result["objects"]
    assert (cat["name"], cat["label"], dog["name"], dog["label"]) == ("cat", "animal", "dog", "")
    masks = masks_in(tmp_path / "out" / "a_coco.json")
    assert masks[0, 2].area == 30 * 30 + 10 * 10
    assert not masks[0, 1].to_array()[20, 24], "the click beside it was taken for one on it"
    assert masks[0, 1].to_array()[20, 14]


@pytest.mark.parametrize("mode", ["L", "RGBA"])
def test_a_mask_prompt_is_read_from_an_image(masklet: CommandRunner, photo: Path, tmp_path: Path, mode: str) -> None:
    pixels = np.zeros((64, 96), np.uint8)
    pixels[5:25, 30:60] = 255
    if mode == "RGBA":  # what is not clear counts, whatever its colour
        pixels = np.dstack([np.zeros((64, 96, 3), np.uint8), pixels])
    Image.fromarray(pixels, mode).save(tmp_path / "mask.png")
    done = masklet("segment", photo, "--mask", tmp_path / "mask.png", "--export", "coco", "--out", tmp_path, "--json")
    assert done.result["objects"][0]["box"] == [30, 5, 60, 25]


def test_a_soft_mask_prompt_is_cut_at_half_and_scaled(masklet: CommandRunner, photo: Path, tmp_path: Path) -> None:
    pixels = np.zeros((32, 48), np.float32)
    pixels[5:15, 10:30] = 1
    for shift in (1, 2):
        pixels = np.maximum(pixels, 0.5 ** (2 * shift) * np.pad(pixels, shift)[: pixels.shape[0], : pixels.shape[1]])
    Image.fromarray((pixels * 255).astype(np.uint8)).save(tmp_path / "mask.png")
    done = masklet("segment", photo, "--mask", tmp_path / "mask.png", "--export", "coco", "--out", tmp_path, "--json")
    assert done.result["objects"][0]["box"] == [20, 10, 60, 30]
    Image.new("L", (50, 50), 255).save(tmp_path / "mask.png")
    other = masklet("segment", photo, "--mask", tmp_path / "mask.png", "--export", "coco", "--out", tmp_path)
    assert (other.code, "cannot be read as a mask" in other.err) == (1, True)


def test_a_mask_may_be_soft_or_of_another_size(masklet: CommandRunner, photo: Path, tmp_path: Path) -> None:
    shades = np.concatenate([[0], np.linspace(1, 250, 30), [255]]).repeat(3).astype(np.uint8)
    Image.fromarray(shades[None].repeat(64, axis=0)).save(tmp_path / "soft.png")  # a gradient from left to right
    Image.fromarray(np.pad(np.full((10, 15), 255, np.uint8), ((2, 20), (15, 18)))).save(tmp_path / "half.tif")
    for name, box in (("soft.png", [48, 0, 96, 64]), ("half.tif", [30, 4, 60, 24])):
        done = masklet("segment", photo, "--mask", tmp_path / name, "--export", "coco", "--out", tmp_path, "--json")
        assert done.result["objects"][0]["box"] == box
    assert "The masks are 48 × 32; they were scaled to 96 × 64." in done.err
    Image.fromarray(np.full((40, 40), 255, np.uint8)).save(tmp_path / "square.png")
    refused = masklet("segment", photo, "--mask", tmp_path / "square.png", "--out", tmp_path / "cut.png")
    assert "They are 40 × 40 pixels, the picture is 96 × 64." in refused.err


def test_prompts_are_read_from_a_file(masklet: CommandRunner, photo: Path, tmp_path: Path) -> None:
    objects = [
        {"name": "Ball", "label": "toy", "color": "#102030", "prompts": [{"boxes": [[1, 2, 11, 12]]}]},
        {"id": 7, "prompts": [{"frame": 0, "points": [[50, 40, 1]]}]},
    ]
    (tmp_path / "prompts.json").write_text(json.dumps({"objects": objects}), "utf-8")
    done = masklet(
        "segment", photo, "--prompts", tmp_path / "prompts.json", "--export", "coco", "--out", tmp_path, "--json"
    )
    ball, other = done.result["objects"]
    assert (ball["id"], ball["name"], ball["label"], ball["color"], ball["area"]) == (1, "Ball", "toy", "#102030", 100)
    assert (other["id"], other["name"]) == (7, "Object 7")


def test_each_image_has_its_own_prompts(masklet: CommandRunner, photos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "prompts"
    folder.mkdir()
    for name, side in (("a", 10), ("b", 20)):
        plain = {"objects": [{"prompts": [{"boxes": [[0, 0, side, side]]}]}]}
        (folder / f"{name}.json").write_text(json.dumps(plain), "utf-8")
    done = masklet("segment", photos, "--prompts", folder, "--export", "coco", "--out", tmp_path / "out", "--json")
    assert done.code == 1
    assert [each["status"] for each in done.results] == ["done", "done", "failed"]
    assert [each["objects"][0]["area"] for each in done.results[:2]] == [100, 400]
    assert "c.json" in done.results[2]["error"]


@pytest.mark.parametrize(
    ("plain", "message"),
    [
        ("{", "is not JSON"),
        ("[]", "A file with prompts reads"),
        ('{"objects": []}', "A file with prompts reads"),
        ('{"objects": [{"prompts": []}]}', "There are no prompts for object 1"),
        ('{"objects": [{"prompt": [{"points": [[1, 2, 1]]}]}]}', "Object 1 has no prompt;"),
        ('{"objects": [{"prompts": [{"point": [[1, 2, 1]]}]}]}', "A prompt of object 1 has no point;"),
        ('{"objects": [{"prompts": [{}]}]}', "is empty: it needs"),
        ('{"objects": [{"prompts": [{"points": [[1, 2]]}]}]}', "a point ([x, y, 1 or 0])"),
        ('{"objects": [{"prompts": [{"points": [[1, true, 1]]}]}]}', "a point ([x, y, 1 or 0])"),
        ('{"objects": [{"prompts": [{"points": [[NaN, 2, 1]]}]}]}', "a point ([x, y, 1 or 0])"),
        ('{"objects": [{"prompts": [{"points": [[1000, 2, 1]]}]}]}', "outside of the 96 x 64 frame"),
        ('{"objects": [{"prompts": [{"frame": 1, "points": [[1, 2, 1]]}]}]}', "has the frames 0 to 0"),
        ('{"objects": [{"color": "red", "prompts": [{"points": [[1, 2, 1]]}]}]}', "#rrggbb"),
        ('{"objects": [{"id": 0, "prompts": [{"points": [[1, 2, 1]]}]}]}', "a whole number from 1 on"),
        (
            '{"objects": [{"id": 2, "prompts": [{"points": [[1, 2, 1]]}]}, {"prompts": [{"points": [[1, 2, 1]]}]}]}',
            "the same id",
        ),
        ('{"objects": [{"prompts": [{"points": [[1, 2, 1]]}, {"points": [[5, 2, 1]]}]}]}', "one prompt on each frame"),
    ],
)
def test_errors_in_a_file_with_prompts_are_reported(
    masklet: CommandRunner, photo: Path, tmp_path: Path, plain: str, message: str
) -> None:
    (tmp_path / "prompts.json").write_text(plain, "utf-8")
    done = masklet("segment", photo, "--prompts", tmp_path / "prompts.json", "--out", tmp_path / "cut.png")
    assert done.code in (1, 2)
    assert message in done.err
    assert not (tmp_path / "cut.png").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Say what to select"),
        (("--object", "cat"), "There is no prompt for 'cat'"),
        (("--point", "5"), "2 numbers with commas"),
        (("--box", "1,2,3,x"), "4 numbers with commas"),
        (("--point", "nan,3"), "2 numbers with commas"),
        (("--mask", "no.png"), "cannot be read as a mask"),
        (("--point", "5,5", "--export", "bla"), "There is no kind bla"),
        (("--point", "5,5", "--export", "mp4"), "MP4 is not for this"),
        (("--point", "5,5", "--out", "cut.mp4"), "ends in .mp4"),
        (("--point", "5,5", "--out", "cut.png", "--export", "coco"), "does not fit"),
        (("--point", "5,5", "--out", "cut.png", "--export", "png,coco"), "does not fit"),
        (("--point", "5,5", "--look", "bla"), "There is no look 'bla'"),
        (("--point", "5,5", "--backdrop", "beach"), "--backdrop reads NAME=FILE"),
        (("--point", "5,5", "--prompts", "x.json"), "either on the command line or"),
        (("--point", "5,5", "--largest-side", "-4"), "a whole number from 0 on"),
    ],
)
def test_wrong_use_prints_one_sentence(
    masklet: CommandRunner, photo: Path, arguments: tuple[str, ...], message: str
) -> None:
    done = masklet("segment", photo, *arguments)
    assert done.code == 2
    assert message in done.err
    assert "Traceback" not in done.err
    assert masklet.built == []


def test_wrong_inputs_are_reported(masklet: CommandRunner, photo: Path, clip: Path, tmp_path: Path) -> None:
    done = masklet("segment", photo, "nothing.png", clip, "--box", "5,5,20,20", "--out", tmp_path / "out", "--json")
    assert done.code == 1
    assert [each["status"] for each in done.results] == ["done", "failed", "failed"]
    assert "nothing.png: There is no file" in done.err
    assert "This is a clip, no picture" in done.err


def test_a_look_requires_its_backdrops(masklet: CommandRunner, photo: Path, tmp_path: Path) -> None:
    (tmp_path / "look.json").write_text('{"layers": [{"effect": "picture", "name": "beach"}]}', "utf-8")
    arguments = ("segment", photo, "--box", "10,20,40,50", "--look", tmp_path / "look.json")
    done = masklet(*arguments, "--out", tmp_path / "out.png")
    assert (done.code, "give it with --backdrop beach=FILE" in done.err) == (1, True)
    assert masklet(*arguments, "--out", tmp_path / "out.json").code == 0, "masks alone need no picture"
    assert masklet(*arguments, "--out", tmp_path / "out.png", "--backdrop", f"beach={photo}").code == 0


def test_a_look_is_read_from_a_file(masklet: CommandRunner, photo: Path, tmp_path: Path) -> None:
    look = {"layers": [{"effect": "overlay", "opacity": 1.0, "outline": 0}]}
    (tmp_path / "look.json").write_text(json.dumps(look), "utf-8")
    out = tmp_path / "out.png"
    assert masklet("segment", photo, "--box", "10,20,40,50", "--look", tmp_path / "look.json", "--out", out).code == 0
    with Image.open(out) as image:
        assert image.convert("RGB").getpixel((20, 30)) == (230, 159, 0)
    (tmp_path / "look.json").write_text('{"layers": [{"effect": "overlay", "opacity": 7}]}', "utf-8")
    done = masklet("segment", photo, "--box", "10,20,40,50", "--look", tmp_path / "look.json", "--out", out)
    assert (done.code, "Opacity goes from 0 to 1" in done.err) == (2, True)


def test_warnings_about_a_picture_are_notes(masklet: CommandRunner, tmp_path: Path) -> None:
    Image.fromarray(np.linspace(51000, 52000, 64 * 96).reshape(64, 96).astype(np.uint16)).save(tmp_path / "a.png")
    done = masklet("segment", tmp_path / "a.png", "--box", "10,20,40,50", "--out", tmp_path / "masks.json")
    assert done.code == 0
    assert "a.png: Its 16-bit pixels use a small part of their range" in done.err
