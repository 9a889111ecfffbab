"""The stages of the data engine on a dataset folder."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sam2_core.cli import dataset_training, proposal_sheets
from sam2_core.cli.dataset_stages import network_of
from sam2_core.cli.options import add_network
from sam2_core.dataset import DatasetFolder, DatasetWriter
from sam2_core.detection import loading
from sam2_core.detection.detector import Detection
from sam2_core.training.augment.contact_sheet import save_contact_sheet
from sam2_core.training.synthetic.image_pool import PooledImage
from sam2_core.types import Box, Mask, Progress
from tests.cli.runner import CommandRunner
from tests.dataset.folders import box_mask, write_image
from tests.detection.stand_in import StandInDetector

LOOSE = ("--grid", "2", "--least-quality", "0.85", "--least-stability", "0.1", "--least-area", "0")


def test_masks_tell_the_network_with_its_image_size(tmp_path: Path) -> None:
    (tmp_path / "mine.pt").write_bytes(b"weights")
    for flags, name in (
        ((), "nano"),
        (("--model", "sam2.1_hiera_tiny", "--image-size", "512"), "sam2.1_hiera_tiny@512"),
        (("--checkpoint", str(tmp_path / "mine.pt"), "--image-size", "512"), "mine.pt@512"),
    ):
        parser = ArgumentParser()
        add_network(parser)
        assert network_of(parser.parse_args(flags)).name == name


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two different pictures."""
    for number in range(2):
        pixels = np.full((64, 96, 3), 40 * number, np.uint8)
        (tmp_path / "photos").mkdir(exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{number}.png")
    return tmp_path / "photos"


def prompts(folder: Path, x: int, label: str = "cat") -> Path:
    folder.mkdir(exist_ok=True)
    for number in range(2):
        plain = {"objects": [{"label": label, "prompts": [{"points": [[x, 30, 1]]}]}]}
        (folder / f"{number}.json").write_text(json.dumps(plain), "utf-8")
    return folder


def test_automatic_masks_are_made_once(masklet: CommandRunner, photos: Path, tmp_path: Path) -> None:
    root = tmp_path / "set"
    done = masklet("dataset", "auto", root, "--images", photos, *LOOSE, "--json")
    assert done.code == 0
    assert [(each["image"], each["status"], each["masks"]) for each in done.results] == [
        ("0.png", "done", 4),
        ("1.png", "done", 4),
    ]
    again = masklet("dataset", "auto", root, "--images", photos, *LOOSE, "--json")
    assert [each["status"] for each in again.results] == ["skipped", "skipped"]
    changed = masklet("dataset", "auto", root, *LOOSE[:4], "--least-stability", "0.8", "--json")
    assert [each["masks"] for each in changed.results] == [2, 2]
    state = DatasetFolder.read(root).state
    assert {each.source for each in state.annotations.values()} == {"automatic"}
    assert len(state.annotations) == 4, "those of the first run were replaced"
    assert all(each.seconds is not None for each in state.annotations.values())


def test_proposals_are_decided_about(masklet: CommandRunner, photos: Path, tmp_path: Path) -> None:
    root = tmp_path / "set"
    done = masklet("dataset", "propose", root, "--images", photos / "0.png", *LOOSE)
    assert done.code == 0
    assert "4 proposals wait" in done.err
    file = root / "proposals.json"
    plain = json.loads(file.read_text("utf-8"))
    assert DatasetFolder.read(root).state.annotations == {}
    listed = plain["annotations"]
    assert {each["decision"] for each in listed} == {"open"}
    smaller = np.zeros((64, 96), bool)
    smaller[:5, :5] = True
    listed[0]["decision"], listed[1]["decision"] = "accepted", "rejected"
    listed[2] |= {"decision": "changed", "segmentation": coco(smaller), "label": "dog"}
    decisions = tmp_path / "decisions.json"
    decisions.write_text(json.dumps(plain), "utf-8")
    confirmed = masklet("dataset", "confirm", root, "--decisions", decisions, "--json")
    assert confirmed.result["new"] == {"accepted": 1, "changed": 1, "rejected": 1}
    assert confirmed.result["proposals"]["open"] == 1
    assert confirmed.result["proposals"]["share_rejected"] == pytest.approx(0.3333)
    found = list(DatasetFolder.read(root).state.annotations.values())
    assert [(each.source, each.label) for each in found] == [("confirmed", ""), ("person", "dog")]
    assert found[1].mask.area == 25
    assert [each["id"] for each in json.loads(file.read_text("utf-8"))["annotations"]] == [listed[3]["id"]]
    anew = masklet("dataset", "propose", root, *LOOSE, "--again", "--json")
    assert anew.result["known"] == 2, "neither what was accepted nor what was rejected"
    stats = masklet("dataset", "stats", root)
    assert "33% of 3 proposals, 2 open" in stats.out


def test_an_edited_mask_that_is_accepted_is_a_changed_one(masklet: CommandRunner, photos: Path, tmp_path: Path) -> None:
    root = tmp_path / "set"
    masklet("dataset", "propose", root, "--images", photos / "0.png", *LOOSE)
    file = root / "proposals.json"
    plain = json.loads(file.read_text("utf-8"))
    edited, kept, outlined = plain["annotations"][:3]
    smaller = np.zeros((64, 96), bool)
    smaller[:5, :5] = True
    for each in (edited, kept, outlined):
        each["decision"] = "accepted"
    edited["segmentation"] = coco(smaller)
    for wrong, sentence in (
        ([[1, 1, 9, 1, 9, 9]], "cannot be read as COCO run lengths"),
        (coco(smaller[:, :9]), "The mask is 9 x 64 pixels"),
        (coco(np.zeros((64, 96), bool)), "reject it instead"),
    ):
        proposed, outlined["segmentation"] = outlined["segmentation"], wrong
        file.write_text(json.dumps(plain), "utf-8")
        refused = masklet("dataset", "confirm", root, "--decisions", file)
        assert (refused.code, sentence in refused.err) == (2, True), refused.err
        assert DatasetFolder.read(root).state.decisions == {}
        outlined["segmentation"] = proposed
    file.write_text(json.dumps(plain), "utf-8")
    done = masklet("dataset", "confirm", root, "--decisions", file, "--json")
    assert done.result["new"] == {"accepted": 2, "changed": 1, "rejected": 0}
    found = DatasetFolder.read(root).state.annotations
    assert (found[edited["id"]].mask, found[edited["id"]].source) == (Mask.from_array(smaller), "person")
    assert found[kept["id"]].source == "confirmed"


def test_decisions_that_are_not_confirmed_are_not_lost(masklet: CommandRunner, photos: Path, tmp_path: Path) -> None:
    root = tmp_path / "set"
    masklet("dataset", "propose", root, "--images", photos / "0.png", *LOOSE)
    file = root / "proposals.json"
    plain = json.loads(file.read_text("utf-8"))
    plain["annotations"][0]["decision"] = "accepted"
    for content in (json.dumps(plain), json.dumps(plain)[:-1]):  # complete, and in the middle of an edit
        file.write_text(content, "utf-8")
        for verb in (("propose",), ("auto",), ("propose", "--images", str(photos))):
            refused = masklet("dataset", verb[0], root, *verb[1:], *LOOSE)
            assert (refused.code, "not confirmed" in refused.err) == (2, True), refused.err
            assert file.read_text("utf-8") == content
    file.write_text(json.dumps(plain), "utf-8")
    other = tmp_path / "other.json"
    second = plain["annotations"][1]["id"]
    other.write_text(json.dumps({"annotations": [{"id": second, "decision": "rejected"}]}), "utf-8")
    done = masklet("dataset", "confirm", root, "--decisions", other)
    assert (done.code, "is left as it is" in done.err) == (0, True)
    assert masklet("dataset", "confirm", root, "--decisions", file, "--json").result["new"]["accepted"] == 1
    assert masklet("dataset", "propose", root, "--images", photos, *LOOSE).code == 0
    waiting = {each["id"] for each in json.loads(file.read_text("utf-8"))["annotations"]}
    assert waiting, "the file is written again"
    assert not waiting & {plain["annotations"][0]["id"], second}


def test_what_is_open_in_a_copy_stays_as_it_is(masklet: CommandRunner, photos: Path, tmp_path: Path) -> None:
    root, copy = tmp_path / "set", tmp_path / "copy.json"
    masklet("dataset", "propose", root, "--images", photos / "0.png", *LOOSE)
    copy.write_text((root / "proposals.json").read_text("utf-8"), "utf-8")
    first = json.loads(copy.read_text("utf-8"))["annotations"][0]["id"]
    mine = tmp_path / "mine.json"
    mine.write_text(json.dumps({"annotations": [{"id": first, "decision": "accepted"}]}), "utf-8")
    masklet("dataset", "confirm", root, "--decisions", mine)
    masklet("dataset", "propose", root, *LOOSE, "--again")  # withdraws the others
    confirmed = masklet("dataset", "confirm", root, "--decisions", copy, "--json")
    assert confirmed.result["new"] == {"accepted": 0, "changed": 0, "rejected": 0}
    assert [*DatasetFolder.read(root).state.annotations] == [first]


def test_open_proposals_are_numbered_on_a_sheet(
    masklet: CommandRunner, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[list[str]] = []

    def save(pictures: Iterable[PooledImage], *given: Any, **more: Any) -> None:
        read = [*pictures]
        shown.append([each.category for picture in read for each in picture.instances])
        save_contact_sheet(read, *given, **more)

    monkeypatch.setattr(proposal_sheets, "save_contact_sheet", save)
    monkeypatch.setattr(proposal_sheets, "MAX_PICTURES", 1)
    root = tmp_path / "set"
    done = masklet("dataset", "propose", root, "--images", photos, *LOOSE)
    assert f"look at them in {root / 'proposals.jpg'}" in done.err
    listed = json.loads((root / "proposals.json").read_text("utf-8"))["annotations"]
    assert len(shown) == 2 and [*shown[0], *shown[1]] == [str(each["id"]) for each in listed]
    with Image.open(root / "proposals.jpg") as sheet, Image.open(root / "proposals_2.jpg") as second:
        assert sheet.size == second.size
        plain, drawn = (np.asarray(sheet)[6:326, left : left + 480] for left in (6, 492))
    assert np.abs(plain.astype(int) - drawn).max() > 100, "outlines and numbers"
    decisions = {"annotations": [{"id": each["id"], "decision": "accepted"} for each in listed[:4]]}
    (tmp_path / "mine.json").write_text(json.dumps(decisions), "utf-8")
    masklet("dataset", "confirm", root, "--decisions", tmp_path / "mine.json")
    assert shown[2:] == [[str(each["id"]) for each in listed[4:]]]
    assert not (root / "proposals_2.jpg").exists(), "what is decided is on none"


def test_what_words_name_is_proposed(
    masklet: CommandRunner, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    detector = StandInDetector(lambda image: [Detection("dog", 0.8, Box(10, 20, 40, 50))])
    monkeypatch.setattr(loading, "load_detector", lambda name, device, progress: detector)
    arguments = ("dataset", "propose", tmp_path / "set", "--images", photos / "0.png", "--text", "dog")
    assert masklet(*arguments, "--json").result["masks"] == 1
    [proposal] = DatasetFolder.read(tmp_path / "set").state.open_proposals()
    assert proposal.label == "dog"
    assert masklet(*arguments, "--json").result["status"] == "skipped"
    assert masklet(*arguments[:-1], "cat", "--json").result["status"] == "done"


def test_an_interrupted_stage_goes_on(
    masklet: CommandRunner, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    annotate, calls = DatasetWriter.annotate, iter(range(100))

    def interrupted(*given: Any, **more: Any) -> Any:
        if next(calls) == 5:  # within the second picture
            raise KeyboardInterrupt
        return annotate(*given, **more)

    monkeypatch.setattr(DatasetWriter, "annotate", interrupted)
    arguments = ("dataset", "auto", tmp_path / "set", "--images", photos, *LOOSE, "--json")
    assert masklet(*arguments).code == 130
    assert [each["status"] for each in masklet(*arguments).results] == ["skipped", "done"]
    assert len(DatasetFolder.read(tmp_path / "set").state.annotations) == 8


def coco(pixels: np.ndarray[Any, np.dtype[np.bool_]]) -> dict[str, Any]:
    return Mask.from_array(pixels).to_coco()


@pytest.mark.parametrize(
    ("plain", "sentence"),
    [
        ("no", "is not JSON"),
        ({}, "reads"),
        ({"annotations": [{"id": 1, "decision": "accepted"}, {"id": 99, "decision": "accepted"}]}, "no proposal 99"),
        ({"annotations": [{"id": 1, "decision": "yes"}]}, "is one of"),
        ({"annotations": [{"id": 1, "decision": "changed"}]}, "run lengths"),
        ({"annotations": [{"id": 1, "decision": "accepted"}, {"id": 1, "decision": "rejected"}]}, "twice"),
    ],
)
def test_a_bad_decision_changes_nothing(masklet: CommandRunner, tmp_path: Path, plain: Any, sentence: str) -> None:
    root = tmp_path / "set"
    with DatasetWriter(root) as writer:
        writer.propose(writer.add_image(write_image(tmp_path / "a.png")).id, box_mask(1, 1, 9, 9))
    file = tmp_path / "decisions.json"
    file.write_text(plain if isinstance(plain, str) else json.dumps(plain), "utf-8")
    done = masklet("dataset", "confirm", root, "--decisions", file)
    assert (done.code, sentence in done.err) == (2, True), done.err
    assert DatasetFolder.read(root).state.decisions == {}


def test_masks_of_a_person_replace_others(masklet: CommandRunner, photos: Path, tmp_path: Path) -> None:
    root = tmp_path / "set"
    arguments = ("dataset", "add", root, "--images", photos, "--json", "--prompts")
    done = masklet(*arguments, prompts(tmp_path / "prompts", 30))
    assert [each["masks"] for each in done.results] == [1, 1]
    assert [each["status"] for each in masklet(*arguments, tmp_path / "prompts").results] == ["skipped", "skipped"]
    masklet(*arguments, prompts(tmp_path / "prompts", 30, "dog"))
    found = list(DatasetFolder.read(root).state.annotations.values())
    assert [(each.source, each.stage, each.label) for each in found] == 2 * [("person", "assisted", "dog")]
    masklet(*arguments, prompts(tmp_path / "prompts", 80, "dog"))
    assert len(DatasetFolder.read(root).state.annotations) == 4, "another object"


def test_what_cannot_be_done_is_a_sentence(masklet: CommandRunner, photos: Path, tmp_path: Path) -> None:
    root = tmp_path / "set"
    (photos / "broken.png").write_bytes(b"nothing")
    done = masklet("dataset", "auto", root, "--images", photos, *LOOSE)
    assert (done.code, "broken.png" in done.err) == (1, True)
    assert DatasetFolder.read(root).statistics()["stages"]["automatic"]["images"] == 2
    for arguments, sentence in (
        (("stats", photos), "is no data set"),
        (("auto", tmp_path / "none"), "is no data set"),
        (("auto", photos, "--images", photos), "holds other files"),
        (("confirm", root, "--decisions", tmp_path / "none.json"), "no file"),
        (("add", root, "--images", photos, "--prompts", tmp_path / "none.json"), "no file"),
        (("train", root, "--out", tmp_path / "w.safetensors"), "at least 5"),
        (("train", root, "--out", tmp_path / "w.pt"), ".safetensors"),
    ):
        failed = masklet("dataset", *arguments)
        assert (failed.code, sentence in failed.err) == (2, True), failed.err


@pytest.fixture
def annotated(tmp_path: Path) -> Path:
    """A dataset folder with enough masks to train on."""
    root = tmp_path / "set"
    with DatasetWriter(root) as writer:
        for number in range(5):
            image = writer.add_image(write_image(tmp_path / f"{number}.png", number))
            writer.annotate(image.id, box_mask(1, 1, 9, 9), "assisted")
    return root


def test_an_interrupted_training_goes_on_with_the_same_weights_only(
    masklet: CommandRunner, annotated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[bool] = []

    def interrupted(dataset: Path, out: Path, *given: Any, **more: Any) -> dict[str, Any]:
        found.append((out / "checkpoint").exists())
        (out / "checkpoint").write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(dataset_training, "fine_tune", interrupted)
    init = tmp_path / "init.safetensors"
    arguments = (
        "dataset",
        "train",
        annotated,
        "--init",
        init,
        "--network",
        "nano",
        "--out",
        tmp_path / "w.safetensors",
    )
    for content in (b"one", b"one", b"two"):
        init.write_bytes(content)
        assert masklet(*arguments).code == 130
    assert found == [False, True, False]


def test_two_trainings_do_not_write_the_same_weights(
    masklet: CommandRunner, annotated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("dataset", "train", annotated, "--out", tmp_path / "mine.safetensors")
    refused: list[str] = []

    def meanwhile(dataset: Path, out: Path, *given: Any, **more: Any) -> dict[str, Any]:
        if not refused:
            refused.append("")
            second = masklet(*arguments)
            assert second.code != 0
            refused[0] = second.err
            assert (out / "settings").exists()
        raise KeyboardInterrupt

    monkeypatch.setattr(dataset_training, "fine_tune", meanwhile)
    assert masklet(*arguments).code == 130
    assert "Another training writes" in refused[0]
    assert not list(tmp_path.glob(".*.lock"))


def test_weights_come_with_a_card(
    masklet: CommandRunner, annotated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fine_tune(dataset: Path, out: Path, *given: Any, progress: Progress, **sources: Any) -> dict[str, Any]:
        (out / "weights.safetensors").write_bytes(b"new")
        scores = {"before": {"click1": 0.5, "box": 0.7}, "after": {"click1": 0.6, "box": 0.65}}
        return {**scores, "learned": 4, "measured": 1, "weights": str(out / "weights.safetensors")}

    monkeypatch.setattr(dataset_training, "fine_tune", fine_tune)
    done = masklet("dataset", "train", annotated, "--out", tmp_path / "mine.safetensors")
    assert done.code == 0
    assert "one click      0.500 -> 0.600 (+0.100)" in done.out
    assert "The new weights are better" in done.out
    assert "may be chance, with so few" in done.out
    card = json.loads((tmp_path / "mine.json").read_text("utf-8"))
    assert (card["verdict"], card["sources"]) == ("better", ["person", "confirmed"])
    assert (tmp_path / "mine.safetensors").read_bytes() == b"new"
    assert not list(tmp_path.glob(".mine*")), "the folder of the run is gone"
    assert dataset_training.compare({"box": 0.7}, {"box": 0.6}) == "worse"
