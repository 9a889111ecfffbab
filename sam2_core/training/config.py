"""The configuration of a training run, read from a YAML file: network, data, phases, optimizer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from sam2_core.errors import ConfigError
from sam2_core.networks import read_settings
from sam2_core.training.augment.copy_paste import CopyPaste
from sam2_core.training.checkpoint import WEIGHT_SUFFIXES
from sam2_core.training.losses import LossWeights
from sam2_core.training.synthetic.image_samples import Mix
from sam2_core.training.trainable_parts import FROZEN_ENCODER

T = TypeVar("T")

_FORMER_NAMES = {"optimiser": "optimizer", "quality": "predicted_iou", "presence": "object_score"}
"""Former names of settings, which are still read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataConfig:
    """A data set. `layout` is recognized if it is None, `images` is the folder of a COCO file's images, and `sources`
    selects collections of a pack."""

    path: str
    layout: str | None = None
    images: str | None = None
    sources: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """The settings of steps up to the fraction `until` of the run.

    A step takes on every process `batch` images of `size` pixels (None: the network's own) with `objects` masks each,
    which are prompted once and then corrected; the number of corrections is drawn from `corrections`. A share `clips`
    of the steps takes `clip_batch` clips instead, with `clip_objects` objects and a length drawn from `clip_frames`;
    up to `corrected_frames` of their frames get a correction. A share `real_clips` of the clips are annotated ones, if
    there are any, the others synthetic. `clip_encoder` trains the image encoder in these steps, too. The loss is
    computed on cells of `stride` pixels.

    `border_clicks` is the share of first clicks and of off-center corrections near a border, `shared_clicks` the
    probability that an object is prompted by the click on one of its parts, and `memory_dropout` the share of tracked
    frames that are not memorized.
    """

    until: float = 1.0
    size: int | None = None
    batch: int = 8
    objects: int = 4
    corrections: tuple[int, ...] = (0, 1, 1, 2)
    stride: int = 2
    border_clicks: float = 0.0
    shared_clicks: float = 0.0
    memory_dropout: float = 0.0
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
        if not all(0 <= share <= 1 for share in (self.border_clicks, self.shared_clicks, self.memory_dropout)):
            raise ConfigError("`border_clicks`, `shared_clicks` and `memory_dropout` of a phase are shares, 0 to 1.")
        if (self.size or 32) % 32 or self.stride not in (1, 2, 4, 8, 16):
            raise ConfigError("A phase's `size` must be a multiple of 32, and its `stride` 1, 2, 4, 8 or 16.")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingConfig:
    """A training run, which lasts for either `steps` or `minutes`.

    `init` is a known network or a weights file to start from; without it, `network`, a known name or a YAML file, is
    trained from scratch. `train` selects the trainable parts: "all", "decoder", "memory" (decoder and memory), "lora"
    (the decoder, and low-rank changes of rank `lora_rank` to the trunk) or "quality" (the head of the predicted IoU).
    `trunk_rate` is a factor on the learning rate of the image encoder; the learning rate is constant up to the fraction
    `hold` of the run and then decays.

    Sources are sampled by `source_weights`, and real objects for composites are cut out of `cutout_sources` (of all if
    it is empty). Regions such as sky and road are found in images of `region_sources`; they are the source "regions".
    Up to `in_memory` images are kept in memory, with a short side of at most `short_side` pixels, the others are read
    when they are sampled. A share `held_out` of the images and clips is not trained on but evaluated.

    `weights` is the name of the resulting file: `.safetensors` in fp16, or `.pt` in fp32 and in the official layout.
    Every `snapshot_minutes` a numbered copy is kept, to be averaged afterwards.

    With `cache_features`, so many images (for each length of clips, so many frames) are drawn and encoded once in each
    phase and kept in memory. It is for runs that leave the image encoder as it is: `train` is "decoder", "memory" or
    "quality".

    With `augment`, objects of the images in memory are pasted onto real images. With `clip`, the folder or repository
    of a CLIP, embeddings of crops take the place of boxes in half of the steps, and a projection of them is trained
    with the decoder; it is saved beside the weights (see `model.clip_prompt`).
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
    cache_features: int = 0
    augment: CopyPaste | None = None
    clip: str | None = None

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
    snapshot_minutes: float | None = None
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
        if self.cache_features < 0:
            raise ConfigError("`cache_features` is a number of pictures, 0 for none.")
        if self.cache_features and (self.init is None or self.train not in FROZEN_ENCODER or self.clip is not None):
            raise ConfigError(
                "`cache_features` is for a trained image encoder that stays as it is: `init` names weights, `train` is "
                f"one of {', '.join(FROZEN_ENCODER)}, and there are no prompts of CLIP."
            )
        ends = [phase.until for phase in self.phases]
        if not ends or sorted(set(ends)) != ends or ends[0] <= 0 or ends[-1] != 1.0:
            raise ConfigError("The phases' `until` must grow and end with 1.0.")
        for name, value, known in (
            ("train", self.train, ("all", "decoder", "memory", "lora", "quality")),
            ("optimizer", self.optimizer, ("muon", "adamw")),
            ("precision", self.precision, ("auto", "fp32", "bf16")),
        ):
            if value not in known:
                raise ConfigError(f"`{name}` is {value!r}; it must be one of {', '.join(known)}.")

    def phase(self, done: float) -> Phase:
        """The phase at a fraction `done` (0..1) of the run."""
        return next((phase for phase in self.phases if done < phase.until), self.phases[-1])


def read_training_config(path: Path, **changes: Any) -> TrainingConfig:
    """Read a YAML file; `changes` replace single values. Raises `ConfigError`, which names what is wrong."""
    return _build(TrainingConfig, read_settings(path, "training configuration") | changes, str(path))


def _build(kind: type[T], values: Any, where: str) -> T:
    """Build a dataclass from plain data, recursively. Raises `ConfigError` for unknown names and wrong types."""
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
