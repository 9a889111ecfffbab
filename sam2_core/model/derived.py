"""Values that follow from the parameters of a module, computed once and kept for as long as these do not change.

They are used where no gradients are needed: converted and reordered weights, resized embeddings.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TypeVar, cast
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

T = TypeVar("T")

# Beside the modules rather than in them, so that copies, pickles and state dicts of a network stay as they are.
_kept: WeakKeyDictionary[nn.Module, dict[Hashable, tuple[list[_Source], object]]] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True, eq=False)
class _Source:
    """A parameter as it was: `values` share its memory, which therefore goes to nothing else meanwhile."""

    parameter: Tensor
    values: Tensor
    version: int

    def is_current(self, parameter: Tensor) -> bool:
        same = parameter is self.parameter and parameter.data_ptr() == self.values.data_ptr()
        return same and parameter._version == self.version


def derived(owner: nn.Module, name: Hashable, parameters: tuple[Tensor | None, ...], compute: Callable[[], T]) -> T:
    """What `compute` returns from these parameters of `owner`; kept under `name` until one of them changes.

    With gradients enabled, and while a compiler or exporter traces, it is computed each time. What is kept is computed
    without autocast, since it serves calls with and without.
    """
    if torch.is_grad_enabled() or is_traced():
        return compute()
    present = [parameter for parameter in parameters if parameter is not None]
    if any(parameter.is_inference() for parameter in present):  # these do not count their changes
        return compute()
    values = _kept.setdefault(owner, {})
    sources, value = values.get(name, ([], None))
    if not sources or not all(source.is_current(each) for source, each in zip(sources, present, strict=True)):
        with torch.inference_mode(False), torch.no_grad(), without_autocast(present[0].device.type):
            value = compute()
            sources = [_Source(each, each.detach(), each._version) for each in present]
        values[name] = sources, value
    return cast("T", value)


def without_autocast(device: str) -> AbstractContextManager[object]:
    """The precision of the weights within autocast, which not every PyTorch has for every device."""
    return torch.autocast(device, enabled=False) if torch.amp.is_autocast_available(device) else nullcontext()


def is_cpu_inference(x: Tensor) -> bool:
    """Whether the fast paths of CPUs hold for what is computed with `x`: without gradients, and nobody traces."""
    return x.device.type == "cpu" and not torch.is_grad_enabled() and not is_traced()


def is_traced() -> bool:
    """Whether a compiler or an exporter records what the network does: it should see the plain steps."""
    return torch.compiler.is_compiling() or bool(torch.jit.is_tracing())  # type: ignore[attr-defined, no-untyped-call]
