"""Crops for CLIP, its projection, and steps in which it takes the place of boxes; no transformers library needed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from sam2_core.errors import ConfigError, WeightsError
from sam2_core.model.clip_prompt import ClipPrompt, add_clip_prompt, clip_prompt_of, split_clip_prompt
from sam2_core.predictors.clip_segmenter import ClipSegmenter
from sam2_core.training.checkpoint import clip_prompt_file, save_clip_prompt
from sam2_core.training.clip_crops import clip_crops
from sam2_core.training.image_interaction import image_step
from sam2_core.training.input_size import at_size
from sam2_core.training.losses import LossWeights
from sam2_core.training.step import StepRng
from tests.networks import TINY, tiny_network


def scene(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Red boxes on blue (N, 64, 64, 3), and their masks."""
    images = np.full((count, 64, 64, 3), (0, 0, 255), np.uint8)
    masks = np.zeros((count, 64, 64), np.uint8)
    masks[:, 40:60, 4:24] = 1
    images[masks > 0] = (255, 0, 0)
    return images, masks


def test_crops_show_the_object_and_hide_what_is_around_it_in_half_of_them() -> None:
    crops = clip_crops(np.random.default_rng(0), *scene(60), 32)
    assert crops.shape == (60, 3, 32, 32)
    assert torch.allclose(crops[:, :, 16, 16], torch.tensor([1.0, 0.0, 0.0]), atol=0.02)
    red = ((crops[:, 0] > 0.9) & (crops[:, 2] < 0.1)).float().mean((1, 2))
    assert 0.2 < float(red.min()) < 0.35 and float(red.max()) > 0.8, "expanded by a factor of 1 to 2"
    wide = crops[red < 0.7]
    shows_blue = ((wide[:, 2] > 0.9) & (wide[:, 0] < 0.1)).flatten(1).any(1).float().mean()
    assert 0.3 < float(shows_blue) < 0.7


def test_the_length_of_an_embedding_does_not_count() -> None:
    prompt, embedding = ClipPrompt(8, 32), torch.randn(3, 8)
    assert prompt(embedding).shape == (3, 1, 32)
    assert torch.allclose(prompt(embedding), prompt(7 * embedding), atol=1e-5)


def test_tokens_are_prompts_of_their_own_and_beside_points() -> None:
    network = tiny_network()
    features = network.encode_image(torch.zeros(1, 3, 64, 64))
    embedding = network.without_memory(features.embedding)
    tokens = torch.randn(2, 1, TINY.width)
    points = torch.tensor([[[30.0, 30.0]]] * 2), torch.ones(2, 1)
    for prompt in (None, points):
        found = network.predict_masks(embedding, features.high_res, prompt, None, True, tokens)
        assert found.logits.shape[:2] == (2, 3)
        assert not torch.allclose(found.logits[0], found.logits[1]), "each token has masks of its own"
    one = network.predict_masks(embedding, features.high_res, None, None, True, tokens[1:])
    both = network.predict_masks(embedding, features.high_res, None, None, True, tokens)
    assert torch.allclose(one.logits[0], both.logits[1], atol=1e-4)


def test_the_projection_is_trained_and_saved_apart(tmp_path: Path) -> None:
    network = type(tiny_network())(TINY).train()
    plain = set(network.state_dict())
    add_clip_prompt(network, 8)
    view = at_size(network, 96)
    prompt = clip_prompt_of(network)
    assert prompt is not None
    assert clip_prompt_of(view).projection.weight is prompt.projection.weight  # type: ignore[union-attr]
    images, masks = scene(1)
    embeddings, asked = torch.randn(2, 8), []

    def embed(objects: np.ndarray) -> torch.Tensor:
        asked.append(objects.tolist())
        return prompt(embeddings[: len(objects)])

    pixels = torch.from_numpy(images).movedim(-1, 1).float()
    for seed in range(8):
        rng = StepRng.seeded(np.random.default_rng(seed), (seed, 1))
        features = network.encode_image(pixels)
        result = image_step(network, features, masks[:, None].repeat(4, 1), 1, 2, LossWeights(), rng, embed=embed)
        if "clip1" in result.metrics:
            break
    assert asked == [[2, 3]], "half of the objects begin with a click"
    assert "box" not in result.metrics
    result.loss.backward()
    assert prompt.projection.weight.grad is not None
    network_weights, own = split_clip_prompt(network.state_dict())
    assert set(network_weights) == plain
    file = clip_prompt_file(tmp_path / "mine.pt")
    save_clip_prompt(own, "some/clip", file)
    assert file.name == "mine.clip.safetensors"


def test_missing_and_broken_projections_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="only networks trained with --prompt clip"):
        ClipSegmenter.from_files(tmp_path / "mine.pt")
    (tmp_path / "mine.clip.safetensors").write_bytes(b"no weights at all")
    with pytest.raises(WeightsError, match="cannot be read as the projection"):
        ClipSegmenter.from_files(tmp_path / "mine.pt")
