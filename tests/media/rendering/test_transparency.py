"""What is cut out can be seen through where the file can be; elsewhere it lies on white. What is hidden is gone."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from sam2_core.media import EffectStack, ExportOptions, Store, write
from tests.media.masked_media import FRAMES, HEIGHT, WIDTH, material_of, shape
from tests.media.numbered import numbered_image
from tests.media.rendering.results import SeeThrough, animation, pictures_of

CUTOUT = EffectStack.of("cutout")
STILLS = ("png", "webp", "jpg")


@pytest.fixture(scope="module", autouse=True)
def see_through() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sam2_core.media.rendering.compositor.Painter", SeeThrough)
        yield


@pytest.fixture(scope="module")
def cut_out(
    clip: Store, still: Store, tmp_path_factory: pytest.TempPathFactory, see_through: None
) -> Callable[[str], Path]:
    """What is cut out of the clip or, for pictures, of the still; each kind is written once."""
    folder = tmp_path_factory.mktemp("cut")

    @cache
    def made(kind: str) -> Path:
        return write(folder / f"x.{kind}", material_of(still if kind in STILLS else clip), ExportOptions(kind, CUTOUT))

    return made


def alpha_of(frame: int) -> Any:
    """What `SeeThrough` gives for the frame."""
    return np.where(shape(1, frame), 255, np.where(shape(2, frame) & (frame >= 2), 128, 0))


def check(shown: Any, frame: int, tolerance: int) -> None:
    """The alpha is right up to the blur of codecs, and what can be seen is the source."""
    expected = alpha_of(frame)
    even = cv2.erode((expected == 255).astype(np.uint8), np.ones((7, 7))) > 0
    error = np.abs(shown[..., 3].astype(int) - expected)
    assert error.mean() < 3
    assert np.percentile(error, 95) <= tolerance
    inside = np.abs(shown[..., :3].astype(int) - numbered_image(frame, HEIGHT, WIDTH))[even]
    assert np.percentile(inside, 80) <= 30


@pytest.mark.parametrize(("kind", "tolerance"), [("webm", 12), ("mov", 2)])
def test_films_hold_their_transparency(kind: str, tolerance: int, cut_out: Callable[[str], Path]) -> None:
    shown = pictures_of(cut_out(kind))
    assert len(shown) == FRAMES
    for frame in range(FRAMES):
        check(shown[frame], frame, tolerance)


def test_webm_tells_players_of_its_transparency(clip: Store, cut_out: Callable[[str], Path], tmp_path: Path) -> None:
    mode = b"\x53\xc0\x81\x01"  # Matroska's AlphaMode
    opaque = write(
        tmp_path / "film.webm", material_of(clip, frames=range(1)), ExportOptions("webm", EffectStack.of("overlay"))
    )
    assert mode in cut_out("webm").read_bytes()
    assert mode not in opaque.read_bytes()


def test_animated_webp_holds_its_transparency(clip: Store, tmp_path: Path) -> None:
    shown, _ = animation(write(tmp_path / "film.webp", material_of(clip), ExportOptions("webp", CUTOUT)))
    assert len(shown) == FRAMES
    for frame in range(FRAMES):
        check(shown[frame], frame, 0)


def test_gif_is_either_seen_through_or_not(clip: Store, tmp_path: Path) -> None:
    media = material_of(clip, frames=range(0, FRAMES, 2))
    shown, _ = animation(write(tmp_path / "film.gif", media, ExportOptions("gif", CUTOUT)))
    for number, frame in enumerate(range(0, FRAMES, 2)):
        np.testing.assert_array_equal(shown[number][..., 3], np.where(alpha_of(frame) >= 128, 255, 0))


@pytest.mark.parametrize("kind", ["png", "webp"])
def test_pictures_are_exact(kind: str, cut_out: Callable[[str], Path]) -> None:
    with Image.open(cut_out(kind)) as image:
        assert image.mode == "RGBA"
        shown = np.asarray(image)
    np.testing.assert_array_equal(shown[..., 3], alpha_of(0))
    np.testing.assert_array_equal(shown[shape(1, 0)][:, :3], numbered_image(5, HEIGHT, WIDTH)[shape(1, 0)])


@pytest.mark.parametrize("kind", ["png", "webp", "mov", "webm"])
def test_what_is_hidden_is_not_in_the_file(kind: str, cut_out: Callable[[str], Path]) -> None:
    if kind in STILLS:
        with Image.open(cut_out(kind)) as image:
            shown = np.asarray(image)
    else:
        shown = pictures_of(cut_out(kind))[0]
    far = cv2.dilate(shape(1, 0).astype(np.uint8), np.ones((17, 17))) == 0
    assert shown[..., :3][far].max() <= 12


def test_hidden_pixels_next_to_seen_ones_take_their_color(cut_out: Callable[[str], Path]) -> None:
    with Image.open(cut_out("png")) as image:
        shown = np.asarray(image)
    np.testing.assert_allclose(shown[10, 8], (*numbered_image(5, HEIGHT, WIDTH)[10, 10], 0), atol=2)


@pytest.mark.parametrize("kind", ["mp4", "jpg"])
def test_elsewhere_it_lies_on_white(kind: str, cut_out: Callable[[str], Path]) -> None:
    shown = pictures_of(cut_out(kind))[4 if kind == "mp4" else 0, ..., :3].astype(int)
    frame = 4 if kind == "mp4" else 0
    alpha = alpha_of(frame)[..., None] / 255
    expected = numbered_image(4 if kind == "mp4" else 5, HEIGHT, WIDTH) * alpha + 255 * (1 - alpha)
    error = np.abs(shown - expected)
    assert error.mean() < 4
    assert np.percentile(error, 90) <= 12


def test_beside_its_source_only_the_result_is_seen_through(clip: Store, tmp_path: Path) -> None:
    options = ExportOptions("png", CUTOUT, side_by_side=True)
    with zipfile.ZipFile(write(tmp_path / "film.zip", material_of(clip), options)) as archive:
        shown = np.asarray(Image.open(BytesIO(archive.read("00003.png"))))
    assert (shown[:, :WIDTH, 3] == 255).all()
    np.testing.assert_array_equal(shown[:, WIDTH:, 3], alpha_of(3))


@pytest.mark.parametrize("kind", ["webm", "mov", "gif", "webp", "png", "mp4"])
def test_cropped_smaller_and_side_by_side_at_once(kind: str, clip: Store, tmp_path: Path) -> None:
    options = ExportOptions(kind, CUTOUT, cropped=True, side_by_side=True, max_side=45)
    path = write(tmp_path / f"film.{kind}", material_of(clip), options)
    if kind == "png":
        with zipfile.ZipFile(path) as archive:
            assert Image.open(BytesIO(archive.read("00000.png"))).size == (44, 25)
    else:
        assert pictures_of(path).shape[1:3] == ((26, 44) if kind == "mp4" else (25, 44))
