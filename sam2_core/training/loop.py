"""The training loop: samples, simulated interaction, optimizer steps, checkpoints."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.data import Dataset

from sam2_core.detection.clip import Clip, load_clip
from sam2_core.errors import ConfigError, WeightsError
from sam2_core.model.clip_prompt import add_clip_prompt, clip_prompt_of, split_clip_prompt
from sam2_core.model.network import SAM2, ImageFeatures
from sam2_core.model.preprocess import normalize
from sam2_core.model.sam import Network
from sam2_core.networks import BUNDLED, is_known, sam2_config, split_name
from sam2_core.tracking.device import best_device, fast_precision
from sam2_core.training.batches import Batch, BatchDataset, batch_stream
from sam2_core.training.cached_features import CachedBatches
from sam2_core.training.checkpoint import (
    Checkpoint,
    Position,
    clip_prompt_file,
    save_clip_prompt,
    save_weights,
)
from sam2_core.training.clip_crops import clip_crops
from sam2_core.training.clip_interaction import clip_step
from sam2_core.training.config import Phase, TrainingConfig
from sam2_core.training.data_loading import TrainingData
from sam2_core.training.image_interaction import image_step
from sam2_core.training.initialization import match_memory_scale, new_network
from sam2_core.training.input_size import at_size
from sam2_core.training.metrics_log import MetricsLog
from sam2_core.training.optimizer import EmaWeights, Optimizer, rate_factor
from sam2_core.training.processes import ProcessGroup
from sam2_core.training.step import StepResult, StepRng
from sam2_core.training.trainable_parts import IMAGE_ENCODER, add_low_rank, merged, set_trainable, trainable_names
from sam2_core.weights import empty_network, load_network


class Trainer:
    """A training run in a folder, resumed from the checkpoint there. Raises `WeightsError` if that one does not fit."""

    def __init__(
        self, config: TrainingConfig, folder: Path, group: ProcessGroup, data: TrainingData, workers: int = 0
    ) -> None:
        self.config = config
        self.folder = folder
        self.group = group
        self.workers = workers
        self.device = best_device()
        self.network: Network = _start_network(config).to(self.device).train()
        self._clip = None if config.clip is None else _add_clip(self.network, config)
        self._trainable = trainable_names(self.network, config.train, fixed_features=config.cache_features > 0)
        self._trainable_without_encoder = frozenset(
            name for name in self._trainable if not name.startswith(IMAGE_ENCODER)
        )
        set_trainable(self.network, self._trainable)
        self._networks: dict[int, Network] = {}
        self._optimizer = Optimizer(self.network, config)
        self._ema = EmaWeights(self.network, config.ema)
        self._precision = _precision(config, self.device)
        self._batches = self._make_batches(data)
        self.position = Position(memory_ready=config.init is not None)
        self._resume()

    def run(self, log: MetricsLog | None = None, evaluate: Callable[[Network], dict[str, float]] | None = None) -> None:
        """Train to the end of the run. Only the main process has a `log` and an `evaluate`, which scores a network."""
        began, before = time.monotonic(), self.position.seconds
        saved = measured = kept = before
        if not self.position.steps and self.config.init is not None:
            self._evaluate(log, evaluate)
        workers = 0 if self.config.cache_features else self.workers  # only this process can encode
        for step, batch in batch_stream(self._batches, self.position.steps, self._phase, workers):
            result = self._train_step(batch, step)
            self.position = replace(
                self.position,
                steps=step + 1,
                samples=self.position.samples + batch.samples * self.group.size,
                seconds=self.group.broadcast_value(before + time.monotonic() - began, self.device),
            )
            if log is not None:
                log.log_step(self.position, self.done, result.metrics)
            if self.position.seconds - saved > 60 * self.config.save_minutes:
                self._save()
                saved = self.position.seconds
            if self.position.seconds - kept > 60 * (self.config.snapshot_minutes or math.inf):
                self._save_snapshot()
                kept = self.position.seconds
            if self.position.seconds - measured > 60 * self.config.measure_minutes:
                self._evaluate(log, evaluate)
                measured = self.position.seconds
        self._save()
        self._evaluate(log, evaluate)

    @property
    def done(self) -> float:
        """The fraction of the run that is done, 0..1."""
        if self.config.steps is not None:
            return min(1.0, self.position.steps / self.config.steps)
        assert self.config.minutes is not None  # noqa: S101
        return min(1.0, self.position.seconds / (60 * self.config.minutes))

    def ema_network(self) -> Network:
        """A copy of the network with the moving average of its weights, in evaluation mode."""
        copy = empty_network(self.network.config)
        weights = {name: value.clone() for name, value in merged(self._ema.weights).items()}
        copy.load_state_dict(weights, assign=True)
        return copy.eval()

    def _phase(self, step: int) -> Phase | None:
        # Workers ask ahead of time, so where a run has `steps` this must not depend on how many are done by then.
        done = self.done if self.config.steps is None else step / self.config.steps
        return None if done >= 1 else self.config.phase(done)

    def _train_step(self, batch: Batch, step: int) -> StepResult:
        network = self._network_at(batch.image_size)
        with_encoder = not batch.is_clips or batch.phase.clip_encoder
        set_trainable(network, self._trainable if with_encoder else self._trainable_without_encoder)
        with self._precision(), _attention_kernel(self.device):
            if batch.is_clips and not self.position.memory_ready:
                self._match_memory_scale(cast("SAM2", network), batch)
            result = self._step(network, batch, step)
            result.loss.backward()
        self._optimizer_step(result, step)
        return result

    def _step(self, network: Network, batch: Batch, step: int) -> StepResult:
        phase = batch.phase
        rng = StepRng.seeded(batch.shared, (self.config.seed, step, 1 + self.group.rank, 1))
        features = self._features(network, batch)
        if batch.is_clips:
            return clip_step(
                cast("SAM2", network),
                features,
                batch.masks,
                phase.corrected_frames,
                phase.stride,
                phase.loss,
                rng,
                phase.border_clicks,
                phase.memory_dropout,
            )
        corrections = int(batch.shared.choice(phase.corrections))
        return image_step(
            network,
            features,
            batch.masks,
            corrections,
            phase.stride,
            phase.loss,
            rng,
            phase.border_clicks,
            phase.shared_clicks,
            None if self._clip is None else partial(self._embed_objects, batch, rng),
        )

    def _embed_objects(self, batch: Batch, rng: StepRng, objects: npt.NDArray[np.intp]) -> Tensor:
        clip, prompt = self._clip, clip_prompt_of(self.network)
        assert clip is not None and prompt is not None  # noqa: S101
        images = batch.images[objects // batch.masks.shape[1]]
        masks = batch.masks.reshape(-1, *batch.masks.shape[-2:])[objects]
        tokens: Tensor = prompt(clip.embed_images(clip_crops(rng.own, images, masks, clip.image_size)))
        return tokens

    def _make_batches(self, data: TrainingData) -> Dataset[Batch]:
        batches = BatchDataset(self.config, self.network.image_size, self.group, data)
        count = self.config.cache_features
        return CachedBatches(batches, count, self._encode) if count else batches

    def _encode(self, batch: Batch) -> ImageFeatures:
        """The features of a batch, to be kept."""
        with torch.no_grad(), self._precision():
            return self._features(self._network_at(batch.image_size), batch)

    def _features(self, network: Network, batch: Batch) -> ImageFeatures:
        """The features of all images or frames, clip by clip."""
        if batch.features is None:
            return network.encode_image(self._input(batch).flatten(0, -4))
        kept = batch.features
        embedding, *high_res = (each.to(self.device).float() for each in (kept.embedding, *kept.high_res))
        return ImageFeatures(embedding, tuple(high_res))

    def _input(self, batch: Batch) -> Tensor:
        pixels = torch.from_numpy(batch.images).to(self.device).movedim(-1, -3)
        return normalize(pixels.float() / 255)

    def _optimizer_step(self, result: StepResult, step: int) -> None:
        parameters = list(self.network.parameters())
        self.group.average_gradients(parameters)
        norm = torch.nn.utils.clip_grad_norm_(parameters, self.config.clip_gradient)
        if not torch.isfinite(norm):
            self.position = replace(self.position, skipped=self.position.skipped + 1)
            self._optimizer.zero_grad()
            return
        self._optimizer.step(rate_factor(self.done, step, self.config))
        self._ema.update(self.network)
        result.metrics["loss"] = float(result.loss.detach())
        result.metrics["gradient"] = float(norm)

    def _match_memory_scale(self, network: SAM2, batch: Batch) -> None:
        with torch.no_grad():
            embedding = network.encode_image(self._input(batch)[:, 0]).embedding
        match_memory_scale(network, embedding)
        memory = cast("SAM2", self.network).memory_attention
        self.group.broadcast([memory.norm.weight.data, memory.norm.bias.data])
        for name, value in memory.norm.state_dict().items():
            self._ema.weights[f"memory_attention.norm.{name}"].copy_(value)
        self.position = replace(self.position, memory_ready=True)

    def _network_at(self, size: int) -> Network:
        if size not in self._networks:
            self._networks[size] = at_size(self.network, size)
        return self._networks[size]

    def _resume(self) -> None:
        checkpoint = Checkpoint.load(self.folder)
        if checkpoint is None:
            return
        try:
            self.network.load_state_dict(checkpoint.weights)
            self._ema.load(checkpoint.mean, checkpoint.mean_count)
            self._optimizer.load_state_dict(checkpoint.optimizer)
        except (RuntimeError, ValueError, KeyError) as error:
            raise WeightsError(
                f"{self.folder} holds a run with another network, optimizer or choice of what is trained, so it cannot "
                "be continued. Take back the change, or give the run a new folder."
            ) from error
        self.position = checkpoint.position

    def _save(self) -> None:
        if not self.group.is_main:
            return
        Checkpoint(
            self.position,
            self.network.state_dict(),
            self._ema.weights,
            self._ema.count,
            self._optimizer.state_dict(),
        ).save(self.folder)
        save_weights(merged(self._ema.weights), self.folder / self.config.weights)
        if self._clip is not None:
            _, prompt = split_clip_prompt(self._ema.weights)
            save_clip_prompt(prompt, self._clip.name, clip_prompt_file(self.folder / self.config.weights))

    def _save_snapshot(self) -> None:
        """Write the averaged weights under a name with the number of steps."""
        if self.group.is_main:
            name = Path(self.config.weights)
            save_weights(merged(self._ema.weights), self.folder / f"{name.stem}_{self.position.steps:06d}{name.suffix}")

    def _evaluate(self, log: MetricsLog | None, evaluate: Callable[[Network], dict[str, float]] | None) -> None:
        if log is not None and evaluate is not None:
            log.log_evaluation(self.position, evaluate(self.ema_network()))


def _start_network(config: TrainingConfig) -> Network:
    """The network with its initial weights, in fp32 on the CPU; what is random about them depends on the seed alone."""
    network: Network
    if config.init is None:
        network = new_network(sam2_config(config.network or BUNDLED), config.seed)
    elif is_known(config.init):
        network = load_network(config.init)
    else:
        file, image_size = split_name(config.init)
        network = load_network(config.network, file, image_size=image_size)
    if not isinstance(network, SAM2):
        _check_images_only(network, config)
    if config.train == "lora":
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            add_low_rank(network, config.lora_rank)
    return network


def _add_clip(network: Network, config: TrainingConfig) -> Clip:
    """The CLIP of a run; its projection is added to the network, with weights that depend on the seed alone."""
    if not isinstance(network, SAM2) or config.train == "quality":
        raise ConfigError("Prompts of CLIP are for networks of SAM 2 whose decoder is trained: `train` is not quality.")
    clip = load_clip(config.clip or "", network.device)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        add_clip_prompt(network, clip.width)
    return clip


def _check_images_only(network: Network, config: TrainingConfig) -> None:
    if any(phase.clips for phase in config.phases):
        raise ConfigError(f"{network.config.name} is a network of SAM 1, which learns from images: set `clips: 0`.")
    if any(phase.size not in (None, network.image_size) for phase in config.phases):
        raise ConfigError(
            f"{network.config.name} takes images of {network.image_size} pixels: leave `size` out of the phases."
        )


def _precision(config: TrainingConfig, device: torch.device) -> Callable[[], AbstractContextManager[object]]:
    if config.precision == "auto":
        return fast_precision(device)
    if config.precision == "bf16" and device.type == "mps":
        raise ConfigError("bf16 training does not work on MPS; use `precision: fp32`.")
    return partial(torch.autocast, device.type, torch.bfloat16, enabled=config.precision == "bf16")


def _attention_kernel(device: torch.device) -> AbstractContextManager[object]:
    """On CPUs the backward pass of the fused kernel is several times slower than plain matrix products."""
    return sdpa_kernel(SDPBackend.MATH) if device.type == "cpu" else nullcontext()
