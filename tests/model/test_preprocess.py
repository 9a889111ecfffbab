"""The fast preprocessing against the exact one."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from sam2_core.model.preprocess import image_to_input, normalize, pixels_to_input

ONE_LEVEL = 1 / 255 / 0.224  # one of 256 gray levels, divided by the smallest standard deviation


@pytest.mark.parametrize("size", [(300, 500), (90, 40), (64, 64), (701, 333)])
def test_resizing_in_eight_bits_stays_within_one_gray_level(size: tuple[int, int]) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (*size, 3), dtype=np.uint8)
    photo = np.asarray(cv2.GaussianBlur(noise, (5, 5), 0), np.uint8)
    for pixels in (noise, photo):
        fast, exact = pixels_to_input(pixels, 64), image_to_input(pixels, 64)
        assert fast.shape == exact.shape == (3, 64, 64)
        assert (fast - exact).abs().max() <= ONE_LEVEL
        assert (fast - exact).abs().mean() < 0.5 * ONE_LEVEL


def test_a_read_only_or_mirrored_image_is_accepted() -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (50, 70, 3), dtype=np.uint8)
    mirrored = pixels[:, ::-1]
    frozen = pixels.copy()
    frozen.flags.writeable = False
    assert torch.equal(pixels_to_input(frozen, 32), pixels_to_input(pixels, 32))
    assert torch.equal(pixels_to_input(mirrored, 32), pixels_to_input(mirrored.copy(), 32))


def test_normalizing_keeps_the_device() -> None:
    assert normalize(torch.zeros(2, 3, 4, 4, device="meta")).device.type == "meta"
