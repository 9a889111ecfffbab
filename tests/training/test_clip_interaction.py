"""One training step on clips."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from sam2_core.model.network import SAM2
from sam2_core.training import clip_interaction
from sam2_core.training.clip_interaction import clip_step
from sam2_core.training.initialization import new_network
from sam2_core.training.losses import LossWeights
from sam2_core.training.step import StepResult, StepRng
from sam2_core.training.trainable_parts import IMAGE_ENCODER, set_trainable
from tests.networks import TINY

First = Callable[[str], None]


@pytest.fixture
def first(monkeypatch: pytest.MonkeyPatch) -> First:
    """Fix the prompt on the first frame: a mask, a click or a box."""

    def fix(kind: str) -> None:
        shares = tuple(float(kind == each) for each in clip_interaction._FIRST_PROMPTS)
        monkeypatch.setattr(clip_interaction, "_FIRST_SHARES", shares)

    return fix


def a_batch(clips: int = 2, objects: int = 2, length: int = 3) -> tuple[torch.Tensor, np.ndarray]:
    frames = torch.randn(clips, length, 3, 64, 64, generator=torch.Generator().manual_seed(clips))
    masks = np.zeros((clips, objects, length, 64, 64), np.uint8)
    for clip in range(clips):
        for each in range(objects):
            for at in range(length):
                left = 6 * at + 9 * each
                masks[clip, each, at, 5 + 11 * clip : 30 + 11 * clip, left : left + 20] = 1
    return frames, masks


def step(network: SAM2, frames: torch.Tensor, masks: np.ndarray, seed: int = 0, corrected: int = 0) -> StepResult:
    rng = StepRng.seeded(np.random.default_rng(seed), (seed, 7))
    return clip_step(network, network.encode_image(frames.flatten(0, 1)), masks, corrected, 2, LossWeights(), rng)


@pytest.mark.parametrize("kind", ["mask", "click", "box"])
def test_a_step_gives_a_loss_and_metrics_of_all_frames(first: First, kind: str) -> None:
    first(kind)
    result = step(new_network(TINY, 0), *a_batch())
    assert torch.isfinite(result.loss)
    prompted = set() if kind == "mask" else {f"{kind} on frame 1"}
    assert set(result.metrics) == prompted | {"frame 2", "frame 3"}
    assert all(0 <= value <= 1 for value in result.metrics.values())


def test_some_frames_are_corrected() -> None:
    network, batch = new_network(TINY, 0), a_batch(1, 1)
    corrected = ["corrected" in step(network, *batch, seed=seed, corrected=1).metrics for seed in range(8)]
    assert set(corrected) == {True, False}


def test_each_object_is_tracked_through_its_own_clip(first: First) -> None:
    """The loss of a batch is the mean of the losses of its clips; a mask on the first frame is not random."""
    first("mask")
    network = new_network(TINY, 0)
    frames, masks = a_batch(2, 2, 4)
    both = step(network, frames, masks).loss
    alone = [
        step(network, frames[clip : clip + 1], masks[clip : clip + 1, each : each + 1]).loss
        for clip in range(2)
        for each in range(2)
    ]
    assert both.item() == pytest.approx(torch.stack(alone).mean().item(), rel=2e-3)  # memories are in bfloat16
    assert torch.stack(alone).std() > 5e-3 * both


def test_the_rng_determines_the_loss_to_the_last_bit() -> None:
    network, batch = new_network(TINY, 0), a_batch()
    assert torch.equal(*(step(network, *batch, corrected=1).loss for _ in range(2)))


def test_the_memory_gets_gradients_and_the_image_encoder_only_if_trainable(first: First) -> None:
    first("click")
    network = new_network(TINY, 0).train()
    names = frozenset(name for name, _ in network.named_parameters())
    for learning in (names, frozenset(name for name in names if not name.startswith(IMAGE_ENCODER))):
        set_trainable(network, learning)
        network.zero_grad()
        step(network, *a_batch(1, 1)).loss.backward()
        changed = {name for name, parameter in network.named_parameters() if parameter.grad is not None}
        assert {name.split(".")[0] for name in changed} >= {"memory_attention", "memory_encoder", "obj_ptr_proj"}
        assert any(name.startswith(IMAGE_ENCODER) for name in changed) == (learning == names)


def test_an_absent_object_trains_the_score_and_no_mask(first: First) -> None:
    first("mask")
    network = new_network(TINY, 0).train()
    frames, masks = a_batch(1, 1, 2)
    masks[:, :, 1] = 0
    result = step(network, frames, masks)
    result.loss.backward()
    assert "frame 2" not in result.metrics
    heads = network.sam_mask_decoder
    assert heads.pred_obj_score_head.layers[-1].weight.grad.any()
    for other in (heads.iou_prediction_head.layers[-1].weight, heads.output_hypernetworks_mlps[1].layers[-1].weight):
        assert other.grad is None or not other.grad.any()


def test_a_clip_of_one_frame_is_a_prompt_alone(first: First) -> None:
    first("click")
    frames, masks = a_batch(1, 1, 1)
    assert set(step(new_network(TINY, 0), frames, masks, corrected=1).metrics) == {"click on frame 1"}


def test_dropped_memories_change_what_is_seen_later_but_not_the_prompt(
    first: First, monkeypatch: pytest.MonkeyPatch
) -> None:
    first("mask")
    remembered: list[int] = []
    select = clip_interaction.MemoryBank.select

    def watched(
        bank: clip_interaction.MemoryBank[clip_interaction.FrameOutput], *args: int | bool, **options: int | bool
    ) -> object:
        remembered.append(len(bank.prompted) + len(bank.tracked))
        return select(bank, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(clip_interaction.MemoryBank, "select", watched)
    network, (frames, masks) = new_network(TINY, 0), a_batch(1, 1, 5)
    for dropout, expected in ((0.0, [1, 2, 3, 4]), (1.0, [1, 1, 1, 1])):
        remembered.clear()
        rng = StepRng.seeded(np.random.default_rng(0), (0, 7))
        clip_step(network, network.encode_image(frames[0]), masks, 0, 2, LossWeights(), rng, memory_dropout=dropout)
        assert remembered == expected
