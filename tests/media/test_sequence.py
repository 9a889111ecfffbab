"""Numbered pictures become a clip in the order of their numbers; what is no sequence is refused in words."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sam2_core.errors import MediaError
from sam2_core.media import ExportOptions, Limits, ingest, ingest_sequence, open_store, write
from sam2_core.media.picture_clips import DifferentSizes
from sam2_core.media.sequence import NoSequence, order_sequence
from sam2_core.media.source_frames import iterate_source_frames
from tests.media.masked_media import media_of, no_masks
from tests.media.numbered import numbered_image, read_number


def png(number: int, height: int = 48, width: int = 72) -> bytes:
    content = io.BytesIO()
    Image.fromarray(numbered_image(number, height, width)).save(content, "PNG")
    return content.getvalue()


def shot(folder: Path, names: Iterable[str]) -> Path:
    """A folder of pictures that carry their place."""
    folder.mkdir()
    for place, name in enumerate(names):
        (folder / name).write_bytes(png(place))
    return folder


def packed(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize(
    "names",
    [
        [f"render.{number}.png" for number in range(1001, 1013)],
        [f"frame_{number}.jpg" for number in range(1, 13)],
        [f"{number:05d}.PNG" for number in range(12)],
        [f"shot7_{number:04d}_left.png" for number in range(0, 120, 10)],
        [f"2024-05-01_12-00-{number:02d}.png" for number in range(12)],
        [f"{1403636579963555584 + 49_999_872 * number + number % 3}.png" for number in range(12)],
        [f"{9.9 + number / 20:.3f}.png" for number in range(12)],
    ],
)
def test_a_folder_is_read_in_the_order_of_numbers(names: list[str], tmp_path: Path) -> None:
    folder = shot(tmp_path / "shot", names)
    (folder / "Thumbs.db").write_bytes(b"x")
    (folder / "._0001.png").write_bytes(b"x")
    info = ingest_sequence(folder, tmp_path / "store", fps=12)
    assert (info.kind, info.name, info.frames, info.fps, info.names) == ("clip", "shot", 12, 12, tuple(names))
    assert info.warnings == ()
    for file in folder.iterdir():  # a store stands on its own
        file.unlink()
    with open_store(tmp_path / "store") as store:
        assert [read_number(store.frame(frame)) for frame in range(12)] == list(range(12))
        assert [read_number(image) for image in iterate_source_frames(store, range(3, 12, 4))] == [3, 7, 11]
        write(tmp_path / "overlay.mp4", media_of(store, no_masks), ExportOptions("mp4"))
    ingest(tmp_path / "overlay.mp4", tmp_path / "again")
    with open_store(tmp_path / "again") as store:
        assert [read_number(store.frame(frame)) for frame in range(12)] == list(range(12))
        np.testing.assert_allclose(store.times, np.arange(12) / 12, atol=0.001)


@pytest.mark.parametrize("inside", ["", "shot/", "a/b/"])
def test_a_zip_file_is_a_clip(inside: str, tmp_path: Path) -> None:
    members = {f"{inside}frame_{number}.png": png(number) for number in (11, 9, 10)}
    noise = {"__MACOSX/._frame_9.png": b"x", ".DS_Store": b"x", f"{inside}notes.txt": b"x"}
    info = ingest(packed(tmp_path / "shot.zip", members | noise), tmp_path / "store")
    assert (info.kind, info.name, info.frames) == ("clip", "shot.zip", 3)
    with open_store(tmp_path / "store") as store:
        assert [read_number(store.frame(frame)) for frame in range(3)] == [9, 10, 11]


def test_a_list_of_files_is_a_clip(tmp_path: Path) -> None:
    folder = shot(tmp_path / "shot", ["f_2.png", "f_1.png"])
    info = ingest_sequence([folder / "f_2.png", folder / "f_1.png"], tmp_path / "store", name="mine")
    assert (info.name, info.names) == ("mine", ("f_1.png", "f_2.png"))


@pytest.mark.parametrize(
    ("names", "complaint"),
    [
        (["a.png", "b.png"], "differ in more than their numbers"),
        (["left_1.png", "right_1.png", "left_2.png"], "left_1.png and right_1.png differ"),
        (["1.jpg", "1.png", "2.jpg"], "1.jpg and 1.png have the same number"),
        (["01.png", "1.png"], "01.png and 1.png have the same number"),
        (["cover.png"], "cover.png has no number"),
        (["t0.1.png", "t0.25.png", "t0.5.png"], "by their decimals or by their whole numbers"),
    ],
)
def test_other_names_are_refused(names: list[str], complaint: str, tmp_path: Path) -> None:
    with pytest.raises(NoSequence, match=complaint):
        order_sequence(names)
    with pytest.raises(NoSequence):
        ingest_sequence(shot(tmp_path / "shot", names), tmp_path / "store")
    assert not (tmp_path / "store").exists()


def test_gaps_and_pictures_without_a_number_are_told() -> None:
    assert order_sequence(["f10.png", "f9.png"]) == ([1, 0], ())
    assert order_sequence(["f0.png", "f5.png", "f10.png"])[1] == ()
    [note] = order_sequence(["1.png", "2.png", "5.png"])[1]
    assert "missing after 2" in note
    order, [note] = order_sequence(["f1.png", "preview.jpg", "f2.png"])
    assert order == [0, 2]
    assert "preview.jpg" in note


def test_a_damaged_picture_is_named_and_costs_no_place(tmp_path: Path) -> None:
    """Left out, it would move all masks behind it to another frame."""
    folder = shot(tmp_path / "shot", ["f_1.png", "f_2.png", "f_3.png"])
    (folder / "f_2.png").write_bytes(png(1)[:60])
    with pytest.raises(MediaError, match=r"^f_2.png: The picture is damaged"):
        ingest_sequence(folder, tmp_path / "store")


def test_different_sizes_are_named(tmp_path: Path) -> None:
    folder = shot(tmp_path / "shot", ["f_1.png", "f_2.png"])
    (folder / "f_2.png").write_bytes(png(1, 30, 40))
    with pytest.raises(DifferentSizes, match=r"f_2.png has 40 x 30 pixels, f_1.png has 72 x 48"):
        ingest_sequence(folder, tmp_path / "store")


@pytest.mark.parametrize(
    ("members", "limits", "complaint"),
    [
        ({"notes.txt": b"x"}, Limits(), "no picture in this ZIP file"),
        ({"a/1.png": b"x", "b/1.png": b"x"}, Limits(), "several folders"),
        ({f"{number}.png": b"x" for number in range(9)}, Limits(max_frames=8), "more than 8 frames"),
        ({"1.png": bytes(3_000_000)}, Limits(max_store_bytes=1_000_000), "too large"),
        ({"1.png": b"nonsense"}, Limits(), "1.png: The picture is damaged"),
    ],
)
def test_hostile_zip_files_are_refused(
    members: dict[str, bytes], limits: Limits, complaint: str, tmp_path: Path
) -> None:
    path = packed(tmp_path / "a.zip", members)
    with pytest.raises(MediaError, match=complaint):
        ingest_sequence(path, tmp_path / "store", limits)
    assert [each.name for each in tmp_path.iterdir()] == ["a.zip"]


def test_no_member_is_written_where_its_name_says(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"../../../f_1.png": png(0), "../../../f_2.png": png(1)})
    info = ingest_sequence(path, tmp_path / "inner" / "store")
    assert info.names == ("f_1.png", "f_2.png")
    assert not list(tmp_path.glob("f_*")) + list((tmp_path / "inner").glob("f_*"))


def test_a_cut_zip_file_is_refused(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"1.png": png(0), "2.png": png(1)})
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(MediaError, match="damaged or cut off"):
        ingest(path, tmp_path / "store")


def test_further_pages_of_the_pictures_are_told(tmp_path: Path) -> None:
    folder = shot(tmp_path / "shot", ["1.png", "2.png"])
    images = [Image.fromarray(numbered_image(number, 48, 72)) for number in (2, 9)]
    images[0].save(folder / "3.tif", save_all=True, append_images=images[1:])
    info = ingest_sequence(folder, tmp_path / "store")
    assert info.frames == 3
    assert info.warnings == ("3.tif has 2 pages or frames: of each file, only the first one is used.",)


def test_pictures_of_an_unreadable_format_are_named(tmp_path: Path) -> None:
    folder = shot(tmp_path / "shot", ["1.png", "2.png"])
    (folder / "2.png").write_bytes(b"8BPS" + bytes(60))
    with pytest.raises(MediaError, match=r"2\.png: Photoshop files"):
        ingest_sequence(folder, tmp_path / "store")
