"""Data-parallel training on several processes, which are started here or by torchrun.

Each process works on its own samples with one thread; gradients are averaged before each step. On CPUs this is faster
than one process with several threads, which synchronize at every operation.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.multiprocessing.spawn import ProcessExitedException, spawn

from sam2_core.errors import MaskletError


@dataclass(frozen=True, slots=True)
class ProcessGroup:
    """The rank of this process among `size`, and the collective operations that training needs."""

    rank: int = 0
    size: int = 1

    @property
    def is_main(self) -> bool:
        """Whether this process writes files and prints."""
        return self.rank == 0

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace each gradient by its mean over the processes; all need gradients for the same parameters."""
        if self.size == 1:
            return
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        dist.all_reduce(flat)
        flat /= self.size
        for gradient, mean in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(mean.view_as(gradient))

    def broadcast_value(self, value: float, device: torch.device) -> float:
        """The value of process 0, on all processes."""
        if self.size == 1:
            return value
        shared = torch.tensor([value], dtype=torch.float64 if device.type != "mps" else torch.float32, device=device)
        self.broadcast([shared])
        return float(shared)

    def broadcast(self, tensors: Iterable[Tensor]) -> None:
        """Overwrite the tensors with those of process 0."""
        if self.size > 1:
            for tensor in tensors:
                dist.broadcast(tensor, 0)


def launch(work: Callable[[ProcessGroup], None], processes: int) -> None:
    """Call `work` in each process: those that torchrun has started, else `processes` new ones, or this one alone.

    `work` must be picklable. An error in one process ends all; a `MaskletError` is printed by process 0 and exits.
    """
    if "TORCHELASTIC_RUN_ID" in os.environ:
        _join(work, int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]))
    elif processes > 1:
        os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(_free_port()))
        try:
            spawn(_start, args=(processes, work), nprocs=processes)
        except ProcessExitedException as error:
            raise SystemExit(error.exit_code) from error
    else:
        work(ProcessGroup())


def _start(rank: int, size: int, work: Callable[[ProcessGroup], None]) -> None:
    torch.set_num_threads(1)
    try:
        _join(work, rank, size)
    except MaskletError as error:
        if rank == 0:  # all processes fail with the same error
            print(f"error: {error}", file=sys.stderr)
        sys.exit(1)


def _join(work: Callable[[ProcessGroup], None], rank: int, size: int) -> None:
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", rank)))
    dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo", rank=rank, world_size=size)
    try:
        work(ProcessGroup(rank, size))
    finally:
        dist.destroy_process_group()


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
