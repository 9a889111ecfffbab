from __future__ import annotations

import errno
import io
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sam2_core.dataset import DatasetFolder, DatasetWriter, MaskOverlap, NetworkId
from sam2_core.errors import Busy, DataError, MediaError
from sam2_core.types import Mask
from tests.dataset.folders import HEIGHT, WIDTH, box_mask, write_image

if TYPE_CHECKING:
    from typing_extensions import Buffer


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    network = NetworkId("nano", "abc")
    with DatasetWriter(tmp_path / "set") as dataset:
        image = dataset.add_image(write_image(tmp_path / "a.png"))
        made = dataset.annotate(image.id, box_mask(1, 2, 9, 8), "assisted", label="dog", seconds=3.5)
        proposal = dataset.propose(image.id, box_mask(20, 2, 30, 12), "cat", 0.91, 0.97, network)
        rejected = dataset.propose(image.id, box_mask(10, 20, 18, 25), "", 0.8, 0.9, network)
        dataset.decide(proposal.id, "accepted", seconds=0.5)
        dataset.decide(rejected.id, "rejected")
        dataset.finish(image.id, "semi-automatic", 12.0)
    found = DatasetFolder.read(tmp_path / "set")
    assert found.notes == []
    assert found.state.annotations[made.id] == made
    confirmed = found.state.annotations[proposal.id]
    assert (confirmed.source, confirmed.stage, confirmed.seconds) == ("confirmed", "semi-automatic", 0.5)
    assert (confirmed.network, confirmed.predicted_iou, confirmed.mask) == (network, 0.91, proposal.mask)
    assert [each.id for each in found.state.rejected(image.id)] == [rejected.id]
    assert found.state.open_proposals() == []
    assert found.state.finished[image.id, "semi-automatic"].seconds == 12.0


def test_derived_files(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path) as dataset:
        first = dataset.add_image(write_image(tmp_path.parent / f"{tmp_path.name}_a.png", 1))
        dataset.add_image(write_image(tmp_path.parent / f"{tmp_path.name}_b.png", 2))
        dataset.annotate(first.id, box_mask(1, 2, 9, 8), "assisted", label="dog", seconds=4)
        dataset.annotate(first.id, box_mask(1, 2, 9, 9), "assisted", seconds=8)
        dataset.annotate(first.id, box_mask(20, 2, 30, 9), "automatic", "automatic", "", 0.2, 0.9, 0.95)
        for verdict in ("accepted", "accepted", "rejected", "open"):
            dataset.decide(dataset.propose(first.id, box_mask(0, 0, 5, 5)).id, verdict)
        number = dataset.propose(first.id, box_mask(0, 0, 6, 5)).id
        dataset.decide(number, "changed", box_mask(0, 0, 7, 5), seconds=6)
    coco = json.loads((tmp_path / "annotations.json").read_text())
    assert [each["name"] for each in coco["categories"]] == ["dog", "object"]
    assert coco["annotations"][2].items() >= {
        "image_id": 1, "category_id": 2, "area": 70, "bbox": [20, 2, 10, 7], "source": "automatic",
        "stage": "automatic", "seconds": 0.2, "predicted_iou": 0.9, "stability_score": 0.95,
    }.items()  # fmt: skip
    statistics = json.loads((tmp_path / "statistics.json").read_text())
    assert statistics["images"] == 2
    assert statistics["annotated"] == 1
    assert statistics["sources"] == {"person": 3, "confirmed": 2, "automatic": 1}
    assisted, semi = statistics["stages"]["assisted"], statistics["stages"]["semi-automatic"]
    assert assisted["seconds_per_mask"] == {"median": 6, "mean": 6, "measured": 2}
    assert (assisted["images"], assisted["masks_per_image"]) == (1, 2.0)
    assert semi["seconds_per_mask"] == {"median": 6, "mean": 6, "measured": 1}
    assert semi["proposals"] == {
        "made": 5, "open": 1, "accepted": 2, "changed": 1, "rejected": 1,
        "share_accepted": 0.5, "share_changed": 0.25, "share_rejected": 0.25,
    }  # fmt: skip


def test_a_decision_can_be_taken_back(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path) as dataset:
        image = dataset.add_image(write_image(tmp_path.parent / f"{tmp_path.name}.png"))
        number = dataset.propose(image.id, box_mask(0, 0, 5, 5)).id
        dataset.decide(number, "accepted")
        dataset.decide(number, "open")
        assert not dataset.state.annotations
        assert [each.id for each in dataset.state.open_proposals(image.id)] == [number]
        dataset.decide(number, "rejected")
        with pytest.raises(DataError, match="no open proposal"):
            dataset.withdraw(number)
        dataset.decide(number, "changed", box_mask(0, 0, 6, 6))
        dataset.remove(number)
        assert not dataset.state.annotations


class NearlyFullDisk(io.FileIO):
    """Takes a few bytes, as a full disk does, and then none until there is room again."""

    room = 30

    def write(self, data: Buffer) -> int:
        """As much as there is room for."""
        if not self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = super().write(memoryview(data)[: self.room])
        self.room = max(0, self.room - written)
        return written


def test_a_full_disk_costs_no_other_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with DatasetWriter(tmp_path / "set") as writer:
        image = writer.add_image(write_image(tmp_path / "a.png"))
        disk = NearlyFullDisk(tmp_path / "set" / "manifest.jsonl", "ab")
        writer._log._file.close()
        monkeypatch.setattr(writer._log, "_file", disk)
        with pytest.raises(OSError, match="No space"):
            writer.annotate(image.id, box_mask(1, 1, 9, 9), "assisted")
        disk.room = 10_000
        writer.annotate(image.id, box_mask(2, 2, 5, 5), "assisted")
    found = DatasetFolder.read(tmp_path / "set")
    assert found.notes == []
    assert [each.mask.area for each in found.state.annotations.values()] == [9]


@pytest.mark.parametrize("tail", [b'{"event": "annot', b"\xff\xfe", b'{"time": "", "event": "removal", "id": 1}'])
def test_a_cut_off_last_line_is_dropped(tmp_path: Path, tail: bytes) -> None:
    with DatasetWriter(tmp_path) as dataset:
        image = dataset.add_image(write_image(tmp_path.parent / f"{tmp_path.name}.png"))
        dataset.annotate(image.id, box_mask(0, 0, 5, 5), "assisted")
    with (tmp_path / "manifest.jsonl").open("ab") as file:
        file.write(tail)
    assert len(DatasetFolder.read(tmp_path).state.annotations) == 1
    with DatasetWriter(tmp_path) as dataset:
        dataset.annotate(image.id, box_mask(0, 0, 6, 5), "assisted")
    found = DatasetFolder.read(tmp_path)
    assert (len(found.state.annotations), found.notes) == (2, [])


@pytest.mark.parametrize(
    "line",
    [
        "no json",
        "[]",
        '{"event": "annotation", "id": 9, "image": 77}',
        '{"event": "removal", "id": 12}',
        '{"event": "image", "image": 5, "file": "../x.png", "sha256": "' + "0" * 64 + '", "width": 4, "height": 4}',
        '{"event": "decision", "id": 1, "decision": "accepted"}',
        '{"event": "finished", "image": 1, "stage": "automatic", "seconds": NaN}',
        '{"event": "annotation", "id": true, "image": 1}',
    ],
)
def test_a_damaged_line_is_left_out_and_told_of(tmp_path: Path, line: str) -> None:
    with DatasetWriter(tmp_path) as dataset:
        image = dataset.add_image(write_image(tmp_path.parent / f"{tmp_path.name}.png"))
        dataset.annotate(image.id, box_mask(0, 0, 5, 5), "assisted")
    with (tmp_path / "manifest.jsonl").open("a") as file:
        file.write(line + "\n")
    found = DatasetFolder.read(tmp_path)
    assert len(found.state.annotations) == len(found.state.images) == 1
    assert len(found.notes) == 1
    assert "1 damaged line" in found.notes[0]


def test_one_process_writes_at_a_time(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path / "set"):
        with pytest.raises(Busy, match="Another program is writing"):
            DatasetWriter(tmp_path / "set")
        DatasetFolder.read(tmp_path / "set")
    DatasetWriter(tmp_path / "set").close()


def test_the_same_content_is_one_image_and_the_same_name_two(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path / "set") as dataset:
        first = dataset.add_image(write_image(tmp_path / "a" / "x.png", 1))
        assert dataset.add_image(write_image(tmp_path / "b" / "y.png", 1)) == first
        second = dataset.add_image(write_image(tmp_path / "b" / "X.png", 2))
        assert (second.name, second.id) == ("X_2.png", 2)
        assert dataset.pixels(second.id).shape == (HEIGHT, WIDTH, 3)


def test_a_changed_image_is_left_out_until_it_is_put_back(tmp_path: Path) -> None:
    source = write_image(tmp_path / "x.png", 1)
    with DatasetWriter(tmp_path / "set") as dataset:
        image = dataset.add_image(source)
        dataset.annotate(image.id, box_mask(0, 0, 5, 5), "assisted")
    write_image(tmp_path / "set" / "images" / "x.png", 2)
    with DatasetWriter(tmp_path / "set") as dataset:
        assert dataset.unusable == {image.id}
        assert "changed since then (x.png)" in dataset.notes[0]
        assert dataset.annotated() == {}
        assert dataset.statistics()["masks"] == 0
    assert json.loads((tmp_path / "set" / "annotations.json").read_text())["annotations"] == []
    with DatasetWriter(tmp_path / "set") as dataset:
        assert dataset.add_image(source) == image
        assert len(dataset.annotated()[image.id]) == 1


def test_a_linked_image_takes_no_room(tmp_path: Path) -> None:
    source = write_image(tmp_path / "x.png", 1)
    with DatasetWriter(tmp_path / "set") as dataset:
        image = dataset.add_image(source, link=True)
        assert dataset.image_file(image.id).read_bytes() == source.read_bytes()
        assert not hasattr(os, "link") or dataset.image_file(image.id).samefile(source)


def test_what_cannot_be_used_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("")
    with pytest.raises(DataError, match="no data set"):
        DatasetFolder.read(tmp_path / "other")
    with pytest.raises(DataError, match="holds other files"):
        DatasetWriter(tmp_path / "other")
    with pytest.raises(DataError, match="is a file"):
        DatasetWriter(tmp_path / "broken.jpg")
    with DatasetWriter(tmp_path / "set") as dataset:
        with pytest.raises(MediaError):
            dataset.add_image(tmp_path / "broken.jpg")
        image = dataset.add_image(write_image(tmp_path / "x.png"))
        for mask, sentence in (
            (Mask.from_array([[True]]), "1 x 1 pixels"),
            (box_mask(0, 0, 0, 0), "empty mask"),
        ):
            with pytest.raises(DataError, match=sentence):
                dataset.annotate(image.id, mask, "assisted")
        with pytest.raises(DataError, match="no image 9"):
            dataset.annotate(9, box_mask(0, 0, 2, 2), "assisted")
        with pytest.raises(DataError, match="seconds"):
            dataset.annotate(image.id, box_mask(0, 0, 2, 2), "assisted", seconds=float("nan"))
        with pytest.raises(DataError, match="no proposal"):
            dataset.decide(4, "accepted")
    assert DatasetFolder.read(tmp_path / "set").notes == []


def test_a_manifest_of_another_kind_or_a_newer_version_is_refused(tmp_path: Path) -> None:
    for line, sentence in (("{}", "no manifest"), ('{"event": "created", "version": 99}', "newer version")):
        (tmp_path / "manifest.jsonl").write_text(line + "\n")
        for opening in (DatasetFolder.read, DatasetWriter):
            with pytest.raises(DataError, match=sentence):
                opening(tmp_path)
        assert (tmp_path / "manifest.jsonl").read_text() == line + "\n"


def test_a_fifth_is_set_aside_by_content_and_stays_so(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path / "set") as dataset:
        trained: set[int] = set()
        for number in range(60):
            dataset.add_image(write_image(tmp_path / f"{number}.png", number, (2, 3)))
            chosen = dataset.state.set_aside()
            assert not chosen & trained
            assert chosen or number == 0
            trained |= dataset.state.images.keys() - chosen if number else set()
        assert 4 <= len(chosen) <= 22


def test_overlap() -> None:
    known = MaskOverlap([box_mask(0, 0, 10, 10)])
    assert known.has(box_mask(0, 0, 10, 9))
    assert not known.has(box_mask(0, 0, 10, 6))
    assert not known.has(box_mask(20, 0, 30, 10))
    assert known.has(box_mask(0, 0, 10, 6), 0.5)
