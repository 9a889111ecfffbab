"""Rows of the table."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sam2_core.media import ExportOptions, MaskedMedia, Store, write
from tests.media.formats.scenes import RING, expected, scene


def rows_of(folder: Path, media: MaskedMedia) -> list[dict[str, str]]:
    write(folder / "a.csv", media, ExportOptions("csv"))
    with (folder / "a.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_each_mask_has_a_row(clip: Store, tmp_path: Path) -> None:
    media = scene(clip, frames=range(0, 4))
    rows = rows_of(tmp_path, media)
    assert [(row["frame"], row["object"]) for row in rows] == [
        ("0", "7"), ("0", "5"), ("1", "7"), ("1", "3"), ("2", "7"), ("2", "3"), ("2", "5"), ("3", "7"), ("3", "3")
    ]  # fmt: skip
    for row in rows:
        frame, number = int(row["frame"]), int(row["object"])
        assert float(row["time"]) == pytest.approx(clip.times[frame], abs=1e-6)
        assert row["file"] == "clip.mp4"
        pixels = expected(media, frame).get(number)
        place = [row[name] for name in ("left", "top", "right", "bottom", "x", "y")]
        if pixels is None:
            assert (row["area"], place) == ("0", [""] * 6)
            continue
        y, x = np.nonzero(pixels)
        assert int(row["area"]) == pixels.sum()
        assert [int(value) for value in place[:4]] == [x.min(), y.min(), x.max() + 1, y.max() + 1]
        assert [float(value) for value in place[4:]] == pytest.approx([x.mean() + 0.5, y.mean() + 0.5], abs=1e-3)
    assert [rows[0][name] for name in ("predicted_iou", "presence_score", "stale")] == ["0.9123", "5.0", "0"]
    assert [rows[1][name] for name in ("predicted_iou", "presence_score", "stale")] == ["0.9123", "-5.0", "1"]


def test_no_text_is_a_formula(still: Store, tmp_path: Path) -> None:
    for words in ("=1+1", "+1", "-1", "@A1", "\t=1", "\n =1", "\u2028@A1", "＝1", "\ufeff=1"):
        [row] = rows_of(tmp_path, scene(still, [replace(RING, name=words, label=words)]))
        assert row["name"] == row["label"]
        assert row["name"].startswith("'"), repr(words)
        assert "\n" not in row["name"]


def test_other_texts_stay_as_they_are(album: Store, tmp_path: Path) -> None:
    rows = rows_of(tmp_path, scene(album, [replace(RING, name='a "b", c; ü\U0001f600', label="x=1")]))
    assert {(row["name"], row["label"]) for row in rows} == {('a "b", c; ü\U0001f600', "x=1")}
    assert [row["file"] for row in rows] == ["a b.png", "a (b).png", "IMG.01.jpg"]
