"""A clip tracked on the fast paths of CPUs has the masks of the plain ones, which exporters and compilers get."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache, partial

import numpy as np
import pytest
import torch
from torch import Tensor

from sam2_core.model import attention, derived
from sam2_core.paths import ROOT
from sam2_core.predictors.video_predictor import SAM2VideoPredictor, build_sam2_video_predictor

FISH = (0, 190, 180, 322), (670, 147, 848, 275)
LAST_FRAME = 4


@lru_cache
def predictor() -> SAM2VideoPredictor:
    return build_sam2_video_predictor(device="cpu")


def tracked(context: Callable[[], AbstractContextManager[object]]) -> Tensor:
    """Logits of two fish on some frames: (frames, 2, 1, height, width)."""
    with context():
        state = predictor().init_state(str(ROOT / "assets" / "examples" / "crossing_fish.mp4"))
        for number, box in enumerate(FISH):
            predictor().add_new_points_or_box(state, 0, number, box=np.array(box, np.float32))
        steps = predictor().propagate_in_video(state, max_frame_num_to_track=LAST_FRAME)
        return torch.stack([logits.float() for _, _, logits in steps])


@lru_cache
def plainly_tracked() -> Tensor:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(derived, "is_traced", lambda: True)
        return tracked(nullcontext)


@pytest.mark.parametrize("tiled", [False, True])
@pytest.mark.parametrize(
    ("context", "limit"), [(nullcontext, 1e-5), (partial(torch.autocast, "cpu", torch.bfloat16), 0.01)]
)
def test_fast_masks_are_the_plain_ones(
    monkeypatch: pytest.MonkeyPatch, context: Callable[[], AbstractContextManager[object]], limit: float, tiled: bool
) -> None:
    monkeypatch.setattr(attention, "_SMALL", 1000 if tiled else 2**40)
    found, expected = tracked(context), plainly_tracked()
    inside, expected_inside = found > 0, expected > 0
    union, common = (inside | expected_inside).sum((-1, -2)), (inside & expected_inside).sum((-1, -2))
    assert (expected_inside.sum((-1, -2)) > 5000).all()
    assert (common / union >= 0.99).all()
    assert (found - expected).norm() / expected.norm() < limit
