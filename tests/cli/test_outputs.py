"""Where --out puts files: one file, a folder, stdout; and which kinds of pictures a mask can be."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.runner import CommandRunner
from tests.cli.test_main import ROOT

TWO = ("--object", "one", "--box", "10,20,40,50", "--object", "two", "--box", "30,20,60,50")


def expected() -> np.ndarray:
    index = np.zeros((64, 96), int)
    index[20:50, 10:40] = 1
    index[20:50, 30:60] = 2
    return index


@pytest.mark.parametrize("suffix", ["png", "tif", "tiff", "bmp", "webp", "PNG"])
def test_masks_of_a_picture_are_one_picture(masklet: CommandRunner, photo: Path, tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"m.{suffix}"
    assert masklet("segment", photo, *TWO, "--export", "masks", "--out", out).code == 0
    with Image.open(out) as image:
        pixels = np.asarray(image.convert("RGB"))
    np.testing.assert_array_equal(pixels, np.where(expected() > 0, 255, 0)[..., None].repeat(3, axis=2))


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_an_index_picture_holds_the_numbers_of_the_objects(
    masklet: CommandRunner, photo: Path, tmp_path: Path, suffix: str
) -> None:
    out = tmp_path / f"m.{suffix}"
    assert masklet("segment", photo, *TWO, "--export", "index", "--out", out).code == 0
    with Image.open(out) as image:
        np.testing.assert_array_equal(np.asarray(image), expected())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--out", "x.bmp"), "No kind of file made of a picture ends in .bmp"),
        (("--out", "x.bmp"), "a plain mask can, with --export masks"),
        (("--out", "x.xyz"), "If a folder is meant, end its name in a slash"),
        (("--out", "x.xyz", "--export", "coco"), "does not fit what is to be written (coco .json)"),
        (("--out", "m.jpg", "--export", "masks"), "(masks .png .tif .bmp .webp .zip)"),
        (("--out", "m.png", "--export", "masks,index"), "does not fit"),
        (("--out", "-", "--export", "coco,png"), "--out - is one file, but there are 2"),
        (("--out", "-", "--json"), "both write to stdout"),
    ],
)
def test_a_file_that_cannot_be_written_makes_no_folder(
    masklet: CommandRunner, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...], message: str,
) -> None:  # fmt: skip
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    done = masklet("segment", photo, "--point", "5,5", *arguments)
    assert (done.code, message in done.err) == (2, True)
    assert list((tmp_path / "here").iterdir()) == []


def test_a_folder_may_look_like_a_file(masklet: CommandRunner, photo: Path, tmp_path: Path) -> None:
    (tmp_path / "old.bmp").mkdir()
    for out in (tmp_path / "old.bmp", f"{tmp_path}/new.bmp/", tmp_path / "v1.2"):
        assert masklet("segment", photo, "--point", "5,5", "--export", "coco", "--out", out).code == 0
        assert (Path(out) / "a_coco.json").is_file()


def test_an_input_is_not_overwritten(masklet: CommandRunner, photo: Path) -> None:
    before = photo.read_bytes()
    done = masklet("segment", photo, "--point", "5,5", "--out", photo)
    assert (done.code, "is the input itself" in done.err) == (2, True)
    assert photo.read_bytes() == before


class Stdout(io.TextIOWrapper):
    """Stdout that keeps bytes."""

    def __init__(self, is_terminal: bool = False) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8")
        self.is_terminal = is_terminal

    def isatty(self) -> bool:
        return self.is_terminal

    @property
    def bytes(self) -> bytes:
        self.flush()
        return self.buffer.getvalue()  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", [(), ("--export", "masks"), ("--export", "webp"), ("--export", "coco")])
def test_stdout_gets_the_file_and_nothing_else(
    masklet: CommandRunner, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: tuple[str, ...]
) -> None:
    suffix = {"webp": "webp", "coco": "json"}.get(kind[-1] if kind else "", "png")
    masklet("segment", photo, *TWO, *kind, "--out", tmp_path / f"m.{suffix}")
    monkeypatch.setattr(sys, "stdout", stdout := Stdout())
    done = masklet("segment", photo, *TWO, *kind, "--out", "-")
    assert (done.code, done.err) == (0, "")
    assert stdout.bytes == (tmp_path / f"m.{suffix}").read_bytes()


def test_a_terminal_gets_texts_only(masklet: CommandRunner, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", stdout := Stdout(is_terminal=True))
    done = masklet("segment", photo, *TWO, "--out", "-")
    assert (done.code, "redirect stdout" in done.err, stdout.bytes) == (1, True, b"")
    assert masklet("segment", photo, *TWO, "--export", "csv", "--out", "-").code == 0
    assert stdout.bytes.startswith(b"frame,")


def test_nothing_is_written_to_stdout_on_an_error(
    masklet: CommandRunner, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", stdout := Stdout())
    assert masklet("segment", photo, "--point", "999,5", "--out", "-").code == 1
    assert stdout.bytes == b""


def test_the_version_is_printed() -> None:
    import sam2_core

    done = subprocess.run([sys.executable, "-m", "sam2_core", "--version"], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, f"masklet {sam2_core.__version__}\n")
