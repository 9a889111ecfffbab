"""The four position encodings of SAM 2: sine maps, random Fourier features, axial rotary, and sine of time.

Constants that depend on sizes only are cached. They are created outside of inference mode, because inference tensors
cannot be used by autograd later.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor, nn

_TEMPERATURE = 10_000


@lru_cache(maxsize=32)
def sine_map(channels: int, height: int, width: int, device: torch.device) -> Tensor:
    """Sine position map (1, channels, height, width): the first half of the channels encodes y, the second x."""
    with torch.inference_mode(False):
        per_axis = channels // 2
        y = torch.arange(1, height + 1, dtype=torch.float32, device=device) / (height + 1e-6) * (2 * math.pi)
        x = torch.arange(1, width + 1, dtype=torch.float32, device=device) / (width + 1e-6) * (2 * math.pi)
        rows = _interleaved_sine(y, per_axis)[:, None, :].expand(-1, width, -1)
        columns = _interleaved_sine(x, per_axis)[None, :, :].expand(height, -1, -1)
        return torch.cat([rows, columns], dim=-1).permute(2, 0, 1)[None].contiguous()


def _interleaved_sine(positions: Tensor, channels: int) -> Tensor:
    phases = positions[:, None] / _periods(channels, positions.device)
    return torch.stack([phases[:, 0::2].sin(), phases[:, 1::2].cos()], dim=-1).flatten(1)  # (positions, channels)


def _periods(channels: int, device: torch.device) -> Tensor:
    index = torch.arange(channels, dtype=torch.float32, device=device)
    return _TEMPERATURE ** (2 * (index // 2) / channels)


def sine_of_time(times: Tensor, channels: int) -> Tensor:
    """Times (T,) -> (T, channels): sines, then cosines."""
    phases = times[:, None] / _periods(channels // 2, times.device)
    return torch.cat([phases.sin(), phases.cos()], dim=-1)


class PositionEmbeddingRandom(nn.Module):
    """Random Fourier features of positions in the unit square (Tancik et al. 2020), for prompts and for the image."""

    positional_encoding_gaussian_matrix: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("positional_encoding_gaussian_matrix", nn.init.normal_(torch.empty(2, width // 2)))

    def forward(self, positions: Tensor) -> Tensor:
        """Positions (..., 2) as (x, y) in 0..1 -> (..., width)."""
        phases = 2 * math.pi * ((2 * positions - 1) @ self.positional_encoding_gaussian_matrix)
        return torch.cat([phases.sin(), phases.cos()], dim=-1)

    def grid(self, side: int) -> Tensor:
        """The encoding of the pixel centers of a side x side map: (1, width, side, side)."""
        centers = (torch.arange(side, device=self.positional_encoding_gaussian_matrix.device) + 0.5) / side
        y, x = torch.meshgrid(centers, centers, indexing="ij")
        return self(torch.stack([x, y], dim=-1)).permute(2, 0, 1)[None]

    # --- names of the official class, for exporters that embed points themselves ---

    def forward_with_coords(self, coords_input: Tensor, image_size: tuple[int, int]) -> Tensor:
        """Positions (..., 2) as (x, y) in pixels of an image of (height, width) -> (..., width)."""
        height, width = image_size
        return self(coords_input.float() / torch.tensor([width, height], device=coords_input.device))

    def _pe_encoding(self, coords: Tensor) -> Tensor:
        return self(coords)


@lru_cache(maxsize=32)
def axial_rotary(channels: int, side: int, device: torch.device, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Cosines and sines (side * side, channels / 2): the first half rotates with x, the second with y."""
    with torch.inference_mode(False):
        frequencies = _TEMPERATURE ** -(torch.arange(0, channels, 4, dtype=torch.float32, device=device) / channels)
        index = torch.arange(side * side, device=device)
        angles = torch.cat([torch.outer(index % side, frequencies), torch.outer(index // side, frequencies)], dim=-1)
        return angles.cos().to(dtype), angles.sin().to(dtype)


def apply_rotary(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate the pairs of channels i and i + channels / 2 of x (..., N, channels) by their angles."""
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cos - second * sin, first * sin + second * cos], dim=-1)


def rotate_into(target: Tensor, x: Tensor, cos: Tensor, sin: Tensor) -> None:
    """As `apply_rotary`, written into `target` (..., N, channels); without gradients."""
    (first, second), (out_first, out_second) = x.chunk(2, dim=-1), target.chunk(2, dim=-1)
    torch.mul(first, cos, out=out_first).addcmul_(second, sin, value=-1)
    torch.mul(first, sin, out=out_second).addcmul_(second, cos)
