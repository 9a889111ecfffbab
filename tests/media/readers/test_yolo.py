from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from sam2_core.errors import MediaError
from sam2_core.media.readers import read_annotations
from sam2_core.media.readers.documents import Document
from sam2_core.media.readers.yolo import is_yolo
from sam2_core.types import Box
from tests.media.readers.media import ALBUM, CLIP, HEIGHT, IMAGE, WIDTH, packed, pixels_of, reasons, square, summarize


def outline(left: int, top: int, side: int = 5) -> str:
    corners = ((left, top), (left + side - 1, top), (left + side - 1, top + side - 1), (left, top + side - 1))
    return " ".join(f"{x / WIDTH:.6f} {y / HEIGHT:.6f}" for x, y in corners)


def test_one_file_is_about_one_image(tmp_path: Path) -> None:
    path = tmp_path / "anything.txt"
    path.write_text(f"0 {outline(3, 4)}\n\n2 0.5 0.5 0.2 0.4\n", "utf-8")
    read = read_annotations(path, IMAGE)
    assert summarize(read) == [(0, 1, "", "class 0"), (0, 2, "", "class 2")]
    assert (pixels_of(read) == square(3, 4)).all()
    assert read.masks[1].box == pytest.approx(Box(12, 6, 18, 14)) or read.masks[1].box == Box(12, 6, 18, 14)


def test_an_outline_of_any_shape_comes_back(tmp_path: Path) -> None:
    pixels = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.circle(pixels, (14, 9), 7, 1, -1)
    [found], _ = cv2.findContours(pixels, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    numbers = " ".join(f"{x / WIDTH:.6f} {y / HEIGHT:.6f}" for x, y in found.reshape(-1, 2))
    path = tmp_path / "photo.txt"
    path.write_text(f"7 {numbers}", "utf-8")
    assert (pixels_of(read_annotations(path, IMAGE)) == pixels.astype(bool)).all()


@pytest.mark.parametrize(
    "names",
    ["names: [cat, dog]", "nc: 2\nnames:\n  0: cat\n  1: dog\n", "classes.txt"],
    ids=["list", "numbers", "text"],
)
def test_an_archive_has_frames_and_classes(tmp_path: Path, names: str) -> None:
    members = {f"labels/train/film_{n:05d}.txt": f"1 {outline(n, 2)}" for n in (0, 2, 10)}
    members["labels/train/film_00003.txt"] = ""
    members |= {"classes.txt": "cat\ndog\n"} if names == "classes.txt" else {"data.yaml": names}
    members |= {"README.txt": "0 means cat", "images/train/film_00000.png": "", "train.txt": "./images/a.jpg\n"}
    read = read_annotations(packed(tmp_path / "x.zip", members), CLIP)
    assert summarize(read) == [(0, 1, "", "dog"), (2, 1, "", "dog")]
    assert [(each.count, each.names) for each in read.skipped] == [(1, ("film_00010.txt",))]


def test_names_that_count_from_one_are_understood(tmp_path: Path) -> None:
    members = {f"labels/film_{n}.txt": f"0 {outline(n, 2)}" for n in (1, 4, 10)}
    assert [frame for frame, *_ in summarize(read_annotations(packed(tmp_path / "x.zip", members), CLIP))] == [0, 3, 9]


def test_confidences_and_numbers_of_objects_are_no_coordinates(tmp_path: Path) -> None:
    lines = [f"0 {outline(1, 1)} 0.91 7", f"0 {outline(9, 9)} 0.5", f"0 {outline(20, 9)} 12", "0 0.5 0.5 0.2 0.2 3"]
    members = {"labels/00000.txt": "\n".join(lines), "labels/00001.txt": f"0 {outline(20, 1)} 0.8 7"}
    read = read_annotations(packed(tmp_path / "x.zip", members), CLIP)
    assert [(frame, track) for frame, track, *_ in summarize(read)] == [(0, 1), (0, 2), (0, 3), (0, 4), (1, 1)]
    assert (pixels_of(read) == square(1, 1)).all()


def test_photos_are_told_by_name_and_have_their_own_sizes(tmp_path: Path) -> None:
    members = {"labels/tiny.txt": "0 0 0 0.5 0 0.5 0.5 0 0.5", "labels/nobody.txt": f"0 {outline(1, 1)}"}
    read = read_annotations(packed(tmp_path / "x.zip", members), ALBUM)
    assert (read.masks[0].frame, pixels_of(read).shape) == (2, (10, 12))
    assert "They are about none of these photos. Name them as the photos are named. ('nobody.txt',)" in reasons(read)


def test_lines_that_are_none_are_left_out(tmp_path: Path) -> None:
    lines = [f"0 {outline(1, 1)}", "cat 0.1 0.2 0.3 0.4", "0 5 6 7 8", "0 0.1 0.2 ..5 0.4", "0 0.1", "0 0.1 0.1 0 0"]
    path = tmp_path / "photo.txt"
    path.write_text("\n".join(lines), "utf-8")
    read = read_annotations(path, IMAGE)
    assert len(read.masks) == 1
    assert sum(each.count for each in read.skipped) == len(lines) - 1
    names = [name for each in read.skipped for name in each.names]
    assert set(names) <= {f"photo.txt, line {number}" for number in range(2, 7)} and "photo.txt, line 2" in names


@pytest.mark.parametrize("fault", ["0 0.5 nan 0.2 0.2", "0 0.5 0.5", "cat 0.1 0.1 0.2 0.2"])
def test_a_faulty_first_line_does_not_cost_the_others(tmp_path: Path, fault: str) -> None:
    path = tmp_path / "photo.txt"
    path.write_text(f"# boxes\n{fault}\n2 0.5 0.5 0.2 0.4\n", "utf-8")
    read = read_annotations(path, IMAGE)
    assert len(read.masks) == 1
    assert [each.names for each in read.skipped] == [("photo.txt, line 2",)]
    path.write_text(f"{fault}\n", "utf-8")
    with pytest.raises(MediaError, match=r"YOLO's labels.* \(photo\.txt, line 1\)"):
        read_annotations(path, IMAGE)


def test_texts_beside_masks_are_no_labels() -> None:
    assert not is_yolo(Document("times.txt", "text", "0 0.033\n1 0.067\n"))


@pytest.mark.parametrize("text", ["hello", "1 2 3", "0 a b c d", "\x00\x01"])
def test_another_text_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.txt"
    path.write_text(text, "utf-8")
    with pytest.raises(MediaError, match="no annotations that can be read here"):
        read_annotations(path, IMAGE)


PERSON = "0.5 0.5 0.4 0.6"  # a box of 12 x 12 pixels
PERSON_BOX = (9, 4, 21, 16)
MAYBE = "may be outlines"


def points(count: int, *more: str) -> str:
    """Points within the box of a person, that do not follow an outline."""
    xs, ys = ([0.35, 0.65, 0.4, 0.6, 0.5], [0.3, 0.35, 0.75, 0.7, 0.45, 0.6, 0.25])
    return " ".join(" ".join([f"{xs[n % 5]:.3f} {ys[n % 7]:.3f}", *more]) for n in range(count))


@pytest.mark.parametrize(
    ("line", "note"),
    [
        (f"0 {PERSON} {points(17, '2')}", "key points"),
        (f"0 {PERSON} {points(17, '2.000000')}", "key points"),
        (f"0 {PERSON} {points(5, '1')} 0.0 0.0 0", "key points"),
        (f"0 {PERSON} {points(2, '1')}", "key points"),
        (f"0 {PERSON} 0.45 0.4 1", "key points"),
        (f"0 {PERSON} {points(3, '0.98')}", MAYBE),
        (f"0 {PERSON} {points(17, '0.98')} 0.91", MAYBE),
        (f"0 {PERSON} {points(17)}", MAYBE),
        (f"0 {PERSON} {points(8)} 0 0", MAYBE),
        (f"0 {PERSON} 0.45 0.4 0.55 0.6", MAYBE),
        (f"0 {PERSON}", ""),
        (f"0 {PERSON} 0.93", ""),
    ],
)
def test_boxes_with_key_points_are_boxes(tmp_path: Path, line: str, note: str) -> None:
    path = tmp_path / "photo.txt"
    path.write_text(line, "utf-8")
    read = read_annotations(path, IMAGE)
    box = read.masks[0].box
    assert box is not None
    assert (box.left, box.top, box.right, box.bottom) == pytest.approx(PERSON_BOX)
    assert (note in read.notes[0]) if note else read.notes == ()


@pytest.mark.parametrize(
    "line",
    [
        "0 0.3 0.2 0.7 0.3 0.6 0.8 0.2 0.7",  # an oriented box
        "0 0.1 0.1 0.5 0.1 0.5 0.5",
        "0 0.4 0.4 0.45 0.4 0.45 0.5 0.4 0.5 0.4 0.4",  # a small one, closed
        f"0 {outline(9, 9)} 0.91",
        "0 0.3 0.3 0.5 0.3 0.5 0.5 0.3 0.5 0.3 0.3 0.32 0.32 0.4 0.32 0.4 0.4 0.32 0.32",  # two parts, joined
        "0 0.0 0.0 1.0 0.0 1.0 1.0 0.0 1.0",
    ],
)
def test_outlines_are_no_key_points(tmp_path: Path, line: str) -> None:
    path = tmp_path / "photo.txt"
    path.write_text(line, "utf-8")
    read = read_annotations(path, IMAGE)
    assert read.masks[0].mask is not None
    assert read.notes == ()


def test_all_lines_of_one_length_are_judged_together(tmp_path: Path) -> None:
    square, pose = "0 0.4 0.4 0.45 0.4 0.45 0.5 0.4 0.5", "0 0.5 0.5 0.2 0.9 0.45 0.4 0.55 0.6"
    for lines, has_masks in (([square, "0 0.8 0.8 0.9 0.8 0.9 0.9 0.8 0.9"], True), ([pose] * 3, False)):
        members = {f"labels/{n:05d}.txt": line for n, line in enumerate(lines)}
        read = read_annotations(packed(tmp_path / "x.zip", members), CLIP)
        assert [each.mask is not None for each in read.masks] == [has_masks] * len(lines)


@pytest.mark.parametrize("shape", ["[2, 2]", "\n- 2\n- 2"])
def test_a_list_of_classes_tells_the_shape_of_key_points(tmp_path: Path, shape: str) -> None:
    line = "0 0.4 0.4 0.2 0.2 0.35 0.4 0.9 0.9"
    members = {"labels/photo.txt": line, "data.yaml": f"kpt_shape: {shape}\nnames: [person]\n"}
    read = read_annotations(packed(tmp_path / "x.zip", members), IMAGE)
    assert (summarize(read), read.masks[0].mask) == ([(0, 1, "", "person")], None)
    assert read.notes == ("Lines with key points, of which the boxes are used: 1.",)
    members["data.yaml"] = "kpt_shape: nonsense\nnames: [person]\n"
    assert read_annotations(packed(tmp_path / "x.zip", members), IMAGE).masks[0].mask is not None


@pytest.mark.parametrize(
    "line",
    [
        "0,0.5,0.5,0.2,0.4",
        "0, 0.5, 0.5, 0.2, 0.4,",
        "0;0.5;0.5;0.2;0.4",
        "0\t0.5\t0.5\t0.2\t0.4\t",
        " 0  0.5 0.5 0.2 0.4  # a cat",
        "0 0,5 0,5 0,2 0,4",
        "0;0,5;0,5;0,2;0,4",
        "# class x y w h\n\n// more\n0.0 0.5 0.5 0.2 0.4",
        "0 5e-1 .5 +0.2 0.4",
        "\ufeff0 0.5 0.5 0.2 0.4",
    ],
)
@pytest.mark.parametrize("end", ["", "\r\n", "\r", "\n\n\n"])
def test_numbers_are_separated_in_several_ways(tmp_path: Path, line: str, end: str) -> None:
    path = tmp_path / "photo.txt"
    path.write_bytes((line + end).encode())
    [found] = read_annotations(path, IMAGE).masks
    assert found.box is not None
    assert (found.box.left, found.box.bottom) == pytest.approx((12, 14))


@pytest.mark.parametrize(
    "rest", [PERSON, f"{PERSON} 0.9", f"{PERSON} {points(5, '2')}", f"{PERSON} {points(5, '0.9')} 0.8", outline(3, 4)]
)
@pytest.mark.parametrize("last", ["{}", "{}.0", "{}.000000"])
def test_the_first_of_several_ids_is_one_too(tmp_path: Path, rest: str, last: str) -> None:
    members = {f"labels/{n:05d}.txt": "\n".join(f"0 {rest} {last.format(k)}" for k in (3, 1, 4)) for n in range(2)}
    read = read_annotations(packed(tmp_path / "x.zip", members), CLIP)
    assert [(frame, track) for frame, track, *_ in summarize(read)] == [(n, k) for n in range(2) for k in (1, 2, 3)]
    assert not any("matched by where they lie" in note for note in read.notes)


@pytest.mark.parametrize("lists", [{"data.yaml": "names: [%s]"}, {"classes.txt": "%s"}], ids=["yaml", "txt"])
def test_each_dataset_of_an_archive_has_its_own_classes(tmp_path: Path, lists: dict[str, str]) -> None:
    members = {
        member: content
        for folder, label, photo in (("a", "cat", "cat"), ("b", "dog", "Dog 2"))
        for member, content in (
            *((f"{folder}/{name}", text % label) for name, text in lists.items()),
            (f"{folder}/labels/{photo}.txt", "0 0.5 0.5 0.2 0.2"),
        )
    }
    read = read_annotations(packed(tmp_path / "x.zip", members), ALBUM)
    assert [(each.frame, each.label) for each in read.masks] == [(0, "cat"), (1, "dog")]
