"""A session on an album: images of different sizes, segmented independently."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from sam2_core.errors import BadPrompt
from sam2_core.tracking.feature_cache import FeatureCache
from sam2_core.tracking.segmenter import Segmenter
from sam2_core.tracking.session import ClipSize, TrackingSession
from sam2_core.types import Box, Mask, Point, Prompt
from tests.networks import tiny_network

SIZES = ((48, 80), (90, 60), (40, 40))


class Album:
    """Images; `reads` lists the frames that were read."""

    def __init__(self) -> None:
        self.reads: list[int] = []

    def frame(self, frame: int) -> np.ndarray:
        self.reads.append(frame)
        return np.random.default_rng(frame).integers(0, 255, (*SIZES[frame], 3), dtype=np.uint8)


@pytest.fixture(autouse=True)
def _inference() -> Iterator[None]:
    with torch.inference_mode():
        yield


def new_session() -> tuple[TrackingSession, Album]:
    source, size = Album(), ClipSize(3, 90, 80, SIZES)
    return TrackingSession("s", Segmenter(tiny_network()), source, size, FeatureCache(2**26)), source


def test_each_mask_has_the_size_of_its_image() -> None:
    session, _ = new_session()
    for frame, (height, width) in enumerate(SIZES):
        (found,) = session.set_prompt(frame, 1, Prompt((Point(width - 1, height - 1),))).objects
        assert (found.mask.height, found.mask.width) == (height, width)
    known = [masks.objects[0].mask for masks in session.get_masks(range(3))]
    assert [(mask.height, mask.width) for mask in known] == list(SIZES)


@pytest.mark.parametrize("prompt", [Prompt((Point(70, 10),)), Prompt(mask=Mask.from_array(np.ones(SIZES[0])))])
def test_a_prompt_outside_of_an_image_is_refused(prompt: Prompt) -> None:
    session, _ = new_session()
    assert session.set_prompt(0, 1, prompt).objects
    with pytest.raises(BadPrompt):
        session.set_prompt(1, 1, prompt)


def test_an_image_is_segmented_independently_of_the_others() -> None:
    first, second = Prompt((Point(20, 20),)), Prompt((Point(30, 30), Point(35, 60, positive=False)))
    alone, _ = new_session()
    expected = alone.set_prompt(1, 1, second).objects
    among, source = new_session()
    among.set_prompt(0, 1, first)
    among.set_prompt(2, 1, first)
    assert among.set_prompt(1, 1, second).objects == expected
    assert among.set_prompt(0, 1, Prompt()).objects == ()
    assert among.set_prompt(1, 1, second).objects == expected
    assert sorted(source.reads) == [0, 1, 2], "each image is encoded once"


def test_a_crop_is_refined_at_the_size_of_its_image() -> None:
    session, _ = new_session()
    session.set_prompt(0, 1, Prompt((Point(20, 20),)))
    low = Box(0, 60, 30, 88)
    (found,) = session.set_prompt(1, 1, Prompt((Point(20, 70),), crop=low)).objects
    assert (found.mask.height, found.mask.width) == SIZES[1]
    with pytest.raises(BadPrompt):
        session.set_prompt(0, 1, Prompt((Point(20, 20),), crop=low))


def test_an_album_cannot_be_tracked() -> None:
    session, _ = new_session()
    session.set_prompt(0, 1, Prompt((Point(20, 20),)))
    with pytest.raises(BadPrompt, match="do not follow one another"):
        session.track(range(3), session.revision)
    assert [len(masks.objects) for masks in session.get_masks(range(3))] == [1, 0, 0]
