"""Objects are pasted where they fit, and labels below are rewritten."""

from __future__ import annotations

import numpy as np
import pytest

from sam2_core.errors import ConfigError, DataError
from sam2_core.training.augment.copy_paste import CopyPaste, CopyPaster
from sam2_core.training.augment.cutouts import CutoutPool, make_patch
from sam2_core.training.synthetic.image_pool import Instance, PooledImage

HEIGHT, WIDTH, BLUE, RED = 120, 160, (0, 0, 255), (255, 0, 0)


def picture(*labels: tuple[int, int, int, int, str], height: int = HEIGHT, width: int = WIDTH) -> PooledImage:
    """Red boxes (top, left, height, width, class) on blue; a class in capitals is not painted."""
    image = np.full((height, width, 3), BLUE, np.uint8)
    instances = []
    for top, left, tall, wide, name in labels:
        instances.append(Instance(top, left, np.ones((tall, wide), np.uint8), name))
        if not name.isupper():
            image[top : top + tall, left : left + wide] = RED
    return PooledImage(image, tuple(instances), "boxes")


def masks_of(found: PooledImage) -> list[np.ndarray]:
    whole = []
    for each in found.instances:
        canvas = np.zeros(found.image.shape[:2], np.uint8)
        each.paste_over(canvas)
        whole.append(canvas > 0)
    return whole


def is_red(image: np.ndarray) -> np.ndarray:
    return (image[..., 0] > 127) & (image[..., 2] < 128)


PLAIN = CopyPaste(objects=(1, 1), scale=(1.0, 1.0), rotation=0.0, flip=False)


@pytest.mark.parametrize("blend", ["alpha", "gradient"])
def test_the_label_is_what_was_pasted(blend: str) -> None:
    paster = CopyPaster([picture((50, 60, 20, 40, "bus"))], CopyPaste(objects=(3, 3), rotation=20.0, blend=blend))
    found = paster(np.random.default_rng(1), picture(height=200, width=240))
    assert len(found.instances) == 3
    union = np.any(masks_of(found), axis=0)
    red = is_red(found.image)
    assert (union & red).sum() > 0.9 * union.sum(), "labels without the object"
    assert (union & red).sum() > 0.9 * red.sum(), "objects without a label"


def test_the_same_seed_makes_the_same_picture() -> None:
    pictures = [picture((50, 60, 20, 40, "bus"), (10, 10, 12, 12, "car")), picture((60, 20, 50, 30, "car"))]
    paster = CopyPaster(pictures, CopyPaste())
    one, same, other = (paster(np.random.default_rng(seed), pictures[0]) for seed in (1, 1, 2))
    assert (one.image == same.image).all()
    assert [each.top for each in one.instances] == [each.top for each in same.instances]
    assert not (one.image == other.image).all()
    assert not (pictures[0].image[0, 0] == RED).all(), "the source is not changed"


def test_what_is_covered_is_cut_from_the_masks_below_and_dropped_where_little_is_left() -> None:
    source = picture((40, 40, 40, 80, "bus"))
    background = picture((2, 2, 62, 30, "car"), (30, 60, 8, 8, "cat"), height=66, width=116)
    paster = CopyPaster([source], PLAIN)
    for seed in range(40):
        found = paster(np.random.default_rng(seed), background)
        names = [each.category for each in found.instances]
        if "bus" not in names:
            continue
        masks = dict(zip(names, masks_of(found), strict=True))
        below = [mask for name, mask in masks.items() if name != "bus"]
        assert not any((mask & masks["bus"]).any() for mask in below)
        for each in found.instances:
            assert each.mask.any(0)[[0, -1]].all() and each.mask.any(1)[[0, -1]].all(), "cropped to its box"
        if "cat" not in names:
            return
    pytest.fail("The small object was never covered.")


def test_small_objects_keep_their_size() -> None:
    paster = CopyPaster([picture((50, 60, 12, 16, "bird"))], CopyPaste(objects=(1, 1), scale=(3.0, 3.0), rotation=0.0))
    [bird] = paster(np.random.default_rng(1), picture()).instances
    assert bird.mask.shape == (12, 16)


def test_parts_come_along_with_their_object() -> None:
    source = picture((30, 30, 60, 80, "bus"), (40, 40, 20, 20, "window"))
    paster = CopyPaster([source], PLAIN)
    assert dict(paster.pool.counts) == {"bus": 1}
    bus, window = paster(np.random.default_rng(1), picture()).instances
    assert (bus.category, window.category) == ("bus", "window")
    assert (window.top - bus.top, window.left - bus.left) == (9, 9)  # a pixel of the border is eroded
    assert window.mask.shape == (20, 20)


def test_objects_lie_on_backgrounds_of_the_class_that_they_lay_on() -> None:
    source = picture((0, 0, 120, 100, "WALL"), (50, 30, 20, 20, "window"))
    paster = CopyPaster([source], PLAIN)
    for seed in range(10):
        found = paster(np.random.default_rng(seed), picture((0, 80, 120, 80, "WALL")))
        for each in found.instances[1:]:
            assert each.left >= 76, "a window beside the wall"
    other = paster(np.random.default_rng(1), picture((0, 80, 120, 80, "SKY")))
    assert [each.category for each in other.instances] == ["SKY"]
    assert len(paster(np.random.default_rng(1), picture()).instances) == 1, "nothing is labeled: anywhere"


def test_objects_go_where_the_colors_are_like_around_them() -> None:
    background = picture()
    background.image[:, 80:] = (255, 255, 0)
    paster = CopyPaster([picture((50, 60, 30, 30, "bus"))], PLAIN)
    places = [paster(np.random.default_rng(seed), background).instances for seed in range(10)]
    assert all(each.left + each.mask.shape[1] < 90 for found in places for each in found)


def test_classes_are_chosen_and_oversampled() -> None:
    pictures = [picture((10, 10, 20, 20, "car"), (60, 60, 20, 20, "car"), (20, 100, 20, 20, "bus"))]
    random = np.random.default_rng(1)
    usual = CutoutPool(pictures)
    often = CutoutPool(pictures, oversample={"bus": 8.0})
    share = [np.mean([pool.draw(random).instance.category == "bus" for _ in range(500)]) for pool in (usual, often)]
    assert share[0] == pytest.approx(1 / 3, abs=0.07)
    assert share[1] == pytest.approx(8 / 10, abs=0.07)
    assert set(CutoutPool(pictures, classes=("bus",)).counts) == {"bus"}
    with pytest.raises(DataError, match=r"No object is of the class ship\. Classes there: bus, car"):
        CutoutPool(pictures, classes=("ship",))
    with pytest.raises(DataError, match="all are backgrounds or specks"):
        CutoutPool([picture((0, 0, 120, 160, "WALL"))])


def test_objects_that_the_border_cuts_off_are_used_only_where_there_are_no_others() -> None:
    cut_off = (0, 60, 20, 20, "car")
    assert CutoutPool([picture(cut_off)]).counts["car"] == 1
    assert CutoutPool([picture(cut_off, (50, 60, 20, 20, "bus"))]).counts == {"bus": 1}


def test_a_patch_is_turned_scaled_and_mirrored() -> None:
    source = picture((40, 40, 20, 60, "bus"))
    source.image[40:60, 40:70] = (255, 255, 255)  # its left half
    [cutout] = [CutoutPool([source]).draw(np.random.default_rng(0))]
    upright = make_patch(cutout, 1.0, 90.0, mirror=False)
    mirrored = make_patch(cutout, 0.5, 0.0, mirror=True)
    assert upright is not None and mirrored is not None
    rows, columns = np.nonzero(upright.mask)
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (60, 20)
    rows, columns = np.nonzero(mirrored.mask)
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (10, 30)
    center = mirrored.pixels[mirrored.pixels.shape[0] // 2]
    assert center[columns.min() + 4, 1] < 100 < center[columns.max() - 4, 1], "the white half is on the right"
    assert upright.around == pytest.approx(BLUE, abs=3)


@pytest.mark.parametrize(
    "wrong",
    [{"objects": (3, 2)}, {"scale": (2.0, 1.0)}, {"blend": "glue"}, {"rotation": 200.0}, {"share": 1.5},
     {"oversample": {"bus": -1.0}}],
)  # fmt: skip
def test_wrong_settings_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        CopyPaste(**wrong)  # type: ignore[arg-type]
