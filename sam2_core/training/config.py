"""What a training run is, read from a YAML file: network, data, phases, optimiser."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from sam2_core.errors import ConfigError
from sam2_core.networks import read_settings
from sam2_core.training.checkpoint import WEIGHT_SUFFIXES
from sam2_core.training.losses import LossWeights
from sam2_core.training.synthetic.image_samples import Mix

T = TypeVar("T")

_FORMER_NAMES = {"optimiser": "optimizer", "quality": "predicted_iou", "presence": "object_score"}
"""Settings by the names that earlier versions gave them, which are still read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataConfig:
    """A data set to learn from; `layout` is found out if it is not given, `images` is where a COCO file's pictures
    are, and `sources` takes only some collections of a pack."""

    path: str
    layout: str | None = None
    images: str | None = None
    sources: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """What steps look like until a fraction of the run is done.

    On every process `batch` pictures of `size` pixels (None: the network's own) with `objects` masks each, prompted
    once and then corrected by one of the numbers of `corrections`. A share `clips` of the steps takes instead
    `clip_batch` clips of some of `clip_frames` frames with `clip_objects` objects, up to `corrected_frames` of them
    corrected, and a share `real_clips` of them from annotated clips where there are any; `clip_encoder` lets these
    steps change the image encoder as well. The loss is counted on cells of `stride` pixels.
    """

    until: float = 1.0
    size: int | None = None
    batch: int = 8
    objects: int = 4
    corrections: tuple[int, ...] = (0, 1, 1, 2)
    stride: int = 2
    loss: LossWeights = field(default_factory=LossWeights)
    mix: Mix = field(default_factory=Mix)
    clips: float = 0.0
    real_clips: float = 0.7
    clip_batch: int = 2
    clip_frames: tuple[int, ...] = (4,)
    clip_objects: int = 2
    corrected_frames: int = 1
    clip_encoder: bool = False

    def __post_init__(self) -> None:
        if min(self.batch, self.objects, self.clip_batch, self.clip_objects, *self.clip_frames) < 1:
            raise ConfigError("The numbers of pictures, clips, frames and objects in a phase must be positive.")
        if not self.clip_frames or not self.corrections or min(self.corrections) < 0:
            raise ConfigError("A phase needs at least one number of `clip_frames` and of `corrections`.")
        if (self.size or 32) % 32 or self.stride not in (1, 2, 4, 8, 16):
            raise ConfigError("A phase's `size` must be a multiple of 32, and its `stride` 1, 2, 4, 8 or 16.")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingConfig:
    """A training run. Exactly one of `steps` and `minutes` says how long it is.

    `init` is a known network or a weights file to start from; without it, `network`, a known name or a YAML file, is
    trained from scratch. `train` says which parts learn: "all", "decoder", "memory" (decoder and memory) or "lora"
    (the decoder, and low-rank changes of rank `lora_rank` to the trunk). Sources are drawn by `source_weights`, and
    real objects for composites are cut out of `cutout_sources` (of all, if it is empty). In pictures of
    `region_sources` regions such as sky and road are found, which make a source "regions" of their own. Up to
    `in_memory` pictures are kept, with a short side of `short_side` pixels, and the others are read when they are
    drawn; a share `held_out` of the pictures and clips is never trained on but measured.
    `weights` is the file that comes out: `.safetensors` in half precision, `.pt` in the official layout and in full
    precision.
    """

    network: str | None = None
    init: str | None = None
    weights: str = "weights.safetensors"
    seed: int = 1
    steps: int | None = None
    minutes: float | None = None
    data: tuple[DataConfig, ...] = ()
    source_weights: Mapping[str, float] = field(default_factory=dict)
    cutout_sources: tuple[str, ...] = ()
    region_sources: tuple[str, ...] = ()
    short_side: int = 384
    in_memory: int = 10_000
    held_out: float = 0.05

    train: str = "all"
    lora_rank: int = 8
    optimizer: str = "muon"
    learning_rate: float = 1.2e-3
    trunk_rate: float = 1.0
    warmup_steps: int = 60
    hold: float = 0.65
    weight_decay: float = 0.05
    clip_gradient: float = 1.0
    ema: float = 0.998
    precision: str = "auto"

    measure_minutes: float = 10.0
    save_minutes: float = 3.0
    phases: tuple[Phase, ...] = (Phase(),)

    def __post_init__(self) -> None:
        if self.network is None and self.init is None:
            raise ConfigError("Say which `network` to train, or with `init` which weights to start from.")
        if Path(self.weights).suffix not in WEIGHT_SUFFIXES or Path(self.weights).name != self.weights:
            raise ConfigError(f"`weights` is a file name that ends in .pt or .safetensors, not {self.weights!r}.")
        if (self.steps is None) == (self.minutes is None):
            raise ConfigError("A training run needs either `steps` or `minutes`.")
        if (self.steps or self.minutes or 0) <= 0 or self.seed < 0 or self.lora_rank < 1:
            raise ConfigError("`steps`, `minutes` and `lora_rank` must be positive, and `seed` not negative.")
        ends = [phase.until for phase in self.phases]
        if not ends or sorted(set(ends)) != ends or ends[0] <= 0 or ends[-1] != 1.0:
            raise ConfigError("The phases' `until` must grow and end with 1.0.")
        for name, value, known in (
            ("train", self.train, ("all", "decoder", "memory", "lora")),
            ("optimizer", self.optimizer, ("muon", "adamw")),
            ("precision", self.precision, ("auto", "fp32", "bf16")),
        ):
            if value not in known:
                raise ConfigError(f"`{name}` is {value!r}; it must be one of {', '.join(known)}.")

    def phase(self, done: float) -> Phase:
        """The phase at a fraction 0..1 of the run."""
        return next((phase for phase in self.phases if done < phase.until), self.phases[-1])


def read_training_config(path: Path, **changes: Any) -> TrainingConfig:
    """Read a YAML file; `changes` replace single values. Raises `ConfigError` naming what is wrong."""
    return _build(TrainingConfig, read_settings(path, "training configuration") | changes, str(path))


def _build(kind: type[T], values: Any, where: str) -> T:
    """Make a dataclass of plain data, deeply; unknown names and wrong types are a `ConfigError`."""
    if not isinstance(values, Mapping):
        raise ConfigError(f"{where} should be a list of `name: value` lines, not {values!r}.")
    hints = get_type_hints(kind)
    values = {_FORMER_NAMES.get(name, name): value for name, value in values.items()}
    if unknown := sorted(set(values) - set(hints)):
        raise ConfigError(f"{where}: unknown settings {unknown}; known are {sorted(hints)}.")
    missing = [
        each.name
        for each in fields(kind)  # type: ignore[arg-type]
        if each.default is MISSING and each.default_factory is MISSING and each.name not in values
    ]
    if missing:
        raise ConfigError(f"{where}: {', '.join(missing)} must be given.")
    return kind(**{name: _value(hints[name], value, f"{where}: {name}") for name, value in values.items()})


def _value(hint: Any, value: Any, where: str) -> Any:
    if is_dataclass(hint) and isinstance(hint, type):
        return _build(hint, value, where)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is UnionType:  # X | None
        return None if value is None else _value(arguments[0], value, where)
    if origin is tuple and isinstance(value, list | tuple):
        return tuple(_value(arguments[0], each, where) for each in value)
    if origin is Mapping and isinstance(value, dict):
        return {_value(arguments[0], key, where): _value(arguments[1], each, where) for key, each in value.items()}
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is hint:
        return value
    raise ConfigError(f"{where} cannot be {value!r}.")
