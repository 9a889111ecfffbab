"""Pictures, albums, and the frames of a clip."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sam2_core.errors import MediaError
from sam2_core.media import (
    EffectStack,
    ExportOptions,
    Limits,
    MaskedMedia,
    Store,
    color_of,
    ingest,
    ingest_album,
    open_store,
    write,
)
from sam2_core.types import FrameMasks, Mask, ObjectMask
from tests.media.masked_media import BALL, FRAMES, HEIGHT, WIDTH, material_of, no_masks, shape
from tests.media.numbered import numbered_image, read_number

FULL = EffectStack.of("overlay", opacity=1.0)


def read(path: Path) -> Any:
    with Image.open(path) as image:
        assert image.mode == "RGB"
        return np.asarray(image)


def read_all(path: Path) -> dict[str, Any]:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {name: np.asarray(Image.open(io.BytesIO(archive.read(name)))) for name in archive.namelist()}


def test_a_png_has_full_size(tmp_path: Path) -> None:
    Image.fromarray(numbered_image(5, HEIGHT, WIDTH)).save(tmp_path / "still.png")
    ingest(tmp_path / "still.png", tmp_path / "store", Limits(stored_side_image=48))
    with open_store(tmp_path / "store") as store:
        assert store.info.stored_width == 48
        drawn = read(write(tmp_path / "overlay.png", material_of(store), ExportOptions("png", FULL)))
    assert drawn.shape == (HEIGHT, WIDTH, 3)
    assert read_number(np.where(shape(1, 0)[..., None], numbered_image(5, HEIGHT, WIDTH), drawn)) == 5
    assert (drawn[shape(1, 0)] == color_of(1)).all()


def test_the_callers_colours_are_taken(still: Store, tmp_path: Path) -> None:
    reports: list[float] = []
    colored = replace(BALL, color=(10, 20, 30))
    media = material_of(still, objects=[colored])
    path = write(tmp_path / "overlay.png", media, ExportOptions("png", FULL), lambda done, _: reports.append(done))
    assert (read(path)[shape(1, 0)] == (10, 20, 30)).all()
    assert reports == [0.0, 1.0]


@pytest.mark.parametrize(("kind", "form"), [("png", "PNG"), ("webp", "WEBP"), ("jpg", "JPEG")])
def test_every_kind_is_what_it_says(kind: str, form: str, still: Store, tmp_path: Path) -> None:
    path = write(tmp_path / f"still.{kind}", material_of(still, no_masks), ExportOptions(kind))
    with Image.open(path) as image:
        assert image.format == form
    error = np.abs(read(path).astype(int) - numbered_image(5, HEIGHT, WIDTH))
    assert error.mean() < (0.001 if kind == "png" else 4)


def test_cropped_side_by_side_and_smaller(still: Store, tmp_path: Path) -> None:
    def made(**wishes: Any) -> Any:
        return read(write(tmp_path / "still.png", material_of(still), ExportOptions("png", FULL, **wishes)))

    whole = made()
    np.testing.assert_array_equal(made(cropped=True), whole[4:24, 10:30])
    beside = made(side_by_side=True)
    np.testing.assert_array_equal(beside, np.hstack([numbered_image(5, HEIGHT, WIDTH), whole]))
    options = ExportOptions("png", EffectStack.of("blur"), side_by_side=True, cropped=True, max_side=20)
    assert read(write(tmp_path / "still.png", material_of(still), options)).shape == (10, 20, 3)


def test_marks_around_the_objects_are_not_cut_off(clip: Store, still: Store, tmp_path: Path) -> None:
    look = EffectStack.of("outline", width=40)  # thousandths of 64 pixels: 3
    assert read(write(tmp_path / "a.png", material_of(still), ExportOptions("png", look, cropped=True))).shape == (
        26,
        26,
        3,
    )


def test_smaller_pictures_are_averages(tmp_path: Path) -> None:
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    Image.fromarray(stripes).save(tmp_path / "stripes.png")
    ingest(tmp_path / "stripes.png", tmp_path / "store")
    with open_store(tmp_path / "store") as store:
        small = read(
            write(
                tmp_path / "a.png",
                material_of(store, no_masks),
                ExportOptions("png", EffectStack.of("blur"), max_side=32),
            )
        )
    np.testing.assert_allclose(small[1:-1, 1:-1], 127.5, atol=1)


@pytest.mark.parametrize("kind", ["png", "jpg"])
def test_frames_of_a_clip_are_numbered_as_in_the_clip(kind: str, clip: Store, tmp_path: Path) -> None:
    media = material_of(clip, frames=range(1, FRAMES, 2))
    drawn = read_all(write(tmp_path / "film.zip", media, ExportOptions(kind, FULL)))
    assert list(drawn) == [f"{frame:05d}.{kind}" for frame in (1, 3, 5)]
    for frame, shown in zip((1, 3, 5), drawn.values(), strict=True):
        assert shown.shape == (HEIGHT, WIDTH, 3)
        inside = shown[shape(1, frame)].mean(axis=0)
        np.testing.assert_allclose(inside, color_of(1), atol=20)


def test_frames_of_a_clip_are_cropped_alike(clip: Store, tmp_path: Path) -> None:
    drawn = read_all(write(tmp_path / "film.zip", material_of(clip), ExportOptions("png", FULL, cropped=True)))
    assert {shown.shape for shown in drawn.values()} == {(50, 45, 3)}


@pytest.fixture
def album(tmp_path: Path) -> MaskedMedia:
    """Three photos of which the second has no mask."""
    for number, size in enumerate(((40, 60), (30, 30), (80, 50)), start=1):
        Image.fromarray(numbered_image(number, *size)).save(tmp_path / f"{number}.png")
    ingest_album([tmp_path / f"{number}.png" for number in (1, 2, 3)], tmp_path / "album")
    store = open_store(tmp_path / "album")

    def masks(frame: int) -> FrameMasks:
        pixels = np.zeros(store.info.size_of(frame), bool)
        pixels[5 : 15 + 10 * frame, 8:20] = frame != 1
        return FrameMasks(frame, 1, (ObjectMask(1, Mask.from_array(pixels), 0.9, 5.0),))

    return material_of(store, masks, (BALL,))


@pytest.mark.parametrize("kind", ["png", "webp", "jpg"])
def test_photos_of_an_album_are_drawn_by_themselves(kind: str, album: MaskedMedia, tmp_path: Path) -> None:
    drawn = read_all(write(tmp_path / "album.zip", album, ExportOptions(kind, FULL)))
    assert {name: shown.shape for name, shown in drawn.items()} == {f"1.{kind}": (40, 60, 3), f"3.{kind}": (80, 50, 3)}
    cropped = read_all(write(tmp_path / "cropped.zip", album, ExportOptions(kind, FULL, cropped=True)))
    assert {shown.shape for shown in cropped.values()} == {(10, 12, 3), (30, 12, 3)}
    smaller = read_all(write(tmp_path / "smaller.zip", album, ExportOptions(kind, EffectStack.of("blur"), max_side=30)))
    assert {shown.shape for shown in smaller.values()} == {(20, 30, 3), (30, 19, 3)}


def test_an_album_without_a_mask_is_refused(album: MaskedMedia, tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="No photo has a mask yet"):
        write(tmp_path / "album.zip", material_of(album.store, no_masks), ExportOptions("png"))
    assert not (tmp_path / "album.zip").exists()


@pytest.mark.parametrize("change", ["gone", "other", "broken"])
def test_a_source_that_is_no_longer_the_same_is_refused(change: str, tmp_path: Path) -> None:
    Image.fromarray(numbered_image(5, HEIGHT, WIDTH)).save(tmp_path / "still.png")
    ingest(tmp_path / "still.png", tmp_path / "store")
    source = tmp_path / "store" / "source"
    if change == "gone":
        source.unlink()
    elif change == "other":
        Image.new("RGB", (WIDTH, HEIGHT - 1)).save(source, "PNG")
    else:
        source.write_bytes(b"no picture")
    words = {"gone": "no longer here", "other": "no longer the same", "broken": "damaged"}
    with open_store(tmp_path / "store") as store, pytest.raises(MediaError, match=words[change]):
        write(tmp_path / "overlay.png", material_of(store), ExportOptions("png"))
    assert not (tmp_path / "overlay.png").exists()


def test_backdrops_lie_behind_the_objects(clip: Store, still: Store, tmp_path: Path) -> None:
    options = ExportOptions(
        "png", EffectStack.of("picture", name="sea"), backdrops={"sea": np.full((9, 9, 3), (9, 99, 199), np.uint8)}
    )
    drawn = read(write(tmp_path / "still.png", material_of(still), options))
    assert (drawn[~shape(1, 0)] == (9, 99, 199)).all()
    frames = read_all(write(tmp_path / "film.zip", material_of(clip), options))
    assert (frames["00000.png"][~shape(1, 0)] == (9, 99, 199)).all()
