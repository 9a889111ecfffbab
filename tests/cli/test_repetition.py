"""The same command again: what is skipped, replaced, or left as it is."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sam2_core.cli.manifest import Manifest, manifest_file
from sam2_core.serving.commands import Command, SetPrompt
from tests.cli.runner import CommandResult, CommandRunner, masks_in
from tests.fakes import FakeEngine
from tests.media.numbered import numbered_image

BOX = ("--box", "10,20,40,50", "--export", "coco")


class Killed(BaseException):
    """The process ends without any chance to clean up."""


def outcomes(done: CommandResult) -> list[str]:
    return [outcome for each in done.results for outcome in each.get("outcomes", {"": each["status"]}).values()]


def area_in(file: Path) -> int:
    [mask] = masks_in(file).values()
    return mask.area


def test_a_single_input_is_always_made_anew(masklet: CommandRunner, photo: Path, tmp_path: Path) -> None:
    for out in (tmp_path / "out", tmp_path / "m.json"):
        file = tmp_path / "out" / "a_coco.json" if out.suffix == "" else out
        assert "replaced" not in masklet("segment", photo, *BOX, "--out", out).err
        again = masklet("segment", photo, "--box", "10,20,30,30", "--export", "coco", "--out", out)
        assert (again.code, again.err) == (0, f"{file}: replaced\n")
        assert area_in(file) == 200
        failed = masklet("segment", photo, "--point", "9999,1", "--export", "coco", "--out", out, "--json")
        assert (failed.code, failed.result["status"]) == (1, "failed")
        assert "The point 9999,1 lies outside of the picture, which has 96 x 64 pixels." in failed.err
        assert area_in(file) == 200


@pytest.mark.parametrize(
    "changed",
    [
        ("--box", "10,20,30,30"), ("--box", "10,20,40,50", "--label", "cat"), ("--point", "20,20"),
        ("--box", "10,20,40,50", "--polygons"), ("--box", "10,20,40,50", "--model", "sam2.1_hiera_tiny"),
        ("--box", "10,20,40,50", "--model", "sam2.1_hiera_tiny@512"),
    ],
)  # fmt: skip
def test_other_settings_replace_what_they_change(
    masklet: CommandRunner, photos: Path, tmp_path: Path, changed: tuple[str, ...]
) -> None:
    out = ("--out", tmp_path / "out", "--json")
    masklet("segment", photos, *BOX, *out)
    assert outcomes(masklet("segment", photos, *BOX, *out)) == ["skipped"] * 3
    again = masklet("segment", photos, *changed, "--export", "coco", *out)
    assert (again.code, outcomes(again)) == (0, ["replaced"] * 3)
    assert "3 done, 3 of them replaced" in again.err
    assert "other settings" in again.results[0]["reasons"]["coco"]
    assert outcomes(masklet("segment", photos, *BOX, *out)) == ["replaced"] * 3


def test_the_image_size_is_a_part_of_the_network(masklet: CommandRunner, photos: Path, tmp_path: Path) -> None:
    arguments = ("segment", photos, *BOX, "--out", tmp_path / "out", "--json", "--model")
    masklet(*arguments, "sam2.1_hiera_tiny@512")
    by_option = masklet(*arguments, "sam2.1_hiera_tiny", "--image-size", "512")
    assert outcomes(by_option) == ["skipped"] * 3
    for other in (("sam2.1_hiera_tiny",), ("sam2.1_hiera_tiny", "--image-size", "768")):
        assert outcomes(masklet(*arguments, *other)) == ["replaced"] * 3
    network = tmp_path / "mine.yaml"
    network.write_text("name: mine\n", "utf-8")
    masklet(*arguments, f"{network}@512")
    assert outcomes(masklet(*arguments, network, "--image-size", "512")) == ["skipped"] * 3
    network.write_text("name: mine\nstages: [1, 1, 1, 1]\n", "utf-8")
    assert outcomes(masklet(*arguments, f"{network}@512")) == ["replaced"] * 3


def test_a_look_changes_pictures_but_no_masks(masklet: CommandRunner, photos: Path, tmp_path: Path) -> None:
    arguments = ("segment", photos, "--box", "10,20,40,50", "--export", "coco,png", "--out", tmp_path / "out", "--json")
    masklet(*arguments)
    done = masklet(*arguments, "--look", "sticker")
    assert outcomes(done) == ["skipped", "replaced"] * 3
    (tmp_path / "look.json").write_text('{"layers": [{"effect": "overlay"}]}', "utf-8")
    assert outcomes(masklet(*arguments, "--look", tmp_path / "look.json")) == ["skipped", "replaced"] * 3
    assert outcomes(masklet(*arguments, "--look", tmp_path / "look.json")) == ["skipped", "skipped"] * 3
    (tmp_path / "look.json").write_text('{"layers": [{"effect": "overlay", "opacity": 1}]}', "utf-8")
    assert outcomes(masklet(*arguments, "--look", tmp_path / "look.json")) == ["skipped", "replaced"] * 3


def test_another_content_of_the_input_counts_also_under_the_same_time(
    masklet: CommandRunner, photos: Path, tmp_path: Path
) -> None:
    arguments = ("segment", photos, *BOX, "--out", tmp_path / "out", "--json")
    masklet(*arguments)
    before = (photos / "a.png").stat()
    Image.fromarray(np.zeros((64, 96, 3), np.uint8)).save(photos / "a.png")
    os.utime(photos / "a.png", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert outcomes(masklet(*arguments)) == ["replaced", "skipped", "skipped"]


def test_a_changed_prompt_file_counts_for_its_picture(masklet: CommandRunner, photos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "prompts"
    folder.mkdir()
    for name in "abc":
        (folder / f"{name}.json").write_text('{"objects": [{"prompts": [{"boxes": [[0, 0, 9, 9]]}]}]}', "utf-8")
    arguments = ("segment", photos, "--prompts", folder, "--export", "coco", "--out", tmp_path / "out", "--json")
    masklet(*arguments)
    (folder / "b.json").write_text('{"objects": [{"prompts": [{"boxes": [[0, 0, 5, 5]]}]}]}', "utf-8")
    assert outcomes(masklet(*arguments)) == ["skipped", "replaced", "skipped"]


def test_files_of_others_are_left_as_they_are(masklet: CommandRunner, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "b_coco.json").write_text("mine", "utf-8")
    done = masklet("segment", photos, *BOX, "--out", out, "--json")
    assert (done.code, outcomes(done)) == (1, ["computed", "kept", "computed"])
    assert done.results[1]["status"] == "kept"
    assert "b_coco.json is left as it is" in done.err
    assert "--again" in done.err
    assert "2 done, 1 not done" in done.err
    assert (out / "b_coco.json").read_text("utf-8") == "mine"
    again = masklet("segment", photos, *BOX, "--out", out, "--again", "--json")
    assert (again.code, outcomes(again)) == (0, ["replaced"] * 3)
    assert area_in(out / "b_coco.json") == 900


def test_deleted_edited_and_damaged_files_are_noticed(masklet: CommandRunner, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    masklet("segment", photos, *BOX, "--out", out)
    (out / "a_coco.json").unlink()
    edited = (out / "b_coco.json").read_text("utf-8").replace("Object 1", "Object 2")
    (out / "b_coco.json").write_text(edited, "utf-8")
    done = masklet("segment", photos, *BOX, "--out", out, "--json")
    assert (done.code, outcomes(done)) == (1, ["computed", "kept", "skipped"])
    assert "it was changed since it was written" in done.err
    assert (out / "b_coco.json").read_text("utf-8") == edited


def test_a_damaged_manifest_costs_its_damaged_lines_alone(masklet: CommandRunner, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    masklet("segment", photos, *BOX, "--out", out)
    text = manifest_file(out).read_text("utf-8")
    manifest_file(out).write_text('[]\n{"file": 3}\nnonsense\n' + text + '{"file": "b_coco.json", "by', "utf-8")
    assert outcomes(masklet("segment", photos, *BOX, "--out", out, "--json")) == ["skipped"] * 3
    masklet("segment", photos, "--box", "1,1,9,9", "--export", "coco", "--out", out)
    assert (
        outcomes(masklet("segment", photos, "--box", "1,1,9,9", "--export", "coco", "--out", out, "--json"))
        == ["skipped"] * 3
    )
    manifest_file(out).write_bytes(b"\xff\x00" * 50)
    assert outcomes(masklet("segment", photos, *BOX, "--out", out, "--json")) == ["kept"] * 3


def test_a_single_run_keeps_the_manifest_true(masklet: CommandRunner, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    masklet("segment", photos, *BOX, "--out", out)
    masklet("segment", photos / "a.png", "--box", "1,1,9,9", "--out", out / "a_coco.json")
    done = masklet("segment", photos, *BOX, "--out", out, "--json")
    assert (done.code, outcomes(done)) == (0, ["replaced", "skipped", "skipped"])
    masklet("segment", photos / "a.png", *BOX, "--out", tmp_path / "single")
    assert not manifest_file(tmp_path / "single").exists()


def test_a_killed_run_is_completed(masklet: CommandRunner, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ("segment", photos, *BOX, "--out", out, "--json")
    masklet(*arguments)
    manifest = Manifest(out)
    manifest.state(out / "b_coco.json", "")
    manifest.begin([out / "b_coco.json"])  # and no more
    done = masklet(*arguments)
    assert outcomes(done) == ["skipped", "replaced", "skipped"]
    assert "did not complete" in done.results[1]["reasons"]["coco"]


def test_a_failed_input_claims_no_file(masklet: CommandRunner, photos: Path, tmp_path: Path) -> None:
    class Faulty(FakeEngine):
        def execute(self, session: str, command: Command[Any]) -> Any:
            if isinstance(command, SetPrompt):
                raise ZeroDivisionError
            return super().execute(session, command)

    out = tmp_path / "out"
    masklet.engine = Faulty()
    assert outcomes(masklet("segment", photos, *BOX, "--out", out, "--json")) == ["failed"] * 3
    masklet.engine = FakeEngine()
    out.mkdir(exist_ok=True)
    (out / "a_coco.json").write_text("mine", "utf-8")
    assert outcomes(masklet("segment", photos, *BOX, "--out", out, "--json")) == ["kept", "computed", "computed"]


def test_the_run_that_wrote_last_is_recorded(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    one, other = Manifest(tmp_path), Manifest(tmp_path)
    one.begin([target])
    target.write_text("one", "utf-8")
    other.begin([target])
    target.write_text("other", "utf-8")
    one.finish({target: "first settings"})
    assert Manifest(tmp_path).state(target, "first settings") == "unfinished"
    other.finish({target: "second settings"})
    assert Manifest(tmp_path).state(target, "second settings") == "current"
    assert Manifest(tmp_path).state(target, "first settings") == "outdated"


def test_files_that_are_made_beside_their_sources_are_never_sources(masklet: CommandRunner, photos: Path) -> None:
    arguments = ("segment", photos, "--box", "10,20,40,50", "--out", photos, "--json", "--export")
    assert len(masklet(*arguments, "png").results) == 3
    assert len(masklet(*arguments, "webp").results) == 3
    only = masklet("segment", photos / "*_edited.png", "--box", "1,1,9,9", "--out", photos)
    assert (only.code, "were written by Masklet" in only.err) == (2, True)


def test_an_interrupted_run_records_what_is_complete(
    masklet: CommandRunner, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill(*arguments: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Manifest, "finish", kill)
        with pytest.raises(Killed):
            masklet("segment", photos, *BOX, "--out", tmp_path / "out")
    masklet.engine.sessions.clear()
    done = masklet("segment", photos, *BOX, "--out", tmp_path / "out", "--json")
    assert (done.code, outcomes(done)) == (0, ["replaced", "computed", "computed"])


def test_results_of_another_input_of_the_same_name_are_kept(
    masklet: CommandRunner, photos: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    Image.fromarray(numbered_image(9, 64, 96)).save(other / "a.png")
    prompt = ("--box", "10,20,40,50", "--export", "coco", "--out", tmp_path / "out")
    assert masklet("segment", photos, *prompt).code == 0
    before = (tmp_path / "out" / "a_coco.json").read_bytes()
    kept = masklet("segment", other, *prompt)
    assert (kept.code, "made of another input, which has the same name" in kept.err) == (1, True)
    assert (tmp_path / "out" / "a_coco.json").read_bytes() == before
    (photos / "a.png").unlink()  # as if the folder had been moved
    assert masklet("segment", other, *prompt).code == 0
