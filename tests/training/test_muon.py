"""Steps for weight matrices: orthogonal, equal to PyTorch's, one for all matrices of a shape."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from sam2_core.training import muon as module
from sam2_core.training.muon import Muon, orthogonalized

SHAPES = ((6, 6), (4, 9), (9, 4), (4, 9), (5, 5))


def use_bfloat16(monkeypatch: pytest.MonkeyPatch, is_fast: bool) -> None:
    monkeypatch.setattr(module, "has_fast_bfloat16", lambda _: is_fast)


@pytest.fixture(autouse=True)
def fp32(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same bounds on every machine."""
    use_bfloat16(monkeypatch, False)


def random_matrices(seed: int, *shapes: tuple[int, ...]) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator) for shape in shapes]


def as_parameters(values: list[Tensor]) -> list[nn.Parameter]:
    return [nn.Parameter(value.clone()) for value in values]


def muon(parameters: list[nn.Parameter]) -> Muon:
    return Muon([{"params": parameters}], lr=0.02, weight_decay=0.1, momentum=0.95)


@pytest.mark.parametrize("shape", [(3, 8, 8), (2, 5, 12), (2, 12, 5)])
def test_singular_vectors_stay_and_singular_values_are_about_one(shape: tuple[int, ...]) -> None:
    (matrices,) = random_matrices(0, shape)
    left, _, right = torch.linalg.svd(matrices, full_matrices=False)
    result = left.mT @ orthogonalized(matrices).float() @ right.mT
    values = result.diagonal(dim1=1, dim2=2)
    assert 0.6 < values.min() <= values.max() < 1.25
    assert (result - torch.diag_embed(values)).abs().max() < 0.02


def test_bfloat16_gives_the_same_but_for_rounding(monkeypatch: pytest.MonkeyPatch) -> None:
    (matrices,) = random_matrices(0, (3, 5, 12))
    exact = orthogonalized(matrices)
    use_bfloat16(monkeypatch, True)
    rounded = orthogonalized(matrices)
    assert rounded.dtype == torch.bfloat16
    assert 0 < (rounded.float() - exact).norm().item() < 0.06 * exact.norm().item()


def test_a_matrix_of_zeros_stays_one() -> None:
    assert torch.equal(orthogonalized(torch.zeros(1, 4, 5)), torch.zeros(1, 4, 5))


def test_steps_are_those_of_pytorch() -> None:
    torch_muon = getattr(torch.optim, "Muon", None)
    if torch_muon is None:
        pytest.skip("PyTorch has no Muon before 2.9")
    start = random_matrices(1, *SHAPES)
    ours, theirs = as_parameters(start), as_parameters(start)
    optimizers = (
        muon(ours),
        torch_muon(theirs, lr=0.02, weight_decay=0.1, momentum=0.95, adjust_lr_fn="match_rms_adamw"),
    )
    for step in range(3):
        gradients = random_matrices(2 + step, *SHAPES)
        for parameters, optimizer in zip((ours, theirs), optimizers, strict=True):
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter.grad = gradient.clone()
            optimizer.step()
    for before, a, b in zip(start, ours, theirs, strict=True):
        moved, apart = (b - before).norm().item(), (a - b).norm().item()
        assert moved > 0.05
        assert apart / moved < 0.06  # theirs are rounded to bfloat16


def test_matrices_of_one_shape_do_not_mix() -> None:
    start = random_matrices(3, (4, 9), (4, 9))
    together, alone = as_parameters(start), as_parameters(start)
    gradients = random_matrices(4, (4, 9), (4, 9))
    for parameter, other, gradient in zip(together, alone, gradients, strict=True):
        parameter.grad = gradient.clone()
        other.grad = gradient.clone()
        muon([other]).step()
    muon(together).step()
    for a, b in zip(together, alone, strict=True):
        assert torch.allclose(a, b, atol=1e-6)


def test_a_matrix_without_a_gradient_stays() -> None:
    start = random_matrices(5, (4, 9), (4, 9))
    parameters = as_parameters(start)
    parameters[0].grad = torch.ones(4, 9)
    muon(parameters).step()
    assert not torch.equal(parameters[0], start[0])
    assert torch.equal(parameters[1], start[1])
