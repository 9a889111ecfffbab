"""The training itself: draw, prompt, learn, and leave behind files to go on from at any moment."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from sam2_core.errors import ConfigError, WeightsError
from sam2_core.model.network import SAM2
from sam2_core.model.preprocess import normalize
from sam2_core.networks import BUNDLED, is_known, network_config
from sam2_core.tracking.device import best_device, fast_precision
from sam2_core.training.checkpoint import Checkpoint, Position, save_weights
from sam2_core.training.config import Phase, TrainingConfig
from sam2_core.training.gathering import Gathered
from sam2_core.training.initialise import match_memory_scale, new_network
from sam2_core.training.journal import RunJournal
from sam2_core.training.optimiser import Optimiser, RunningMean, learning_rate
from sam2_core.training.parts import TRUNK, add_low_rank, folded, learning_names, let_learn
from sam2_core.training.processes import Team
from sam2_core.training.rollout import clip_step
from sam2_core.training.samples import Batch, Batches, stream
from sam2_core.training.sizes import at_size
from sam2_core.training.stills import Dice, StepResult, still_step
from sam2_core.weights import load_network


class Trainer:
    """A run in a folder; `run` goes on from what lies there."""

    def __init__(self, config: TrainingConfig, folder: Path, team: Team, gathered: Gathered, workers: int = 0) -> None:
        self.config = config
        self.folder = folder
        self.team = team
        self.workers = workers
        self.device = best_device()
        self.network = _start_network(config).to(self.device).train()
        self._learning = learning_names(self.network, config.train)
        self._without_trunk = frozenset(name for name in self._learning if not name.startswith(TRUNK))
        let_learn(self.network, self._learning)
        self._views: dict[int, SAM2] = {}
        self._optimiser = Optimiser(self.network, config)
        self._mean = RunningMean(self.network, config.ema)
        self._precision = _precision(config, self.device)
        self._batches = Batches(config, self.network.image_size, team, gathered)
        self.position = Position(memory_ready=config.init is not None)
        self._take_up()

    def run(self, journal: RunJournal | None = None, measure: Callable[[SAM2], dict[str, float]] | None = None) -> None:
        """Train to the end of the run; `journal` and `measure` belong to the leading process."""
        began, before = time.monotonic(), self.position.seconds
        saved = measured = before
        if not self.position.steps and self.config.init is not None:
            self._measure(journal, measure)
        for step, batch in stream(self._batches, self.position.steps, self._phase, self.workers):
            result = self._learn(batch, step)
            self.position = replace(
                self.position,
                steps=step + 1,
                samples=self.position.samples + batch.samples * self.team.size,
                seconds=self.team.agree(before + time.monotonic() - began, self.device),
            )
            if journal is not None:
                journal.note(self.position, self.done, result.figures)
            if self.position.seconds - saved > 60 * self.config.save_minutes:
                self._save()
                saved = self.position.seconds
            if self.position.seconds - measured > 60 * self.config.measure_minutes:
                self._measure(journal, measure)
                measured = self.position.seconds
        self._save()
        self._measure(journal, measure)

    @property
    def done(self) -> float:
        """How much of the run is done, 0..1."""
        if self.config.steps is not None:
            return min(1.0, self.position.steps / self.config.steps)
        assert self.config.minutes is not None  # noqa: S101
        return min(1.0, self.position.seconds / (60 * self.config.minutes))

    def averaged(self) -> SAM2:
        """A copy of the network with the running mean of its weights, ready for use."""
        with torch.device("meta"):
            copy = SAM2(self.network.config)
        weights = {name: value.clone() for name, value in folded(self._mean.weights).items()}
        copy.load_state_dict(weights, assign=True)
        return copy.eval()

    def _phase(self, step: int) -> Phase | None:
        # Workers ask ahead of time: where steps are counted, this must not depend on how many are done by then.
        done = self.done if self.config.steps is None else step / self.config.steps
        return None if done >= 1 else self.config.phase(done)

    def _learn(self, batch: Batch, step: int) -> StepResult:
        network = self._view(batch.side)
        with_trunk = not batch.is_clips or batch.phase.clip_encoder
        let_learn(network, self._learning if with_trunk else self._without_trunk)
        with ExitStack() as contexts:
            for context in self._contexts():
                contexts.enter_context(context)
            if batch.is_clips and not self.position.memory_ready:
                self._ready_memory(network, batch)
            result = self._step(network, batch, step)
            result.loss.backward()
        self._update(result, step)
        return result

    def _contexts(self) -> Iterator[AbstractContextManager[object]]:
        yield self._precision()
        if self.device.type == "cpu":
            # The fused kernel's backward pass is several times slower on processors than the plain products.
            yield sdpa_kernel(SDPBackend.MATH)

    def _step(self, network: SAM2, batch: Batch, step: int) -> StepResult:
        phase = batch.phase
        dice = Dice.throw(batch.shared, (self.config.seed, step, 1 + self.team.rank, 1))
        images = self._input(batch)
        if batch.is_clips:
            return clip_step(network, images, batch.masks, phase.corrected_frames, phase.stride, phase.loss, dice)
        corrections = int(batch.shared.choice(phase.corrections))
        return still_step(network, images, batch.masks, corrections, phase.stride, phase.loss, dice)

    def _input(self, batch: Batch) -> Tensor:
        pixels = torch.from_numpy(batch.images).to(self.device).movedim(-1, -3)
        return normalize(pixels.float() / 255)

    def _update(self, result: StepResult, step: int) -> None:
        parameters = list(self.network.parameters())
        self.team.average_gradients(parameters)
        norm = torch.nn.utils.clip_grad_norm_(parameters, self.config.clip_gradient)
        if not torch.isfinite(norm):
            self.position = replace(self.position, skipped=self.position.skipped + 1)
            self._optimiser.forget()
            return
        self._optimiser.step(learning_rate(self.done, step, self.config))
        self._mean.update(self.network)
        result.figures["loss"] = float(result.loss.detach())
        result.figures["gradient"] = float(norm)

    def _ready_memory(self, network: SAM2, batch: Batch) -> None:
        with torch.no_grad():
            embedding = network.encode_image(self._input(batch)[:, 0]).embedding
        match_memory_scale(network, embedding)
        memory = self.network.memory_attention
        self.team.share([memory.norm.weight.data, memory.norm.bias.data])
        for name, value in memory.norm.state_dict().items():
            self._mean.weights[f"memory_attention.norm.{name}"].copy_(value)
        self.position = replace(self.position, memory_ready=True)

    def _view(self, size: int) -> SAM2:
        if size not in self._views:
            self._views[size] = at_size(self.network, size)
        return self._views[size]

    def _take_up(self) -> None:
        checkpoint = Checkpoint.load(self.folder)
        if checkpoint is None:
            return
        try:
            self.network.load_state_dict(checkpoint.weights)
            self._mean.load(checkpoint.mean, checkpoint.mean_count)
            self._optimiser.load_state_dict(checkpoint.optimiser)
        except (RuntimeError, ValueError, KeyError) as error:
            raise WeightsError(
                f"{self.folder} holds a run with another network, optimiser or choice of what is trained, so it cannot "
                "be continued. Take back the change, or give the run a new folder."
            ) from error
        self.position = checkpoint.position

    def _save(self) -> None:
        if not self.team.leads:
            return
        Checkpoint(
            self.position,
            self.network.state_dict(),
            self._mean.weights,
            self._mean.count,
            self._optimiser.state_dict(),
        ).save(self.folder)
        save_weights(folded(self._mean.weights), self.folder / self.config.weights)

    def _measure(self, journal: RunJournal | None, measure: Callable[[SAM2], dict[str, float]] | None) -> None:
        if journal is not None and measure is not None:
            journal.measured(self.position, measure(self.averaged()))


def _start_network(config: TrainingConfig) -> SAM2:
    """The network with its first weights, in fp32 on the CPU; what is random about them depends on the seed alone."""
    if config.init is None:
        network = new_network(network_config(config.network or BUNDLED), config.seed)
    elif is_known(config.init):
        network = load_network(config.init)
    else:
        network = load_network(config.network, config.init)
    if config.train == "lora":
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            add_low_rank(network, config.lora_rank)
    return network


def _precision(config: TrainingConfig, device: torch.device) -> Callable[[], AbstractContextManager[object]]:
    if config.precision == "auto":
        return fast_precision(device)
    if config.precision == "bf16" and device.type == "mps":
        raise ConfigError("bf16 training does not work on MPS; use `precision: fp32`.")
    return partial(torch.autocast, device.type, torch.bfloat16, enabled=config.precision == "bf16")
