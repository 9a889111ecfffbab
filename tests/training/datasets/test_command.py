"""`python -m sam2_core.training.datasets` reads everything and tells what is there."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

from sam2_core.training.datasets.__main__ import main
from tests.training.datasets import test_pack
from tests.training.datasets.tiny import index_map, save_image, save_index, save_json


def test_counts_and_report_are_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images = [test_pack.save_labeled(tmp_path, name) for name in ("a", "b", "cut")]
    (tmp_path / "masks" / "cut.png").write_bytes((tmp_path / "masks" / "cut.png").read_bytes()[:50])
    images[1]["instances"] = [*test_pack.INSTANCES, {"id": 7, "category": "nothing"}]
    save_image(tmp_path / "unlabelled" / "u.jpg")
    images.append({"id": "u", "path": "unlabelled/u.jpg"})
    films = [test_pack.save_clip(tmp_path, "v", 4, (0, 2)), test_pack.save_clip(tmp_path, "w", 3)]
    save_json(tmp_path / "manifest.json", {"images": images, "videos": films})
    assert main([str(tmp_path)]) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "2 pictures with masks", "4 masks on pictures", "1 pictures without labels",
        "2 clips", "7 frames", "2 frames with masks", "4 masks on frames",
        "2 classes: cup 2, table 2",
        "skipped 1: empty mask (b)", "skipped 1: file that cannot be read as a picture (cut)",
    ]  # fmt: skip


def test_frames_that_cannot_be_read_are_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    film = test_pack.save_clip(tmp_path, "v", 3, (0,))
    (tmp_path / "videos" / "v" / "frames" / "00001.jpg").write_bytes(b"no picture")
    save_json(tmp_path / "manifest.json", {"images": [], "videos": [film]})
    assert main([str(tmp_path), "--layout", "pack", "--sources", "films"]) == 0
    told = capsys.readouterr().out
    assert "2 frames\n" in told
    assert "(v/00001)" in told


def test_nothing_usable_is_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 1
    assert "No known layout" in capsys.readouterr().err
    save_image(tmp_path / "images" / "x.jpg")
    save_index(tmp_path / "masks" / "x.png", index_map())
    assert main([str(tmp_path)]) == 1
    captured = capsys.readouterr()
    assert "Nothing here can be used" in captured.err
    assert "skipped 1: empty mask (x)" in captured.out


def test_it_runs_as_a_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_image(tmp_path / "x.jpg")
    save_index(tmp_path / "x_mask.png", index_map(1))
    monkeypatch.setattr(sys, "argv", ["datasets", str(tmp_path)])
    monkeypatch.delitem(sys.modules, "sam2_core.training.datasets.__main__")
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("sam2_core.training.datasets", run_name="__main__")
    assert ended.value.code == 0
