"""Annotated images in memory."""

from __future__ import annotations

import numpy as np
import pytest

from sam2_core.errors import DataError
from sam2_core.training.datasets.dataset import LabeledImage
from sam2_core.training.synthetic.image_pool import ImagePool, PooledImage, to_pooled


def pooled(*masks: np.ndarray, source: str = "a", value: int = 0) -> PooledImage:
    image = np.full((60, 80, 3), value, np.uint8)
    return to_pooled(LabeledImage(image, masks, ("",) * len(masks)), source)


def box(top: int, left: int, bottom: int, right: int) -> np.ndarray:
    mask = np.zeros((60, 80), np.bool_)
    mask[top:bottom, left:right] = True
    return mask


def test_instances_keep_shape_and_place() -> None:
    corner, middle = box(0, 0, 20, 10), box(30, 40, 50, 70)
    middle[35:40, 45:50] = False
    made = pooled(corner, middle, box(50, 70, 60, 80))
    for instance, mask in zip(made.instances, (middle, corner, box(50, 70, 60, 80)), strict=True):  # largest first
        height, width = instance.mask.shape
        whole = np.zeros((60, 80), np.uint8)
        whole[instance.top : instance.top + height, instance.left : instance.left + width] = instance.mask
        assert np.array_equal(whole, mask)
        assert instance.area == mask.sum()
        assert instance.mask.dtype == np.uint8


def test_an_instance_keeps_no_whole_image_alive() -> None:
    [instance] = pooled(box(0, 0, 6, 6)).instances
    assert instance.mask.base is None or instance.mask.base.size == instance.mask.size


def test_specks_are_dropped() -> None:
    assert pooled(box(0, 0, 5, 5)).instances == ()
    assert len(pooled(box(0, 0, 5, 6), box(3, 3, 5, 5)).instances) == 1


def test_of_very_many_masks_the_largest_and_some_others_are_kept() -> None:
    many = [box(0, 0, 10, width) for width in [*range(3, 53), *range(3, 53)]]
    kept = [instance.mask.shape[1] for instance in pooled(*many).instances]
    assert len(kept) == 40
    assert kept[:20] == [width for width in range(52, 42, -1) for _ in range(2)]
    assert min(kept) < 8


class Later:
    """An image that is read when it is sampled."""

    source = "late"

    def __init__(self, *loaded: PooledImage | None) -> None:
        self.loaded = list(loaded)

    def load(self) -> PooledImage | None:
        return self.loaded.pop(0)


def test_deferred_images_are_read_when_sampled_and_bad_ones_skipped() -> None:
    good = pooled(box(0, 0, 30, 30), value=7)
    pool = ImagePool([Later(None, pooled(), good)], {})
    assert pool
    assert pool.draw(np.random.default_rng(0)) is good


def test_when_no_deferred_image_can_be_used_there_is_an_error() -> None:
    pool = ImagePool([Later(*[None] * 50)], {})
    with pytest.raises(DataError, match="no mask that could be used"):
        pool.draw(np.random.default_rng(0))


def test_sources_count_by_weight_and_by_the_root_of_their_size() -> None:
    mask = box(0, 0, 30, 30)
    pictures = [pooled(mask, source="a", value=1)] + [pooled(mask, source="b", value=2)] * 4
    random = np.random.default_rng(0)
    pool = ImagePool([*pictures, pooled(source="c")], {"a": 4.0})
    drawn = [pool.draw(random).source for _ in range(600)]
    assert abs(drawn.count("a") / 600 - 4 / 6) < 0.06
    assert drawn.count("c") == 0  # nothing in it


def test_an_empty_pool_is_false() -> None:
    assert not ImagePool([], {})
    assert not ImagePool([pooled()], {})
    assert ImagePool([pooled(box(0, 0, 9, 9))], {})


def test_a_cutout_is_the_image_along_the_box() -> None:
    mask = box(10, 20, 40, 60)
    mask[10:20, 20:30] = False
    image = np.random.default_rng(3).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    pool = ImagePool([to_pooled(LabeledImage(image, (mask,), ("",)), "a")], {})
    cutout = pool.draw_cutout(np.random.default_rng(0))
    assert cutout is not None
    surface, alpha = cutout
    assert np.array_equal(surface, image[10:40, 20:60])
    assert np.array_equal(alpha, 255 * mask[10:40, 20:60].astype(np.uint8))


def test_small_and_stringy_objects_are_no_cutouts() -> None:
    diagonal = np.eye(60, 80, dtype=np.bool_)
    pool = ImagePool([pooled(box(0, 0, 15, 40), diagonal)], {})
    assert pool.draw_cutout(np.random.default_rng(0)) is None


def test_whole_objects_are_cut_out_more_often_than_their_parts() -> None:
    pool = ImagePool([pooled(box(0, 0, 40, 60), box(5, 5, 25, 35))], {})
    random = np.random.default_rng(0)
    sizes = [cutout[1].shape for _ in range(300) if (cutout := pool.draw_cutout(random)) is not None]
    assert abs(sizes.count((40, 60)) / len(sizes) - 0.8) < 0.07


def test_similar_cutouts_are_different_objects_of_one_source_and_class() -> None:
    def people(source: str, value: int, *classes: str) -> PooledImage:
        image = np.full((60, 80, 3), value, np.uint8)
        masks = [box(0, 20 * place, 30, 20 * place + 18) for place in range(len(classes))]
        return to_pooled(LabeledImage(image, tuple(masks), classes), source)

    pictures = [people("a", 1, "man", "dog"), people("a", 2, "man"), people("b", 3, "man"), people("b", 4, "", "")]
    random = np.random.default_rng(0)
    pool = ImagePool(pictures, {})
    pairs = [pair for _ in range(60) if (pair := pool.draw_similar(random)) is not None]
    assert len(pairs) > 30
    assert {tuple(sorted(int(surface[0, 0, 0]) for surface, _ in pair)) for pair in pairs} == {(1, 2)}
    assert ImagePool(pictures[2:], {}).draw_similar(random) is None
