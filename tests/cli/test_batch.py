"""Batches: skipping, continuing, failing inputs."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from sam2_core.errors import WeightsError
from sam2_core.serving.commands import Command, SetPrompt
from tests.cli.runner import CommandRunner
from tests.fakes import FakeEngine

BOX = ("--box", "10,20,40,50", "--export", "coco")


class Interrupted(FakeEngine):
    """Somebody presses Ctrl-C at the second picture."""

    prompts = 0

    def execute(self, session: str, command: Command[Any]) -> Any:
        self.prompts += isinstance(command, SetPrompt)
        if self.prompts == 2:
            raise KeyboardInterrupt
        return super().execute(session, command)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_finished_folder_is_skipped(masklet: CommandRunner, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = masklet("segment", photos, *BOX, "--out", out)
    assert (first.code, first.out.split()) == (0, [str(out / f"{name}_coco.json") for name in "abc"])
    assert "3 done" in first.err
    assert len(masklet.built) == 1
    again = masklet("segment", photos, *BOX, "--out", out, "--json")
    assert (again.code, [each["status"] for each in again.results]) == (0, ["skipped"] * 3)
    assert "3 skipped (there already; --again writes anew)" in again.err
    assert len(masklet.built) == 1, "a network was loaded for nothing"


def test_only_missing_files_are_written(masklet: CommandRunner, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    masklet("segment", photos, *BOX, "--out", out)
    (out / "b_coco.json").unlink()
    (out / "a_coco.json").write_text("mine", "utf-8")
    done = masklet("segment", photos, "--box", "10,20,40,50", "--export", "coco,png", "--out", out, "--json")
    assert [each["written"] for each in done.results] == [["png"], ["coco", "png"], ["png"]]
    assert (out / "a_coco.json").read_text("utf-8") == "mine"
    assert masklet("segment", photos, *BOX, "--out", out, "--again").code == 0
    assert (out / "a_coco.json").read_text("utf-8") != "mine"


def test_a_named_file_is_overwritten(masklet: CommandRunner, photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "mask.json"
    masklet("segment", photo, "--box", "10,20,40,50", "--out", out)
    before = out.read_bytes()
    masklet("segment", photo, "--box", "10,20,30,30", "--out", out)
    assert out.read_bytes() != before


def test_one_bad_file_does_not_stop_the_others(masklet: CommandRunner, photos: Path, tmp_path: Path) -> None:
    (photos / "b.jpg").write_bytes((photos / "b.jpg").read_bytes()[:300])
    done = masklet("segment", photos, *BOX, "--out", tmp_path / "out", "--json", "--quiet")
    assert done.code == 1
    assert [each["status"] for each in done.results] == ["done", "failed", "done"]
    assert "damaged" in done.results[1]["error"]
    assert done.err == f"error: {photos / 'b.jpg'}: {done.results[1]['error']}\n"
    assert names_in(tmp_path / "out") == ["a_coco.json", "c_coco.json"]


def test_an_unexpected_error_fails_one_image(masklet: CommandRunner, photos: Path, tmp_path: Path) -> None:
    class Faulty(Interrupted):
        def execute(self, session: str, command: Command[Any]) -> Any:
            try:
                return super().execute(session, command)
            except KeyboardInterrupt:
                raise ZeroDivisionError("division by zero") from None

    masklet.engine = Faulty()
    done = masklet("segment", photos, *BOX, "--out", tmp_path / "out", "--json")
    assert (done.code, [each["status"] for each in done.results]) == (1, ["done", "failed", "done"])
    assert "fault of Masklet (ZeroDivisionError: division by zero)" in done.err


def test_interrupted_work_continues(masklet: CommandRunner, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    masklet.engine = Interrupted()
    done = masklet("segment", photos, *BOX, "--out", out)
    assert done.code == 130
    assert "The same command goes on" in done.err
    assert names_in(out) == ["a_coco.json"]
    again = masklet("segment", photos, *BOX, "--out", out, "--json")
    assert [each["status"] for each in again.results] == ["skipped", "done", "done"]


def test_interrupted_writing_leaves_no_half_file(
    masklet: CommandRunner, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("sam2_core.media.formats.coco.crop", interrupt)
    assert masklet("segment", photo, *BOX, "--out", tmp_path / "out").code == 130
    assert names_in(tmp_path / "out") == []


def test_outputs_beside_their_sources_are_no_sources(masklet: CommandRunner, photos: Path) -> None:
    arguments = ("segment", photos, "--box", "10,20,40,50", "--export", "png", "--out", photos, "--json")
    assert len(masklet(*arguments).results) == 3
    assert [each["status"] for each in masklet(*arguments).results] == ["skipped"] * 3


def test_equal_names_are_made_unique(masklet: CommandRunner, photos: Path, tmp_path: Path) -> None:
    shutil.copy(photos / "b.jpg", photos / "A.jpg")
    done = masklet("segment", photos, *BOX, "--out", tmp_path / "out")
    assert done.code == 0
    assert names_in(tmp_path / "out") == ["A_jpg_coco.json", "a_png_coco.json", "b_coco.json", "c_coco.json"]
    (photos / "more").mkdir()
    shutil.copy(photos / "b.jpg", photos / "more" / "b.jpg")
    alike = masklet("segment", photos / "b.jpg", photos / "more" / "b.jpg", *BOX, "--out", tmp_path / "more")
    assert alike.code == 0
    assert names_in(tmp_path / "more") == ["more_b_coco.json", "photos_b_coco.json"]


def test_an_empty_folder_and_one_name_for_many(masklet: CommandRunner, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "There is no picture in the folder" in masklet("segment", tmp_path / "empty", *BOX).err
    many = masklet("segment", photos, "--box", "10,20,40,50", "--out", tmp_path / "cut.png")
    assert (many.code, "Name a folder" in many.err) == (2, True)


def test_missing_weights_stop_the_batch(masklet: CommandRunner, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(options: object, progress: object) -> FakeEngine:
        raise WeightsError("The weights cannot be fetched.")

    monkeypatch.setattr(masklet, "_build", fail)
    done = masklet("segment", photos, *BOX)
    assert (done.code, done.err) == (1, "error: The weights cannot be fetched.\n")


def test_an_unwritable_folder_is_an_error(masklet: CommandRunner, photo: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    done = masklet("segment", photo, *BOX, "--out", tmp_path / "file")
    assert (done.code, "is no folder" in done.err) == (2, True)
    below = masklet("segment", photo, *BOX, "--out", tmp_path / "file" / "out")
    assert below.code == 1
    assert "Traceback" not in below.err


def test_quiet_prints_only_results(masklet: CommandRunner, photos: Path, tmp_path: Path) -> None:
    done = masklet("segment", photos, *BOX, "--out", tmp_path / "out", "--quiet")
    assert (done.err, len(done.out.split())) == ("", 3)
