"""Samples of clips: masks fit the objects on every frame, also where they are occluded, deformed or out of view."""

from __future__ import annotations

import numpy as np
import pytest

from sam2_core.errors import DataError
from sam2_core.training.synthetic import clip_samples
from sam2_core.training.synthetic.clip_samples import ClipSample, SyntheticClipSampler
from sam2_core.training.synthetic.image_pool import ImagePool
from sam2_core.training.synthetic.image_samples import ImageSampler, Mix
from sam2_core.training.synthetic.motion import MotionPath, Waves
from sam2_core.training.synthetic.textures import Textures
from tests.training.synthetic.red import SIDE, different, inner, is_blue, is_red, outer, red_image, red_sampler

MANY = 64  # with so many draws every object is among them


def draw(source: ImageSampler, seed: int, frames: int = 4, count: int = 2) -> ClipSample:
    return SyntheticClipSampler(source).draw(np.random.default_rng(seed), SIDE, frames, count)


def real_sampler() -> ImageSampler:
    images = ImagePool([red_image()], {})
    return ImageSampler(images, images, Textures([red_image().image]))


@pytest.mark.parametrize("frames", [1, 2, 5])
@pytest.mark.parametrize("count", [1, 3])
def test_a_clip_has_the_asked_size_and_objects_that_can_be_seen_at_first(frames: int, count: int) -> None:
    source = real_sampler()
    for seed in range(12):
        clip = draw(source, seed, frames, count)
        assert clip.frames.shape == (frames, SIDE, SIDE, 3)
        assert clip.masks.shape == (count, frames, SIDE, SIDE)
        assert clip.frames.dtype == clip.masks.dtype == np.uint8
        assert set(np.unique(clip.masks)) == {0, 1}
        seen = clip.masks[:, 0].mean(axis=(1, 2))
        assert ((seen > 0.004) & (seen < 0.6)).all()


def test_the_seed_fixes_every_byte() -> None:
    def samples() -> list[bytes]:
        source = real_sampler()
        return [x.tobytes() for seed in range(5) for x in (draw(source, seed).frames, draw(source, seed).masks)]

    assert samples() == samples()


def test_it_works_without_any_real_images() -> None:
    source = ImageSampler(ImagePool([], {}), ImagePool([], {}), Textures([]))
    moved = [draw(source, seed).masks for seed in range(10)]
    assert all((masks[:, 0] != masks[:, -1]).any() for masks in moved)


@pytest.fixture
def all_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    """Objects of any size count, so that all of them have masks."""
    monkeypatch.setattr(clip_samples, "_MIN_AREA", -1.0)
    monkeypatch.setattr(clip_samples, "_MAX_AREA", 2.0)


@pytest.mark.usefixtures("no_photometric", "all_objects")
@pytest.mark.parametrize("bent", [False, True], ids=["straight", "bent"])
def test_the_masks_of_sprites_cover_exactly_what_they_show(monkeypatch: pytest.MonkeyPatch, bent: bool) -> None:
    if not bent:
        monkeypatch.setattr(Waves, "__call__", lambda self, image, frame: image)
    source = red_sampler(backgrounds=False)
    for seed in range(20):
        clip = draw(source, seed, 5, MANY)
        for at, frame in enumerate(clip.frames):
            red, masks = is_red(frame), different(clip.masks[:, at])
            assert all(not (inner(mask) & is_blue(frame)).any() for mask in masks)
            assert not (inner(red) & ~outer(masks.any(axis=0))).any()


@pytest.mark.usefixtures("no_photometric", "all_objects")
def test_the_masks_of_the_background_image_follow_the_camera() -> None:
    source = red_sampler()
    for seed in range(20):
        clip = draw(source, seed, 5, MANY)
        for at, frame in enumerate(clip.frames):
            assert all(not (inner(mask) & is_blue(frame)).any() for mask in different(clip.masks[:, at]))
        assert not (inner(is_red(clip.frames[0])) & ~outer(clip.masks[:, 0].any(axis=0))).any()


@pytest.mark.usefixtures("all_objects")
def test_no_two_objects_share_a_pixel() -> None:
    for seed in range(10):
        clip = draw(red_sampler(), seed, 4, MANY)
        objects = different(clip.masks)
        assert objects.sum(axis=0).max() == 1


def test_what_is_out_of_view_has_an_empty_mask(monkeypatch: pytest.MonkeyPatch) -> None:
    away = MotionPath(np.zeros(3), np.zeros(3), np.array([0.0, 5000.0, 0.0]), np.zeros(3))
    monkeypatch.setattr(MotionPath, "choose", classmethod(lambda cls, random, frames, side, energy: away))
    monkeypatch.setattr(MotionPath, "away_and_back", lambda self, random, side: self)
    source = red_sampler(backgrounds=False)
    for seed in range(10):
        masks = draw(source, seed, 3).masks
        assert masks[:, 0].any(axis=(1, 2)).all()
        assert not masks[:, 1].any()
        assert masks[:, 2].any(axis=(1, 2)).all()


def test_objects_that_go_away_come_back() -> None:
    source = real_sampler()
    gone = returned = 0
    for seed in range(100):
        seen = draw(source, seed, 5).masks.any(axis=(2, 3))
        gone += int((~seen[:, 1:4]).any(axis=1).sum())
        returned += int(((~seen[:, 1:4]).any(axis=1) & seen[:, 4]).sum())
    assert gone >= 5
    assert returned >= 3


def test_a_clip_without_a_usable_object_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clip_samples, "_MAX_AREA", 0.0)
    with pytest.raises(DataError, match="No clip with an object"):
        draw(real_sampler(), 0)


@pytest.mark.usefixtures("no_photometric", "all_objects")
def test_look_alikes_are_apart_in_the_masks() -> None:
    source = red_sampler(Mix(look_alikes=1.0), backgrounds=False)
    for seed in range(10):
        clip = draw(source, seed, 4, MANY)
        assert len(different(clip.masks)) >= 2
        for at, frame in enumerate(clip.frames):
            assert all(not (inner(mask) & is_blue(frame)).any() for mask in different(clip.masks[:, at]))


def test_half_of_the_look_alikes_change_places(monkeypatch: pytest.MonkeyPatch) -> None:
    still = MotionPath(*np.zeros((4, 5)))
    monkeypatch.setattr(MotionPath, "choose", classmethod(lambda cls, random, frames, side, energy: still))
    source = SyntheticClipSampler(red_sampler(Mix(look_alikes=1.0)))
    changed = 0
    for seed in range(100):
        one, other = source._look_alikes(np.random.default_rng(seed), SIDE, 5)
        ends = [np.add(each.start, (each.path.x[-1], each.path.y[-1])) for each in (one, other)]
        if np.allclose(ends, (other.start, one.start)):
            changed += 1
        else:
            assert np.allclose(ends, (one.start, other.start))
    assert 35 < changed < 65
