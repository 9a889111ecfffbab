"""Reading the data sets of a run; what is held out; what is reported."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sam2_core.errors import DataError
from sam2_core.training.data_loading import is_held_out, load_training_data
from tests.training.datasets.test_pack import save_clip, save_labeled
from tests.training.datasets.tiny import save_image, save_json
from tests.training.runs import save_images, tiny_config


def test_some_pictures_are_held_out_and_never_drawn(tmp_path: Path) -> None:
    data = save_images(tmp_path / "mine", 20)
    config = tiny_config(tmp_path, data=[{"path": str(data)}], held_out=0.4)
    updates: list[tuple[float | None, str]] = []
    found = load_training_data(config, lambda done, text: updates.append((done, text)))
    held = {picture.name for picture in found.held_out}
    assert held == {f"{number:02}" for number in range(20) if is_held_out(f"{number:02}", 0.4)}
    assert 4 < len(held) < 16
    assert len(found.labeled) == 20 - len(held)
    assert found.unlabeled == []
    learned = {material.image.tobytes() for material in found.labeled}
    assert not any(picture.read().image.tobytes() in learned for picture in found.held_out)
    count = 20 - len(held)
    assert updates[0] == (1 / count, f"1 of {count} pictures read")
    assert updates[-1][0] == 1.0


def test_progress_is_reported_after_every_image_good_or_bad(tmp_path: Path) -> None:
    data = save_images(tmp_path / "mine", 2)
    whole = (data / "images" / "01.png").read_bytes()
    (data / "images" / "01.png").write_bytes(whole[: len(whole) // 2])  # its header is still good
    updates: list[tuple[float | None, str]] = []
    config = tiny_config(tmp_path, data=[{"path": str(data)}], held_out=0.0)
    found = load_training_data(config, lambda done, text: updates.append((done, text)))
    assert updates == [(0.5, "1 of 2 pictures read"), (1.0, "2 of 2 pictures read")]
    assert len(found.labeled) == 1


def test_the_name_alone_decides_what_is_held_out() -> None:
    names = [f"picture {number}" for number in range(2000)]
    held = {name for name in names if is_held_out(name, 0.1)}
    assert 150 < len(held) < 250
    assert held < {name for name in names if is_held_out(name, 0.2)}
    assert not any(is_held_out(name, 0) for name in names)
    assert all(is_held_out(name, 1) for name in names)


def test_pictures_are_kept_small(tmp_path: Path) -> None:
    data = save_images(tmp_path / "mine", 2, height=60, width=80)
    found = load_training_data(tiny_config(tmp_path, data=[{"path": str(data)}], held_out=0.0, short_side=30))
    assert {material.image.shape for material in found.labeled} == {(30, 40, 3)}
    assert [material.source for material in found.labeled] == ["mine", "mine"]


def test_what_has_no_labels_serves_as_texture_and_is_never_held_out(tmp_path: Path) -> None:
    pack = tmp_path / "pack"
    images = [save_labeled(pack, "specks")]
    for name in ("u", "v", "w"):
        save_image(pack / "unlabelled" / f"{name}.jpg")
        images.append({"id": name, "path": f"unlabelled/{name}.jpg"})
    film, drawn = save_clip(pack, "film", 9), save_clip(pack, "drawn", 3, (0,))
    save_json(pack / "manifest.json", {"images": images, "videos": [film, drawn]})
    mine = save_images(tmp_path / "mine", 6)
    data = [{"path": str(mine)}, {"path": str(pack)}]
    assert any(is_held_out(name, 0.5) for name in "uvw")
    found = load_training_data(tiny_config(tmp_path, data=data, held_out=0.5))
    assert {picture.source for picture in found.held_out} <= {"mine", "ours"}
    specks = not is_held_out("specks", 0.5)
    assert len(found.unlabeled) == 3 + 4 + specks  # four frames of the clip that has no labels
    assert found.labeled


def test_pictures_beyond_what_memory_holds_are_read_when_they_are_drawn(tmp_path: Path) -> None:
    data = save_images(tmp_path / "mine", 5)
    whole = (data / "images" / "02.png").read_bytes()
    (data / "images" / "02.png").write_bytes(whole[: len(whole) // 2])  # its header is still good
    config = tiny_config(tmp_path, data=[{"path": str(data)}], held_out=0.0)
    everything = load_training_data(config)
    found = load_training_data(replace(config, in_memory=2))
    assert (len(found.labeled), len(found.deferred)) == (2, 3) or found.report.counts
    loaded = [deferred.load() for deferred in found.deferred]
    assert {each.source for each in found.deferred} == {"mine"}
    images = [each.image.tobytes() for each in [*found.labeled, *loaded] if each is not None]
    assert sorted(images) == sorted(each.image.tobytes() for each in everything.labeled)
    assert str(found.report) == str(everything.report) != ""


def test_clips_are_learned_from_and_held_out_as_a_whole(tmp_path: Path) -> None:
    names = [f"clip{number}" for number in range(8)]
    videos = [save_clip(tmp_path / "pack", name, 3, (0, 1, 2)) for name in names]
    save_json(tmp_path / "pack" / "manifest.json", {"images": [], "videos": videos})
    config = tiny_config(tmp_path, data=[{"path": str(tmp_path / "pack")}], held_out=0.5)
    found = load_training_data(config)
    assert [clip.name for clip in found.clips] == [name for name in names if not is_held_out(name, 0.5)]
    assert 0 < len(found.clips) < 8


def test_without_data_there_is_nothing(tmp_path: Path) -> None:
    found = load_training_data(tiny_config(tmp_path))
    assert (found.labeled, found.unlabeled, found.held_out, str(found.report)) == ([], [], [], "")


def test_several_data_sets_are_joined_with_what_was_left_out_of_each(tmp_path: Path) -> None:
    parts = [save_images(tmp_path / name, count) for name, count in (("a", 2), ("b", 3))]
    for part in parts:
        (part / "images" / "01.png").write_bytes(b"no picture")
    found = load_training_data(tiny_config(tmp_path, data=[{"path": str(part)} for part in parts], held_out=0.0))
    assert sorted(material.source for material in found.labeled) == ["a", "b", "b"]
    assert sum(found.report.counts.values()) == 2
    assert "01.png, 01.png" in str(found.report)


def test_nothing_usable_is_an_error(tmp_path: Path) -> None:
    data = save_images(tmp_path / "mine", 2)
    for file in (data / "masks").iterdir():
        Image.fromarray(np.zeros((48, 64), np.uint8)).save(file)
    with pytest.raises(DataError, match=r"No picture with a usable mask in .*mine"):
        load_training_data(tiny_config(tmp_path, data=[{"path": str(data)}], held_out=0.0))
    with pytest.raises(DataError, match="There is no data set at"):
        load_training_data(tiny_config(tmp_path, data=[{"path": str(tmp_path / "gone")}]))
