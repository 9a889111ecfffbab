"""The configuration of a network. The YAML file of each size lists only what differs from the defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, TypeAlias, TypeVar

from sam2_core.errors import ConfigError
from sam2_core.types import AutomaticSettings, RatingSettings

Config = TypeVar("Config", bound="SegmentationConfig")
_Settings = TypeVar("_Settings", AutomaticSettings, RatingSettings)

RUNTIME_FIELDS = (
    "image_size",
    "memory_slots",
    "max_pointers",
    "max_conditioning_frames",
    "memory_stride",
    "non_overlapping_memory",
    "multimask_output",
    "multimask_for_tracking",
    "multimask_min_points",
    "multimask_max_points",
)
"""Fields that can be changed without other weights (`memory_slots` only to fewer)."""


_OFFICIAL_SETTINGS = AutomaticSettings()
_UNMEASURED_RATINGS = RatingSettings()


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentationConfig:
    """What SAM and SAM 2 share: the sizes of the prompt encoder and the mask decoder."""

    name: str
    image_size: int = 1024
    width: int = 256  # of the embedding, the prompt encoder and the decoder
    mask_prompt_channels: int = 16
    decoder_depth: int = 2
    decoder_heads: int = 8
    decoder_mlp: int = 2048
    iou_head_width: int = 256
    automatic: AutomaticSettings = _OFFICIAL_SETTINGS  # for automatic masks
    ratings: RatingSettings = _UNMEASURED_RATINGS  # of masks, in words

    @classmethod
    def from_mapping(cls: type[Config], values: Mapping[str, Any]) -> Config:
        """Build from YAML data (lists become tuples); raises `ConfigError` for wrong keys or types."""
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(values) - known):
            raise ConfigError(f"Unknown network settings {unknown}; known are {sorted(known)}.")
        if "name" not in values:
            raise ConfigError("A network configuration needs a name.")
        if isinstance(values.get("automatic"), dict):
            settings = _settings(values["name"], "automatic", AutomaticSettings, values["automatic"])
            values = {**values, "automatic": settings}
        if isinstance(values.get("ratings"), dict):
            values = {**values, "ratings": _settings(values["name"], "ratings", RatingSettings, values["ratings"])}
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ViTConfig(SegmentationConfig):
    """Sizes of a SAM network; the defaults are ViT-B (Kirillov et al. 2023, appendix A)."""

    embed_dim: int = 768
    depth: int = 12
    num_heads: int = 12
    global_attention_blocks: tuple[int, ...] = (2, 5, 8, 11)
    window_size: int = 14

    def __post_init__(self) -> None:
        if min(self.image_size, self.embed_dim, self.depth, self.num_heads, self.window_size, self.width) < 1:
            raise ConfigError(f"{self.name}: sizes must be positive.")
        if self.embed_dim % self.num_heads or self.image_size % 16:
            raise ConfigError(f"{self.name}: heads must divide embed_dim, and 16 the image_size.")

    def is_ambiguous(self, points: int, tracking: bool) -> bool:
        """Whether three candidates are predicted for this many points (paper, section 3: for a single one)."""
        return points == 1 and not tracking


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkConfig(SegmentationConfig):
    """Sizes of a SAM 2 network; the defaults are SAM 2.1 tiny (paper, appendix D)."""

    # Hiera trunk
    embed_dim: int = 96
    num_heads: int = 1
    stages: tuple[int, ...] = (1, 2, 7, 2)
    global_attention_blocks: tuple[int, ...] = (5, 7, 9)
    window_sizes: tuple[int, ...] = (8, 4, 14, 7)
    background_size: tuple[int, int] = (7, 7)

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

    # how the network is run
    max_conditioning_frames: int = -1
    memory_stride: int = 1
    non_overlapping_memory: bool = False
    multimask_output: bool = True
    multimask_for_tracking: bool = True
    multimask_min_points: int = 0
    multimask_max_points: int = 1

    # only in our networks, see model/strict_boxes.py
    strict_boxes: bool = False
    # the best of all four outputs answers clicks, see model/ranked_outputs.py
    rank_outputs: bool = False
    # masks follow the edges of the picture, see tracking/boundaries.py
    fit_boundaries: bool = False

    def __post_init__(self) -> None:
        if min(self.image_size, self.embed_dim, self.num_heads, self.width, self.memory_width, *self.window_sizes) < 1:
            raise ConfigError(f"{self.name}: sizes must be positive.")
        if len(self.stages) != 4 or len(self.window_sizes) != 4:
            raise ConfigError(f"{self.name}: a Hiera trunk has four stages, each with a window size.")
        if self.image_size % 32:
            raise ConfigError(f"{self.name}: image_size must be a multiple of 32, not {self.image_size}.")
        if self.memory_slots < 0 or self.max_pointers < 1 or self.memory_stride < 1:
            raise ConfigError(f"{self.name}: sizes of the memory must be positive.")
        if self.max_conditioning_frames != -1 and self.max_conditioning_frames < 1:
            raise ConfigError(f"{self.name}: max_conditioning_frames must be -1 (no limit) or at least 1.")
        if self.width % self.memory_width:
            raise ConfigError(f"{self.name}: width {self.width} must be a multiple of memory_width.")

    def changed(self, **changes: Any) -> NetworkConfig:
        """A copy with other values of fields that do not change the weights; raises `ConfigError` for other fields."""
        if fixed := sorted(set(changes) - set(RUNTIME_FIELDS)):
            raise ConfigError(f"{self.name}: {', '.join(fixed)} cannot be changed, because the weights depend on it.")
        return self.from_mapping(asdict(self) | changes)

    def is_ambiguous(self, points: int, tracking: bool) -> bool:
        """Whether three candidates are predicted for this many points, on the first prompt or when `tracking`."""
        enabled = self.multimask_output and (self.multimask_for_tracking or not tracking)
        return enabled and self.multimask_min_points <= points <= self.multimask_max_points

    @property
    def channels(self) -> tuple[int, ...]:
        """Channels of the four stages of the trunk, fine to coarse."""
        return tuple(self.embed_dim * 2**stage for stage in range(4))


AnyConfig: TypeAlias = NetworkConfig | ViTConfig
"""Of SAM 2, or of SAM."""


def _settings(name: str, key: str, kind: type[_Settings], values: Mapping[str, Any]) -> _Settings:
    kinds = {field.name: str(field.type) for field in fields(kind)}
    if wrong := sorted(each for each, value in values.items() if not _fits(value, kinds.get(each, "nothing"))):
        raise ConfigError(f"{name}: {key}: {', '.join(wrong)} cannot have these values.")
    return kind(**values)


def _fits(value: Any, kind: str) -> bool:
    """Whether a value has the type of a field, given as its annotation."""
    if kind.startswith("tuple"):
        return isinstance(value, list | tuple) and all(type(each) is int for each in value)
    return type(value).__name__ == kind
