"""Still samples: what they are made of, their limits, and that masks lie on what they show."""

from __future__ import annotations

import numpy as np
import pytest

from sam2_core.errors import DataError
from sam2_core.training.datasets.dataset import LabeledImage
from sam2_core.training.synthetic import image_samples
from sam2_core.training.synthetic.image_pool import ImagePool, Instance, PooledImage, to_pooled
from sam2_core.training.synthetic.image_samples import ImageSample, ImageSampler, Mix, random_crop
from sam2_core.training.synthetic.textures import Textures
from tests.training.synthetic.red import SIDE, different, inner, is_blue, is_red, outer, red_image, red_sampler

REAL, COMPOSITES, SCENES = Mix(real=1, composites=0), Mix(real=0, composites=1), Mix(real=0, composites=0)
KINDS = pytest.mark.parametrize("mix", [REAL, COMPOSITES, SCENES], ids=["real", "composites", "scenes"])


def draw(source: ImageSampler, seed: int, count: int = 4) -> ImageSample:
    return source.draw(np.random.default_rng(seed), SIDE, count)


@KINDS
def test_the_seed_fixes_every_byte(mix: Mix) -> None:
    def samples() -> list[bytes]:
        source = ImageSampler(*red_pools(), Textures([red_image().image]), mix)
        return [x.tobytes() for seed in range(6) for x in (draw(source, seed).image, draw(source, seed).masks)]

    assert samples() == samples()


def red_pools() -> tuple[ImagePool, ImagePool]:
    images = ImagePool([red_image()], {})
    return images, images


@KINDS
@pytest.mark.parametrize("count", [1, 3, 9])
def test_there_are_always_as_many_masks_as_asked_for_each_within_its_limits(mix: Mix, count: int) -> None:
    source = ImageSampler(*red_pools(), Textures([]), mix)
    for seed in range(25):
        sample = draw(source, seed, count)
        assert sample.image.shape == (SIDE, SIDE, 3)
        assert sample.image.dtype == sample.masks.dtype == np.uint8
        assert sample.masks.shape == (count, SIDE, SIDE)
        assert set(np.unique(sample.masks)) == {0, 1}
        areas = sample.masks.mean(axis=(1, 2))
        assert ((areas > mix.smallest_area) & (areas < 0.9)).all()


def test_all_objects_come_before_any_comes_twice() -> None:
    source = red_sampler(Mix(real=1, composites=0))
    seen = set()
    for seed in range(20):
        found = different(draw(source, seed, 6).masks)
        seen.add(len(found))
        assert len(different(draw(source, seed, len(found)).masks)) == len(found)
    assert seen == {1, 2}


def test_without_any_real_material_there_are_scenes_and_composites() -> None:
    source = ImageSampler(ImagePool([], {}), ImagePool([], {}), Textures([]))
    assert source.mix.real == 0
    for seed in range(40):
        assert draw(source, seed).masks.any(axis=(1, 2)).all()


def test_the_material_is_not_painted_over() -> None:
    pooled = red_image()
    before = pooled.image.copy(), [instance.mask.copy() for instance in pooled.instances]
    images = ImagePool([pooled], {})
    source = ImageSampler(images, images, Textures([pooled.image]), COMPOSITES)
    for seed in range(20):
        source.draw(np.random.default_rng(seed), 90, 4)
    assert np.array_equal(pooled.image, before[0])
    assert all(np.array_equal(x.mask, y) for x, y in zip(pooled.instances, before[1], strict=True))


@pytest.mark.parametrize("side", [40, 96, 260])
def test_the_masks_of_a_crop_cover_exactly_what_they_show(side: int) -> None:
    pooled = red_image()
    mirrored = 0
    for seed in range(60):
        image, masks = random_crop(np.random.default_rng(seed), pooled, side)
        assert image.shape == (side, side, 3)
        red = is_red(image)
        union = np.any(masks, axis=0) if masks else np.zeros_like(red)
        assert not (inner(union) & is_blue(image)).any()
        if len(masks) == 2:
            assert not (red & ~outer(union)).any()
            bar = np.flatnonzero(min(masks, key=np.sum).any(axis=0)).mean()
            mirrored += bar < side / 2
    assert 10 < mirrored < 50


def test_slivers_of_objects_are_left_out() -> None:
    for seed in range(80):
        random = np.random.default_rng(seed)
        image, masks = random_crop(random, red_image(), 90, smallest=0.36)
        shown = sum(instance.area for instance in red_image().instances)
        assert len(masks) == 2 or is_red(image).sum() < 4 * shown
        assert all(mask.sum() > 20 for mask in masks)


def test_a_crop_takes_no_more_masks_than_asked() -> None:
    mask = np.zeros((60, 60), np.bool_)
    mask[10:50, 10:50] = True
    pooled = to_pooled(LabeledImage(np.zeros((60, 60, 3), np.uint8), (mask,) * 30, ("",) * 30), "x")
    assert len(random_crop(np.random.default_rng(0), pooled, 60)[1]) == 12
    assert len(random_crop(np.random.default_rng(0), pooled, 60, max_masks=3)[1]) == 3


@pytest.mark.parametrize(("height", "width"), [(5, 90), (90, 5), (6, 6)])
def test_pictures_of_a_few_pixels_can_be_cropped(height: int, width: int) -> None:
    instance = Instance(0, 0, np.ones((height, width), np.uint8))
    pooled = PooledImage(np.zeros((height, width, 3), np.uint8), (instance,), "x")
    for seed in range(20):
        image, _ = random_crop(np.random.default_rng(seed), pooled, 32)
        assert image.shape == (32, 32, 3)


@pytest.mark.usefixtures("no_photometric")
def test_the_masks_of_a_composite_cover_exactly_the_objects() -> None:
    source = red_sampler(Mix(real=0, composites=1, smallest_area=0))
    for seed in range(40):
        sample = draw(source, seed, 40)
        union = sample.masks.any(axis=0)
        red, blue = is_red(sample.image), is_blue(sample.image)
        assert all(not (inner(mask) & blue).any() for mask in sample.masks)
        assert not (inner(red) & ~outer(union)).any()


@pytest.mark.usefixtures("no_photometric")
def test_the_masks_of_a_scene_cover_exactly_objects_parts_and_background(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_samples, "shade", lambda random, surface: surface)  # what is dark is neither red nor blue
    source = red_sampler(Mix(real=0, composites=0, smallest_area=0), backgrounds=False)
    backgrounds = 0
    for seed in range(40):
        sample = draw(source, seed, 60)
        red, blue = is_red(sample.image), is_blue(sample.image)
        objects = np.zeros_like(red)
        for mask in different(sample.masks):
            if blue[mask > 0].mean() > 0.5:
                backgrounds += 1
                assert not (inner(mask) & red).any()
                assert not (inner(blue) & ~outer(mask)).any()
            else:
                assert not (inner(mask) & blue).any()
                objects |= mask > 0
        assert not (inner(red) & ~outer(objects)).any()
    assert backgrounds > 0


@pytest.mark.usefixtures("no_photometric")
def test_objects_of_a_composite_do_not_overlap_one_another() -> None:
    source = ImageSampler(
        ImagePool([], {}), ImagePool([], {}), Textures([]), Mix(real=0, composites=1, smallest_area=0)
    )
    for seed in range(20):
        masks = different(draw(source, seed, 12).masks)
        assert masks.sum(axis=0).max() == 1


def test_a_sprite_is_about_as_long_as_asked_and_not_much_enlarged() -> None:
    source = red_sampler()
    for seed in range(30):
        random = np.random.default_rng(seed)
        surface, alpha = source.sprite(random, SIDE, 0.5)
        assert surface.shape[:2] == alpha.shape
        assert max(alpha.shape) <= 0.5 * SIDE * 2
    small = ImagePool([red_image(40, 40)], {})
    source = ImageSampler(small, small, Textures([]))
    real = [source.sprite(np.random.default_rng(seed), 800, 1.0)[1].shape for seed in range(20)]
    assert min(max(shape) for shape in real) < 80


def test_a_source_that_gives_nothing_usable_says_so() -> None:
    mask = np.ones((60, 60), np.bool_)  # all of the picture is no object
    images = ImagePool([to_pooled(LabeledImage(np.zeros((60, 60, 3), np.uint8), (mask,), ("",)), "x")], {})
    source = ImageSampler(images, images, Textures([]), REAL)
    with pytest.raises(DataError, match=r"No picture with an object of at least 0\.12%"):
        draw(source, 0)
