"""The configuration of a network. The YAML file of each size lists only what differs from the defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from sam2_core.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkConfig:
    """Sizes of a SAM 2 network; the defaults are SAM 2.1 tiny (paper, appendix D)."""

    name: str
    image_size: int = 1024

    # Hiera trunk
    embed_dim: int = 96
    num_heads: int = 1
    stages: tuple[int, ...] = (1, 2, 7, 2)
    global_attention_blocks: tuple[int, ...] = (5, 7, 9)
    window_sizes: tuple[int, ...] = (8, 4, 14, 7)
    background_size: tuple[int, int] = (7, 7)

    # shared width of neck, prompt encoder, decoder and memory attention
    width: int = 256

    # mask decoder
    mask_prompt_channels: int = 16
    decoder_depth: int = 2
    decoder_heads: int = 8
    decoder_mlp: int = 2048
    iou_head_width: int = 256

    # memory
    memory_width: int = 64
    memory_layers: int = 4
    memory_mlp: int = 2048
    fuser_layers: int = 2
    memory_slots: int = 7
    max_pointers: int = 16

    # added in SAM 2.1
    no_object_in_memory: bool = True
    pointer_times: bool = True

    # only in our networks, see model/strict_boxes.py
    strict_boxes: bool = False

    def __post_init__(self) -> None:
        if min(self.image_size, self.embed_dim, self.num_heads, self.width, self.memory_width, *self.window_sizes) < 1:
            raise ConfigError(f"{self.name}: sizes must be positive.")
        if len(self.stages) != 4 or len(self.window_sizes) != 4:
            raise ConfigError(f"{self.name}: a Hiera trunk has four stages, each with a window size.")
        if self.image_size % 32:
            raise ConfigError(f"{self.name}: image_size must be a multiple of 32, not {self.image_size}.")
        if self.width % self.memory_width:
            raise ConfigError(f"{self.name}: width {self.width} must be a multiple of memory_width.")

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> NetworkConfig:
        """Build from YAML data (lists become tuples); raises `ConfigError` for wrong keys or types."""
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(values) - known):
            raise ConfigError(f"Unknown network settings {unknown}; known are {sorted(known)}.")
        if "name" not in values:
            raise ConfigError("A network configuration needs a name.")
        wrong = [
            field.name for field in fields(cls) if not _fits(values.get(field.name, field.default), str(field.type))
        ]
        if wrong:
            raise ConfigError(f"{values['name']}: {', '.join(wrong)} cannot have these values.")
        plain: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in values.items()
        }
        return cls(**plain)

    @property
    def embedding_size(self) -> int:
        """Side H = W of the image embedding (stride 16)."""
        return self.image_size // 16

    @property
    def mask_size(self) -> int:
        """Side of the low-resolution mask logits (stride 4)."""
        return self.image_size // 4

    @property
    def channels(self) -> tuple[int, ...]:
        """Channels of the four stages of the trunk, fine to coarse."""
        return tuple(self.embed_dim * 2**stage for stage in range(4))


def _fits(value: Any, kind: str) -> bool:
    """Whether a value has the type of a field, given as its annotation."""
    if kind.startswith("tuple"):
        return isinstance(value, list | tuple) and all(type(each) is int for each in value)
    return type(value).__name__ == kind
