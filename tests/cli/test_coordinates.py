"""Points and boxes in pixels and per cent, inside and outside of the picture."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sam2_core.cli.coordinates import are_coordinates, box_within, read_coordinates
from sam2_core.cli.main import join_negative
from sam2_core.errors import BadPrompt
from sam2_core.types import Box
from tests.cli.runner import CommandRunner


def found(masklet: CommandRunner, photo: Path, out: Path, *prompt: str) -> list[int]:
    done = masklet("segment", photo, *prompt, "--out", out / "m.json", "--json")
    assert done.code == 0, done.err
    [each] = done.result["objects"]
    return each["box"]


@pytest.mark.parametrize(
    "text", ["10,20,40,50", "40,50,10,20", "10,50,40,20", "40,20,10,50", " 10, 20, 40, 50 ", "1e1,2e1,40.0,+50"]
)
def test_corners_may_come_in_any_order(masklet: CommandRunner, photo: Path, tmp_path: Path, text: str) -> None:
    assert found(masklet, photo, tmp_path, "--box", text) == [10, 20, 40, 50]


def test_percentages_may_be_mixed_with_pixels(masklet: CommandRunner, photo: Path, tmp_path: Path) -> None:
    assert found(masklet, photo, tmp_path, "--box", "25%,12.5%,50 %,50%") == [24, 8, 48, 32]
    assert found(masklet, photo, tmp_path, "--box", "24,12.5%,48,50%") == [24, 8, 48, 32]
    left, top, right, bottom = found(masklet, photo, tmp_path, "--point", "50%,50%")
    assert (left + right - 1, top + bottom - 1) == (96, 64)
    plain = {"objects": [{"prompts": [{"boxes": [["50%", "50%", 24, 8]]}]}]}
    (tmp_path / "p.json").write_bytes(json.dumps(plain).encode("utf-16"))  # as PowerShell writes
    assert found(masklet, photo, tmp_path, "--prompts", str(tmp_path / "p.json")) == [24, 8, 48, 32]


@pytest.mark.parametrize("text", ["-5,-8,40,50", "40,50,-5,-8"])
def test_boxes_are_cut_at_the_edges_with_a_note(masklet: CommandRunner, photo: Path, tmp_path: Path, text: str) -> None:
    done = masklet("segment", photo, "--box", text, "--out", tmp_path / "m.json", "--json")
    assert done.result["objects"][0]["box"] == [0, 0, 40, 50]
    assert f"the box {text} reaches out of the picture (96 x 64 pixels) and is cut at its edges" in done.err
    corners = [int(value) for value in text.split(",")]
    (tmp_path / "p.json").write_text(json.dumps({"objects": [{"prompts": [{"boxes": [corners]}]}]}), "utf-8")
    done = masklet("segment", photo, "--prompts", tmp_path / "p.json", "--out", tmp_path / "m.json", "--json")
    assert (done.result["objects"][0]["box"], "is cut at its edges" in done.err) == ([0, 0, 40, 50], True)


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        (("--point", "-5,10"), "The point -5,10 lies outside of the picture, which has 96 x 64 pixels."),
        (("--point", "5,64.5"), "The point 5,64.5 lies outside of the picture, which has 96 x 64 pixels."),
        (("--point", "101%,5"), "The point 101%,5 lies outside of the picture, which has 96 x 64 pixels."),
        (("--point", "5,5", "--not-point", "-1%,5"), "The point -1%,5 lies outside"),
        (("--point", "1e400,5"), "lies outside of the picture"),
        (("--box", "100,1,200,9"), "The box 100,1,200,9 lies outside of the picture, which has 96 x 64 pixels."),
        (("--box", "-9,-9,-1,-1"), "The box -9,-9,-1,-1 lies outside"),
        (("--box", "5,5,5,20"), "The box 5,5,5,20 is empty: give two opposite corners"),
    ],
)
def test_prompts_outside_of_the_picture_are_errors(
    masklet: CommandRunner, photo: Path, tmp_path: Path, prompt: tuple[str, ...], message: str
) -> None:
    done = masklet("segment", photo, *prompt, "--out", tmp_path / "m.json")
    assert (done.code, message in done.err) == (1, True)
    assert not (tmp_path / "m.json").exists()


def test_coordinates_are_no_options() -> None:
    assert join_negative(["--point", "-5,10", "--json", "-3"]) == ["--point=-5,10", "--json", "-3"]
    assert join_negative(["a.png", "-5%,.5", "--box", "-5,-5,9,9"]) == ["a.png", "-5%,.5", "--box=-5,-5,9,9"]
    assert not any(map(are_coordinates, ("-", "--point", "-p", "5", "5,", "nan,1", "5;6", "5,%")))
    with pytest.raises(ValueError, match="no coordinates"):
        read_coordinates("1,2,x")


def test_the_whole_picture_is_a_box() -> None:
    assert box_within(read_coordinates("0%,0%,100%,100%"), 64, 96) == (Box(0, 0, 96, 64), "")
    with pytest.raises(BadPrompt, match="is empty"):
        box_within(read_coordinates("5,5,5,5"), 64, 96)


def test_a_point_of_a_file_outside_of_the_picture_is_no_damage(
    masklet: CommandRunner, photo: Path, tmp_path: Path
) -> None:
    (tmp_path / "p.json").write_text(json.dumps({"objects": [{"prompts": [{"points": [["200%", 5, 1]]}]}]}), "utf-8")
    done = masklet("segment", photo, "--prompts", tmp_path / "p.json", "--out", tmp_path / "m.json")
    assert (done.code, "has the point 192,5 outside of the 96 x 64 frame." in done.err) == (
        1,
        True,
    )
