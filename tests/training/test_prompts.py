"""Simulated clicks, boxes and corrections, and their coordinates."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sam2_core.training import prompts
from sam2_core.training.synthetic.silhouettes import draw_silhouette
from tests.networks import TINY, tiny_network

SIDE = 64


def masks(count: int, seed: int = 0) -> np.ndarray:
    """Shapes anywhere in the image, some of them a single pixel."""
    random = np.random.default_rng(seed)
    made = np.zeros((count, SIDE, SIDE), np.uint8)
    for mask in made:
        height, width = random.integers(8, 50, 2)
        top, left = random.integers(0, SIDE - height), random.integers(0, SIDE - width)
        mask[top : top + height, left : left + width] = draw_silhouette(random, height, width) > 127
        if not mask.any():
            mask[top, left] = 1
    made[::10] = 0
    made[::10, -1, 0] = 1
    return made


def test_clicks_lie_inside() -> None:
    drawn = masks(200)
    coords, labels = prompts.first_clicks(np.random.default_rng(1), drawn)
    assert coords.shape == (200, 1, 2)
    assert coords.dtype == torch.float32
    assert torch.equal(labels, torch.ones(200, 1, dtype=torch.int32))
    x, y = coords[:, 0].long().unbind(1)
    assert torch.equal(coords[:, 0], torch.stack([x, y], 1).float())  # pixel numbers
    assert drawn[np.arange(200), y.numpy(), x.numpy()].all()


def test_seven_in_ten_clicks_lie_well_inside() -> None:
    disc = np.hypot(*(np.mgrid[:SIDE, :SIDE] - 31.5)) < 30
    coords, _ = prompts.first_clicks(np.random.default_rng(0), np.repeat(disc[None].astype(np.uint8), 400, axis=0))
    from_edge = 30 - np.hypot(*(coords[:, 0].numpy() - 31.5).T)
    assert np.mean(from_edge < 6) == pytest.approx(0.3 * (1 - (24 / 30) ** 2), abs=0.05)


def test_nothing_cannot_be_clicked() -> None:
    empty = np.zeros((1, SIDE, SIDE), np.uint8)
    for seed in range(6):
        with pytest.raises(ValueError, match="An empty mask cannot be clicked"):
            prompts.first_clicks(np.random.default_rng(seed), empty)


def test_boxes_lie_around_the_masks_but_for_the_jitter() -> None:
    drawn = masks(300)
    coords, labels = prompts.boxes(np.random.default_rng(2), drawn)
    assert coords.shape == (300, 2, 2)
    assert labels.tolist() == [[2, 3]] * 300
    exact = 0
    for mask, box in zip(drawn, coords.flatten(1).numpy(), strict=True):
        y, x = np.nonzero(mask)
        tight = np.array([x.min(), y.min(), x.max() + 1, y.max() + 1]).clip(0, SIDE - 1)
        assert (np.abs(box - tight) <= 0.06 * SIDE + 1e-4).all()
        assert ((box >= 0) & (box <= SIDE - 1)).all()
        assert (box[:2] <= box[2:]).all()
        exact += np.array_equal(box, tight)
    assert 0.2 < exact / 300 < 0.45


def test_the_seed_determines_the_prompts() -> None:
    drawn = masks(20)
    for say in (prompts.first_clicks, prompts.boxes):
        first, again, other = (say(np.random.default_rng(seed), drawn)[0] for seed in (1, 1, 2))
        assert torch.equal(first, again)
        assert not torch.equal(first, other)


def correct(predicted: torch.Tensor, truth: torch.Tensor, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Clicks as places in cells (N, 2), x first, and labels (N)."""
    generator = torch.Generator().manual_seed(seed)
    coords, labels = prompts.corrections(generator, predicted, truth, SIDE)
    assert coords.shape == (len(truth), 1, 2)
    cell = SIDE / truth.shape[-1]
    places = (coords[:, 0] - (cell - 1) / 2) / cell
    assert torch.equal(places, places.round())
    return places.long(), labels[:, 0]


def test_corrections_lie_in_the_error_and_say_what_is_there() -> None:
    truth = torch.from_numpy(masks(60)[:, ::2, ::2] > 0)
    predicted = torch.from_numpy(masks(60, seed=9)[:, ::2, ::2] > 0)
    for seed in range(5):
        places, labels = correct(predicted, truth, seed)
        each, (x, y) = torch.arange(60), places.T
        wrong = (predicted ^ truth).flatten(1).any(1)
        assert (predicted ^ truth)[each, y, x][wrong].all()
        assert torch.equal(truth[each, y, x], labels.bool())
        assert labels.dtype == torch.int32


def test_where_nothing_is_wrong_the_click_confirms() -> None:
    truth = torch.from_numpy(masks(30)[1:2].repeat(30, 0) > 0)
    places, labels = correct(truth, truth)
    assert labels.tolist() == [1] * 30
    assert truth[torch.arange(30), places[:, 1], places[:, 0]].all()
    assert len(set(map(tuple, places.tolist()))) > 5


def test_on_an_empty_mask_the_click_is_negative() -> None:
    nothing = torch.zeros(20, 16, 16, dtype=torch.bool)
    places, labels = correct(nothing, nothing)
    assert labels.tolist() == [0] * 20
    assert len(set(map(tuple, places.tolist()))) > 10


def test_three_in_five_corrections_lie_in_the_middle_of_a_large_error() -> None:
    truth = torch.zeros(400, 32, 32, dtype=torch.bool)
    truth[:, 2:19, 2:19] = True
    truth[:, 28, 28] = True
    places, labels = correct(torch.zeros_like(truth), truth)
    deep = ((places >= 6) & (places <= 14)).all(1).float().mean().item()
    assert deep == pytest.approx(0.6 + 0.4 * 81 / 290, abs=0.07)
    assert labels.all()


def test_a_click_on_a_pixel_means_its_middle() -> None:
    """A click on a cell is encoded like the position of the pixel of the image embedding that covers the same area."""
    encoder = tiny_network().sam_prompt_encoder
    side = TINY.embedding_size
    truth = torch.zeros(side**2, side, side, dtype=torch.bool)
    truth.view(side**2, -1).fill_diagonal_(True)
    coords, labels = prompts.corrections(torch.Generator(), torch.zeros_like(truth), truth, TINY.image_size)
    places = encoder.embed_points(coords, labels)[:, 0] - encoder.point_embeddings[1].weight
    assert torch.allclose(places, encoder.image_positions()[0].flatten(1).T, atol=1e-5)


def test_joined_points_keep_their_order() -> None:
    first = torch.zeros(2, 1, 2), torch.ones(2, 1, dtype=torch.int32)
    coords, labels = prompts.join(first, (torch.ones(2, 2, 2), torch.zeros(2, 2, dtype=torch.int32)))
    assert coords[:, :, 0].tolist() == [[0, 1, 1]] * 2
    assert labels.tolist() == [[1, 0, 0]] * 2


def test_a_share_of_the_clicks_lies_near_the_border() -> None:
    disc = (np.hypot(*(np.mgrid[:SIDE, :SIDE] - 31.5)) < 30).astype(np.uint8)
    coords, _ = prompts.first_clicks(np.random.default_rng(0), np.repeat(disc[None], 200, axis=0), border=1.0)
    from_border = 30 - np.hypot(*(coords[:, 0].numpy() - 31.5).T)
    assert ((from_border > 0) & (from_border < 8)).all()
    drawn = masks(100)
    coords, _ = prompts.first_clicks(np.random.default_rng(1), drawn, border=0.5)
    x, y = coords[:, 0].long().numpy().T
    assert drawn[np.arange(100), y, x].all()


def test_border_corrections_lie_along_the_border_of_the_error() -> None:
    truth = torch.zeros(300, 32, 32, dtype=torch.bool)
    truth[:, 4:28, 4:28] = True
    generator = torch.Generator().manual_seed(0)
    coords, labels = prompts.corrections(generator, torch.zeros_like(truth), truth, SIDE, border=1.0)
    places = (coords[:, 0] - 0.5) / 2
    deep = ((places >= 8) & (places < 24)).all(1).float().mean().item()
    assert deep == pytest.approx(0.6, abs=0.08)  # three in five are central, and no other one is
    assert labels.all()


def nested() -> tuple[np.ndarray, torch.Tensor, prompts.Points]:
    """A whole, a part of it and a thing beside it in one picture, and the same part in another one; and clicks."""
    made = np.zeros((4, SIDE, SIDE), np.uint8)
    made[0, 4:40, 4:40] = 1
    made[[1, 3], 10:20, 10:20] = 1
    made[2, 50:60, 50:60] = 1
    coords = torch.tensor([[[30.0, 30.0]], [[12.0, 14.0]], [[55.0, 55.0]], [[15.0, 15.0]]])
    return made, torch.tensor([0, 0, 0, 1]), (coords, torch.ones(4, 1, dtype=torch.int32))


def test_a_whole_may_start_from_the_click_on_its_part() -> None:
    made, owner, points = nested()
    random = np.random.default_rng(0)
    coords, labels = prompts.share_clicks(random, points, made, owner, 1.0)
    assert coords[:, 0].tolist() == [[12, 14], [12, 14], [55, 55], [15, 15]]
    assert torch.equal(labels, points[1])
    taken = sum(prompts.share_clicks(random, points, made, owner, 0.3)[0][0].tolist() == [[12, 14]] for _ in range(200))
    assert 30 < taken < 90
    assert prompts.share_clicks(random, points, made, owner, 0.0) is points
