"""The shared values: conversions are inverse to each other, and invalid data is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

from sam2_core.errors import BadPrompt
from sam2_core.types import Box, Mask, Point, Prompt


def random_masks() -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    shapes = [(1, 1), (1, 9), (9, 1), (5, 7), (40, 61)]
    return [rng.random(shape) < share for shape in shapes for share in (0, 0.02, 0.5, 0.98, 1)]


@pytest.mark.parametrize("array", random_masks(), ids=lambda array: f"{array.shape}-{array.sum()}")
def test_a_mask_survives_every_conversion(array: np.ndarray) -> None:
    mask = Mask.from_array(array)
    assert np.array_equal(mask.to_array(), array)
    assert mask.area == array.sum()
    coco = json.loads(json.dumps(mask.to_coco()))
    assert np.array_equal(Mask.from_coco(coco).to_array(), array)
    runs = np.frombuffer(mask.runs, "<u4").tolist()
    assert Mask.from_coco({"size": list(array.shape), "counts": runs}) == mask


def test_runs_are_column_major_and_texts_are_those_of_coco() -> None:
    array = np.zeros((3, 4), bool)
    array[1:, 1] = array[:2, 2] = True
    assert np.frombuffer(Mask.from_array(array).runs, "<u4").tolist() == [4, 4, 4]
    assert Mask.from_array(array).to_coco()["counts"] == "444"
    # Computed by hand: 100 is 4 + 3 * 32, so two digits; the fourth run 2 is stored as 2 - 5 = -3, which is "M".
    assert Mask.from_coco({"size": [1, 100], "counts": "T3"}).runs == np.array([100], "<u4").tobytes()
    assert np.frombuffer(Mask.from_coco({"size": [1, 12], "counts": "154M"}).runs, "<u4").tolist() == [1, 5, 4, 2]


def test_a_long_run_is_written_in_several_digits() -> None:
    mask = Mask.from_array(np.ones((700, 900)))
    assert Mask.from_coco(mask.to_coco()) == mask
    assert len(mask.to_coco()["counts"]) == 1 + 5


@pytest.mark.parametrize(
    ("values", "foreground"),
    [
        (np.uint8([0, 1, 2, 3]), [0, 1, 1, 1]),
        (np.uint8([0, 127, 128, 255]), [0, 0, 1, 1]),
        (np.uint16([0, 32767, 32768, 65535]), [0, 0, 1, 1]),
        (np.int64([-1, 0, 5, 700]), [1, 0, 1, 1]),
        (np.array([0, 0.4, 0.5, 0.9]), [0, 0, 1, 1]),
        (np.array([0, 99, 100.0, 200]), [0, 0, 1, 1]),
        (np.zeros(4), [0, 0, 0, 0]),
        (np.array([False, True, False, True]), [0, 1, 0, 1]),
    ],
    ids=["numbers", "8 bits", "16 bits", "others", "probabilities", "floats", "empty", "booleans"],
)
def test_soft_masks_are_cut_at_half(values: np.ndarray, foreground: list[int]) -> None:
    assert Mask.from_array(values[None]).to_array().astype(int).tolist() == [foreground]


@pytest.mark.parametrize(
    "coco",
    [
        {},
        {"size": [2, 2]},
        {"size": [2], "counts": [4]},
        {"size": [0, 4], "counts": [0]},
        {"size": [2, 2], "counts": [3]},
        {"size": [2, 2], "counts": [-1, 5]},
        {"size": [2, 2], "counts": [[4]]},
        {"size": [2, 2], "counts": [2**63 - 1, 2**63 - 1, 6]},
        {"size": [2, 2], "counts": [10**30]},
        {"size": [float("inf"), 2], "counts": [4]},
        {"size": [2, 2], "counts": ""},
        {"size": [2, 2], "counts": "o"},
        {"size": [2, 2], "counts": "o" * 100_000 + "4"},
        {"size": [2, 2], "counts": "\u00e9"},
        {"size": [2, 2], "counts": " "},
        {"size": [2, 2], "counts": None},
        None,
    ],
)
def test_an_invalid_mask_is_refused(coco: object) -> None:
    with pytest.raises(BadPrompt):
        Mask.from_coco(coco)  # type: ignore[arg-type]


def test_a_prompt_survives_json() -> None:
    mask = Mask.from_array(np.eye(5))
    boxes, crop = (Box(0, 1, 2, 3), Box(4, 4, 9, 8)), Box(0, 1, 4, 5)
    prompt = Prompt((Point(1, 2.5), Point(3, 4, positive=False)), boxes, mask, choice=2, crop=crop)
    assert Prompt.from_json(json.loads(json.dumps(prompt.to_json()))) == prompt
    assert Prompt().is_empty and Prompt().to_json() == {}


def test_the_single_box_of_an_earlier_version_is_read() -> None:
    assert Prompt.from_json({"box": [0, 1, 2, 3]}) == Prompt(boxes=(Box(0, 1, 2, 3),))


@pytest.mark.parametrize(
    "plain",
    [
        [],
        None,
        {"points": [[1]]},
        {"points": 5},
        {"points": [["x", 1, 1]]},
        {"box": [1, 2, 3]},
        {"boxes": [1, 2, 3, 4]},
        {"boxes": [[1, 2, 3]]},
        {"choice": float("inf")},
        {"choice": "first"},
        {"mask": 7},
        {"mask": {"size": [1, 1]}},
    ],
)
def test_an_unreadable_prompt_is_refused(plain: object) -> None:
    with pytest.raises(BadPrompt):
        Prompt.from_json(plain)  # type: ignore[arg-type]


@pytest.mark.parametrize("corners", [(1, 2, 5, 8), (5, 8, 1, 2), (1, 8, 5, 2), (5, 2, 1, 8)])
def test_corners_of_a_box_may_come_in_any_order(corners: tuple[float, ...]) -> None:
    assert Box(*corners).sorted() == Box(1, 2, 5, 8)
    assert Prompt(boxes=(Box(*corners),)).boxes == (Box(1, 2, 5, 8),)
    assert Prompt.from_json({"boxes": [corners]}) == Prompt(boxes=(Box(1, 2, 5, 8),))
