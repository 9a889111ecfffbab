"""Untrusted files: names stay inside the folder, sizes are bounded, and damaged files are bad samples."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sam2_core.training.datasets import files
from sam2_core.training.datasets.dataset import BadSample
from sam2_core.training.datasets.files import Listing, image_sizes, load_json, printable, read_rgb, resolve_inside
from tests.training.datasets.tiny import HEIGHT, RED, WIDTH, save_image, save_png_header


@pytest.mark.parametrize(
    "name", ["../x.jpg", "a/../../x.jpg", "/etc/x.jpg", "C:\\x.jpg", "c:x.jpg", "..\\x.jpg", "\\\\host\\share\\x.jpg"]
)
def test_names_that_lead_out_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadSample, match="leads out"):
        resolve_inside(tmp_path, name)


@pytest.mark.parametrize("name", [None, 3, "", "a\0b", ["x.jpg"]])
def test_what_is_no_name_is_a_broken_entry(tmp_path: Path, name: object) -> None:
    with pytest.raises(BadSample, match="broken entry"):
        resolve_inside(tmp_path, name)


def test_names_with_either_slash_stay_inside(tmp_path: Path) -> None:
    assert resolve_inside(tmp_path, "a/b..c.jpg") == tmp_path / "a" / "b..c.jpg"
    assert resolve_inside(tmp_path, "a\\b.jpg") == tmp_path / "a" / "b.jpg"


@pytest.mark.parametrize("content", [b"", b"{", b'"\xff', b"[" * 200_000])
def test_broken_json_is_a_bad_sample(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(BadSample, match="json file that cannot be read"):
        load_json(tmp_path / "x.json")
    with pytest.raises(BadSample, match="missing"):
        load_json(tmp_path / "y.json")


def test_a_listing_knows_what_exists(tmp_path: Path) -> None:
    save_image(tmp_path / "a.png")
    listing = Listing()
    assert listing.has(tmp_path / "a.png")
    assert not listing.has(tmp_path / "b.png")
    assert not listing.has(tmp_path / "no folder" / "b.png")
    assert not listing.has(tmp_path / ("long" * 2000))
    assert not listing.has(tmp_path / "half a letter \ud800.jpg")


@pytest.mark.parametrize("are_errors", [True, False])
@pytest.mark.parametrize("side", [9_500, 20_000])  # Pillow warns of the first and raises for the second
def test_a_decompression_bomb_is_a_bad_sample(tmp_path: Path, are_errors: bool, side: int) -> None:
    path = save_png_header(tmp_path / "bomb.png", side, side)
    with warnings.catch_warnings():
        warnings.simplefilter("error" if are_errors else "ignore")
        for look in (image_sizes, read_rgb):
            with pytest.raises(BadSample, match="more than 80 million pixels"):
                look(path)


def test_damaged_and_missing_images_are_bad_samples(tmp_path: Path) -> None:
    whole = save_image(tmp_path / "a.jpg", 200, 300).read_bytes()
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) * 3 // 4])
    (tmp_path / "text.jpg").write_text("no picture", "utf-8")
    assert image_sizes(tmp_path / "cut.jpg") == ((200, 300),)
    with pytest.raises(BadSample, match=files.UNREADABLE):
        read_rgb(tmp_path / "cut.jpg")
    for look in (image_sizes, read_rgb):
        with pytest.raises(BadSample, match=files.UNREADABLE):
            look(tmp_path / "text.jpg")
        with pytest.raises(BadSample, match=files.MISSING):
            look(tmp_path / "nothing.jpg")


def test_a_rotated_image_fits_its_annotations_either_way(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[:, : WIDTH // 2] = RED  # in the stored image on the left, upright at the top
    Image.fromarray(pixels).save(tmp_path / "a.jpg", exif=exif, quality=95, subsampling=0)
    path = tmp_path / "a.jpg"
    assert image_sizes(path) == ((WIDTH, HEIGHT), (HEIGHT, WIDTH))
    upright, stored = read_rgb(path, (WIDTH, HEIGHT)), read_rgb(path, (HEIGHT, WIDTH))
    assert upright[:4, :, 0].min() > 150 > 50 > upright[-4:, :, 0].max()
    assert stored[:, :4, 0].min() > 150 > 50 > stored[:, -4:, 0].max()
    assert np.array_equal(read_rgb(path), upright)
    with pytest.raises(BadSample, match=files.SIZE_MISMATCH):
        read_rgb(path, (HEIGHT, HEIGHT))


def test_names_are_made_fit_for_a_terminal() -> None:
    assert printable("a\x1b[31m\ud800é") == "a?[31m?é"
    assert len(printable("x" * 1000)) == 80
