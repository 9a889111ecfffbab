"""Fine-tuning on a dataset folder: what is learned from, what is measured, and what is printed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sam2_core.dataset import SOURCES, DatasetWriter
from sam2_core.training import fine_tuning
from sam2_core.training.fine_tuning import main, split_dataset
from sam2_core.weights import load_network
from tests.dataset.folders import box_mask, write_image


def dataset(folder: Path, images: int) -> Path:
    with DatasetWriter(folder / "set") as writer:
        for number in range(images):
            added = writer.add_image(write_image(folder / f"{number}.png", number))
            writer.annotate(added.id, box_mask(5, 5, 25, 25), "assisted")
    return folder / "set"


def test_weights_and_scores_come_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = dataset(tmp_path, 3)
    assert main([str(path), "--out", str(tmp_path / "run"), "--steps", "1"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["message"] for line in lines[:2]] == [
        "Reading the data set",
        "Measuring on pictures that were set aside",
    ]
    last = lines[-1]
    assert last["before"].keys() == last["after"].keys()
    assert 0 <= last["before"]["click1"] <= 1
    load_network("nano", last["weights"])
    assert (last["measured"], last["masks"]) == (1, 1)
    names = [
        {image["file_name"] for image in json.loads((tmp_path / "run" / file).read_text())["images"]}
        for file in ("learned.json", "measured.json")
    ]
    assert names[0]
    assert names[1]
    assert names[0] | names[1] == {"0.png", "1.png", "2.png"}
    assert not names[0] & names[1]


def test_a_run_that_goes_on_compares_with_its_beginning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = iter([0.5, 0.6, 0.7])
    monkeypatch.setattr(fine_tuning, "held_out_scores", lambda network, images: {"click1": next(values)})
    network = load_network("nano")
    for _ in range(2):  # the second one is the run that goes on, which measures at its end only
        scores = fine_tuning.Scores([], tmp_path / "before.json", lambda fraction, message: None)
        scores.measure(network)
    assert (scores.before, scores.last) == ({"click1": 0.5}, {"click1": 0.6})


def test_what_is_measured_is_of_people_and_never_learned(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path / "set") as writer:
        for number in range(6):
            added = writer.add_image(write_image(tmp_path / f"{number}.png", number))
            writer.annotate(added.id, box_mask(5, 5, 25, 25), "automatic", "automatic")
            if number < 3:
                writer.annotate(added.id, box_mask(1, 1, 9, 9), "assisted")
    *files, count = split_dataset(tmp_path / "set", tmp_path, ("person", "automatic"), ("person",))
    learned, measured = (json.loads(file.read_text("utf-8")) for file in files)
    assert {each["source"] for each in measured["annotations"]} == {"person"}
    assert {each["source"] for each in learned["annotations"]} == {"person", "automatic"}
    names = [{image["file_name"] for image in each["images"]} for each in (learned, measured)]
    assert len(names[0]) == count
    assert names[1] <= {"0.png", "1.png", "2.png"}
    assert not names[0] & names[1]


@pytest.mark.parametrize(("by_person", "measured"), [(2, {"person"}), (1, {"person", "automatic"}), (0, {"automatic"})])
def test_a_network_is_measured_on_its_own_masks_only_where_there_are_no_others(
    by_person: int, measured: set[str], tmp_path: Path
) -> None:
    with DatasetWriter(tmp_path / "set") as writer:
        for number in range(12):
            added = writer.add_image(write_image(tmp_path / f"{number}.png", number))
            source = "person" if number < by_person else "automatic"
            writer.annotate(added.id, box_mask(5, 5, 25, 25), "assisted", source)
    (tmp_path / "run").mkdir()
    _, file, _ = split_dataset(tmp_path / "set", tmp_path / "run", SOURCES)
    found = {each["source"] for each in json.loads(file.read_text("utf-8"))["annotations"]}
    assert found and found <= measured


def test_one_picture_is_too_little(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(dataset(tmp_path, 1)), "--out", str(tmp_path / "run")]) == 1
    assert "at least two pictures" in json.loads(capsys.readouterr().out.splitlines()[-1])["error"]
