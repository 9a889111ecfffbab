"""A picture for each object and frame."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sam2_core.media import ExportOptions, Store, write
from sam2_core.types import FrameMasks
from tests.media.masked_media import BALL, BIRD, FRAMES, HEIGHT, WIDTH, masks_of, material_of, shape


class Failed(Exception):
    pass


def only_frame_1(frame: int) -> FrameMasks:
    return masks_of(1) if frame == 1 else FrameMasks(frame, 3, ())


def read_png(archive: zipfile.ZipFile, name: str) -> Any:
    with Image.open(io.BytesIO(archive.read(name))) as image:
        assert image.mode == "L"
        return np.asarray(image)


def test_zip_holds_every_mask_of_a_clip(clip: Store, tmp_path: Path) -> None:
    write(tmp_path / "masks.zip", material_of(clip), ExportOptions("masks"))
    with zipfile.ZipFile(tmp_path / "masks.zip") as archive:
        names = {f"object_{number:02d}/{frame:05d}.png" for number in (1, 2) for frame in range(FRAMES)}
        assert sorted(archive.namelist()) == sorted({*names, "manifest.json"})
        for frame in range(FRAMES):
            np.testing.assert_array_equal(read_png(archive, f"object_01/{frame:05d}.png"), shape(1, frame) * 255)
            expected = shape(2, frame) * 255 if frame >= 2 else np.zeros((HEIGHT, WIDTH))
            np.testing.assert_array_equal(read_png(archive, f"object_02/{frame:05d}.png"), expected)
        manifest = json.loads(archive.read("manifest.json"))
    assert (manifest["width"], manifest["height"], manifest["frames"]) == (WIDTH, HEIGHT, FRAMES)
    assert [each["frames_with_mask"] for each in manifest["objects"]] == [[0, 1, 2, 3, 4, 5], [1, 2, 3, 4, 5]]


def test_filling_gaps_tells_how_far_it_is_and_can_be_cancelled(
    clip: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sam2_core.media.progress._INTERVAL", 0.0)
    reports: list[tuple[float, str]] = []
    write(
        tmp_path / "masks.zip",
        material_of(clip, only_frame_1),
        ExportOptions("masks"),
        lambda *report: reports.append(report),
    )
    fractions = [fraction for fraction, _ in reports]
    assert fractions == sorted(fractions)
    assert [message for _, message in reports].count("Filling the gaps") == 2 * (FRAMES - 1)
    assert [fraction for fraction in fractions if fraction == 1.0] == [1.0], "only what is ready is at 100 %"

    def cancel(fraction: float, message: str) -> None:
        if message == "Filling the gaps" and fraction > 0.95:
            raise Failed

    with pytest.raises(Failed):
        write(tmp_path / "cancelled.zip", material_of(clip, only_frame_1), ExportOptions("masks"), cancel)
    assert [path.name for path in tmp_path.iterdir()] == ["masks.zip"]


def test_zip_of_a_picture(still: Store, tmp_path: Path) -> None:
    write(tmp_path / "masks.zip", material_of(still), ExportOptions("masks"))
    with zipfile.ZipFile(tmp_path / "masks.zip") as archive:
        assert archive.namelist() == ["object_01.png", "manifest.json"]
        np.testing.assert_array_equal(read_png(archive, "object_01.png"), shape(1, 0) * 255)


CALLED = (BIRD, replace(BALL, name="Ball\u2028"))


def test_names_stand_in_the_manifest_and_in_no_file_name(clip: Store, tmp_path: Path) -> None:
    write(tmp_path / "masks.zip", material_of(clip, objects=CALLED), ExportOptions("masks"))
    with zipfile.ZipFile(tmp_path / "masks.zip") as archive:
        assert {Path(name).parts[0] for name in archive.namelist()} == {"object_01", "object_02", "manifest.json"}
        told = json.loads(archive.read("manifest.json"))["objects"]
    assert [(each["id"], each["name"], each["label"], each["color"]) for each in told] == [
        (1, "Ball\u2028", "", "#010203"),
        (2, "../../x", "bird", "#00ff10"),
    ]
