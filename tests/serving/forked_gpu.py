"""A stand-in for `spaces.GPU` on ZeroGPU: it forks, and hands arguments and values over by pickle, as that does."""

from __future__ import annotations

import multiprocessing
import pickle
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sam2_core.serving.zero_gpu_call import GpuCall

CONTEXT = multiprocessing.get_context("fork")
_VALUE, _ERROR, _END, _DEAD = "value", "error", "end", "dead"


class SpacesError(Exception):
    """As `gradio.Error`, which has a title, too."""

    def __init__(self, title: str, message: str) -> None:
        super().__init__(message)
        self.title, self.message = title, message


@dataclass
class ForkedGPU:
    """Decorates a generator: each call runs in a process of its own.

    `crossed` holds the bytes that went in and came out of each call. `refusal` is raised in place of the next call, and
    `before` is called first in the process of a call.
    """

    duration: Callable[[GpuCall], int] = lambda call: 60
    calls: list[GpuCall] = field(default_factory=list)
    durations: list[int] = field(default_factory=list)
    crossed: list[list[int]] = field(default_factory=list)
    ended: list[bool] = field(default_factory=list)
    """Of each call that has ended, whether it was stopped before its end."""
    refusal: Exception | None = None
    before: Callable[[GpuCall], object] = lambda call: None
    at_start: Callable[[], object] = lambda: None
    """Called in this process, in the context of the call, as it begins."""

    def __call__(self, task: Callable[[GpuCall], Iterator[bytes]]) -> Callable[[GpuCall], Iterator[bytes]]:
        def decorated(call: GpuCall) -> Iterator[bytes]:
            self.at_start()
            self.calls.append(call)
            self.durations.append(self.duration(call))
            if self.refusal is not None:
                raise self.refusal
            yield from self._lend(task, call)

        return decorated

    def _lend(self, task: Callable[[GpuCall], Iterator[bytes]], call: GpuCall) -> Iterator[bytes]:
        arguments, results, stop = CONTEXT.SimpleQueue(), CONTEXT.SimpleQueue(), CONTEXT.Event()
        process = CONTEXT.Process(target=_serve, args=(task, self.before, arguments, results, stop), daemon=True)
        with warnings.catch_warnings():  # there are threads here, as there are on a Space
            warnings.simplefilter("ignore", DeprecationWarning)
            process.start()
        sentinel = threading.Thread(target=lambda: (process.join(), results.put((_DEAD, b""))), daemon=True)
        sentinel.start()
        packed = pickle.dumps(call)
        crossed = [len(packed), 0]
        self.crossed.append(crossed)
        arguments.put(packed)
        try:
            while True:
                kind, value = results.get()
                crossed[1] += len(value)
                if kind == _VALUE:
                    yield pickle.loads(value)
                elif kind == _END:
                    return
                else:
                    raise SpacesError("ZeroGPU worker error", "GPU task aborted" if kind == _DEAD else value.decode())
        finally:
            self.ended.append(stop_early := process.is_alive() and kind == _VALUE)
            if stop_early:
                stop.set()
            sentinel.join()


def _serve(task: Any, before: Any, arguments: Any, results: Any, stop: Any) -> None:
    """In the process: on a thread that has computed nothing before, as OpenMP's threads do not survive a fork."""
    call = pickle.loads(arguments.get())
    thread = threading.Thread(target=_work, args=(task, before, call, results, stop))
    thread.start()
    thread.join()


def _work(task: Any, before: Any, call: GpuCall, results: Any, stop: Any) -> None:
    try:
        before(call)
        for value in task(call):
            if stop.is_set():
                return
            results.put((_VALUE, pickle.dumps(value)))
    except Exception as error:
        results.put((_ERROR, type(error).__name__.encode()))
    else:
        results.put((_END, b""))
