"""Each fast path of inference on CPUs against the plain one."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sam2_core.model import attention as attention_module
from sam2_core.model import hiera, mask_decoder, tiled_attention
from sam2_core.model.attention import RotaryAttention, attention
from sam2_core.model.derived import derived
from sam2_core.model.hiera import Hiera
from sam2_core.model.layers import MLP, Linear, activated, fused_linear
from sam2_core.model.mask_decoder import upscale
from sam2_core.model.prompt_encoder import PromptEncoder
from sam2_core.model.tiled_attention import key_buffer
from tests.networks import TINY, tiny_network

needs_fused = pytest.mark.skipif(fused_linear is None, reason="no oneDNN here, or none for bfloat16")


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def exact(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """softmax(q k^T / sqrt(d)) v in double precision."""
    scores = q.double() @ k.double().transpose(-1, -2) * q.shape[-1] ** -0.5
    return scores.softmax(-1) @ v.double()


def error(found: Tensor, expected: Tensor) -> float:
    """Relative error."""
    return float((found.double() - expected.double()).norm() / expected.double().norm())


def tiled(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    buffer = key_buffer(k, len(k))
    buffer[:, : k.shape[1]] = k
    return tiled_attention.tiled_attention(q, buffer, v)


def uniform(queries: Tensor, keys: Tensor) -> None:
    queries.zero_()


def sharp(queries: Tensor, keys: Tensor) -> None:
    queries.mul_(10)  # scores up to 50, as trained networks have


def one_key_that_no_sample_shows(queries: Tensor, keys: Tensor) -> None:
    keys[1::2] *= 0.01
    keys[777] = 40 * queries[3]


def far_below(queries: Tensor, keys: Tensor) -> None:
    keys.sub_(400 * queries.mean(dim=0))


@pytest.mark.parametrize("change", [None, uniform, sharp, one_key_that_no_sample_shows, far_below])
@pytest.mark.parametrize(
    ("dtype", "limit"), [(torch.float32, 2e-5), pytest.param(torch.bfloat16, 6e-3, marks=needs_fused)]
)
@torch.no_grad()
def test_tiled_attention_is_attention(
    dtype: torch.dtype, limit: float, change: Callable[[Tensor, Tensor], None] | None
) -> None:
    q, k, v = torch.randn(300, 64), torch.randn(3000, 64), torch.randn(3000, 8)
    if change is not None:
        change(q, k)
    q, k, v = q.to(dtype), k.to(dtype), v.to(dtype)
    found = tiled(q, k, v)
    assert found.dtype == dtype
    assert error(found, exact(q, k, v)) < limit * (10 if change in (far_below, uniform) else 1)


@torch.no_grad()
def test_rows_whose_shift_was_guessed_wrong_are_computed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    q, k, v = torch.randn(20, 8), torch.randn(2000, 8), torch.randn(2000, 4)
    k[778] = 4000 * q[3]  # a score beyond the range of fp32's exponential, of a key that is not sampled
    rows = []
    plain = F.scaled_dot_product_attention

    def recorded(q: Tensor, *others: Tensor) -> Tensor:
        rows.append(q.shape[-2])
        return plain(q, *others)

    monkeypatch.setattr(F, "scaled_dot_product_attention", recorded)
    assert error(tiled(q, k, v), exact(q, k, v)) < 1e-5
    assert len(rows) == 1
    assert 0 < rows[0] < 20


@pytest.mark.parametrize("keys", [5, 300])
def test_attention_takes_the_fast_paths_only_without_gradients(monkeypatch: pytest.MonkeyPatch, keys: int) -> None:
    monkeypatch.setattr(attention_module, "_SMALL", 1000)
    q, k, v = torch.randn(2, 3, 40, 8), torch.randn(2, 3, keys, 8), torch.randn(2, 3, keys, 4)
    expected = attention(q, k, v)
    torch.testing.assert_close(expected, exact(q, k, v).float())
    with torch.no_grad():
        found = attention(q, k, v)
    assert not torch.equal(found, expected)  # another order of sums
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


def test_values_may_be_projected_after_they_are_mixed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attention_module, "_SMALL", 100)
    layer = RotaryAttention(8, key_width=4)
    q, k, v = torch.randn(2, 16, 8), torch.randn(2, 3 * 16 + 2, 4), torch.randn(2, 3 * 16 + 2, 4)
    expected = layer(q, k, v, unrotated=2)
    with torch.no_grad():
        torch.testing.assert_close(layer(q, k, v, unrotated=2), expected, rtol=1e-4, atol=1e-6)


def test_a_wrapped_projection_is_called() -> None:
    layer, plain = RotaryAttention(8), RotaryAttention(8)
    plain.load_state_dict(layer.state_dict())
    layer.q_proj = nn.Sequential(layer.q_proj)  # type: ignore[assignment]  # as adapters do
    x = torch.randn(1, 16, 8)
    torch.testing.assert_close(layer(x, x, x), plain(x, x, x))


@torch.no_grad()
def test_bands_of_windows_are_the_whole_map(monkeypatch: pytest.MonkeyPatch) -> None:
    trunk, image = Hiera(TINY).eval(), torch.randn(2, 3, 64, 64)
    whole = trunk(image)
    monkeypatch.setattr(hiera, "_BAND", 1)
    for band, expected in zip(trunk(image), whole, strict=True):
        torch.testing.assert_close(band, expected, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_upscaling_is_the_transposed_convolution() -> None:
    layer, x = nn.ConvTranspose2d(6, 4, kernel_size=2, stride=2), torch.randn(2, 6, 3, 5)
    torch.testing.assert_close(upscale(layer, x.permute(0, 2, 3, 1)), layer(x).permute(0, 2, 3, 1))


# --- autocast ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ["relu", "gelu"])
@torch.no_grad()
def test_linear_layers_convert_and_fuse_as_autocast_would(activation: str) -> None:
    layer, x = Linear(16, 8), torch.randn(3, 16)
    plain = nn.Linear(16, 8)
    plain.load_state_dict(layer.state_dict())
    with torch.autocast("cpu", torch.bfloat16):
        found, expected = layer(x), plain(x)
        both, expected_both = activated(layer, x, activation), getattr(F, activation)(expected)
    assert found.dtype == both.dtype == torch.bfloat16
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(both, expected_both, rtol=0.02, atol=0.01)


@torch.no_grad()
def test_hooks_of_a_layer_are_called() -> None:
    mlp, seen = MLP((4, 4, 4)), []
    mlp.layers[0].register_forward_hook(lambda module, args, output: seen.append(output.min().item()))
    with torch.autocast("cpu", torch.bfloat16):
        mlp(torch.randn(50, 4))
    assert len(seen) == 1
    assert seen[0] < 0  # before the activation


def test_autocast_trains() -> None:
    layer = Linear(4, 4)
    with torch.autocast("cpu", torch.bfloat16):
        layer(torch.randn(2, 4)).sum().backward()
    assert layer.weight.grad is not None


# --- derived values ------------------------------------------------------------------------------------------------


def doubled(layer: nn.Linear) -> tuple[Tensor, list[int]]:
    """Twice the weight, and how often it was computed."""
    calls = []

    def compute() -> Tensor:
        calls.append(1)
        return 2 * layer.weight.detach()

    return derived(layer, "doubled", (layer.weight,), compute), calls


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode])
def test_derived_values_follow_their_parameters(context: Callable[[], torch.autograd.grad_mode.inference_mode]) -> None:
    layer = nn.Linear(2, 2)
    with context():
        first, computed = doubled(layer)
        again, not_computed = doubled(layer)
        assert computed
        assert not not_computed
        assert again is first
        assert not first.is_inference()
        for change in (
            lambda: layer.weight.mul_(3),
            lambda: layer.load_state_dict({name: x + 1 for name, x in layer.state_dict().items()}),
            lambda: setattr(layer, "weight", nn.Parameter(torch.ones(2, 2))),
            lambda: setattr(layer.weight, "data", torch.zeros(2, 2)),
        ):
            with torch.inference_mode(False), torch.no_grad():
                change()
            assert torch.equal(doubled(layer)[0], 2 * layer.weight)


def test_derived_values_are_not_kept_with_gradients_nor_copied() -> None:
    layer = nn.Linear(2, 2)
    assert doubled(layer)[1]
    assert doubled(layer)[1]
    with torch.no_grad():
        doubled(layer)
        other = copy.deepcopy(layer)
        assert doubled(other)[1]


@torch.no_grad()
def test_derived_values_do_not_depend_on_who_asks_first() -> None:
    prompts, others = PromptEncoder(TINY), PromptEncoder(TINY)
    others.load_state_dict(prompts.state_dict())
    with torch.autocast("cpu", torch.bfloat16):
        prompts.image_positions()
    assert torch.equal(prompts.image_positions(), others.image_positions())


def test_parameters_that_count_no_changes_are_never_stale() -> None:
    with torch.inference_mode():
        layer = nn.Linear(2, 2)
        assert torch.equal(doubled(layer)[0], 2 * layer.weight)
        layer.weight.add_(1)
        assert torch.equal(doubled(layer)[0], 2 * layer.weight)


@torch.no_grad()
def test_prompts_in_parts_are_the_whole_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    network = tiny_network()
    features = network.encode_image(torch.randn(1, 3, 64, 64))
    points = torch.rand(5, 1, 2) * 64, torch.ones(5, 1, dtype=torch.int32)
    for masks in (None, torch.randn(5, 1, 16, 16)):
        monkeypatch.setattr(mask_decoder, "_PROMPTS", 100)
        whole = network.predict_masks(features.embedding, features.high_res, points, masks, True)
        monkeypatch.setattr(mask_decoder, "_PROMPTS", 2)
        parts = network.predict_masks(features.embedding, features.high_res, points, masks, True)
        for part, expected in zip(parts, whole, strict=True):
            torch.testing.assert_close(part, expected, rtol=1e-4, atol=1e-5)
