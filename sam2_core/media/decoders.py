"""Opens strangers' files in processes of their own, with limits on memory and time.

The libraries that decode pictures and clips are large, written in C, and fed with whatever somebody made up: a file may
let one of them hang, crash, or take all memory. In a process of its own that ends this process only. Processes are
started ahead and used again, so that a file takes about a millisecond longer.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import pickle
import queue
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import IO, Any, TypeVar

from sam2_core.errors import Busy, MaskletError, MediaError
from sam2_core.media.limits import NO_MEMORY
from sam2_core.media.progress import MediaProgress
from sam2_core.paths import python_environment

T = TypeVar("T")

LENGTH, GO_ON = struct.Struct("<Q"), b"\1"  # of a request, and the leave to go on after a report
POLL_SECONDS = 0.2  # after which a process whose work was cancelled is killed at the latest
MAX_JOBS = 100  # of one process, whose memory gets more and more scattered
MAX_REPLY = 1 << 26  # bytes
_CHILD = "sam2_core.media.decoder_process"
# Each thread of numpy's library, and each pool of the allocator, reserves address space, which the limit counts.
_THRIFTY = {"OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "4"}
_STOOD_STILL = (
    "The file could not be read: nothing moved for {:.0f} seconds. It may be damaged. Convert it to JPEG, PNG or MP4, "
    "or use a smaller one."
)
_CRASHED = (
    "The file could not be read: it let the decoder crash, so it is damaged or of an unusual kind. Convert it to JPEG, "
    "PNG or MP4 and try again."
)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DecoderLimits:
    """Limits of one process: seconds without any progress, bytes of address space, and seconds of all processors
    together for one file, which only count where nobody is left to notice the first limit (0: no limit)."""

    still_seconds: float
    max_bytes: int
    cpu_seconds: int = 0


class DecoderFailed(RuntimeError):
    """An error of ours in such a process; the message is its traceback."""


class Decoders:
    """Runs functions that decode files. Any thread may call.

    Without limits they run in this process, as if they were called.
    """

    def __init__(
        self,
        limits: DecoderLimits | None = None,
        modules: Sequence[str] = (),
        max_idle: int = 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`modules` are those of the functions, which a process imports ahead; up to `max_idle` processes wait."""
        self._limits, self._modules, self._max_idle, self._clock = limits, modules, max_idle, clock
        self._gate = threading.Lock()
        self._idle: list[_Process] = []
        self._busy: set[_Process] = set()
        self._is_closed = False

    @property
    def are_limited(self) -> bool:
        """Whether functions run in processes of their own."""
        return self._limits is not None

    @property
    def process_ids(self) -> list[int]:
        """Of all processes."""
        with self._gate:
            return [each.id for each in (*self._idle, *self._busy)]

    def start(self) -> None:
        """Let a process wait for the first file."""
        with self._gate:
            if self._limits is not None and not self._is_closed and not self._idle:
                self._idle.append(_Process(self._limits, self._modules))

    def run(self, function: Callable[..., T], *arguments: Any, report: MediaProgress) -> T:
        """Call a function of a module with `arguments` and a progress callback; blocks.

        Arguments can be pickled, and the result is plain data of JSON (tuples come back as lists). `report` is called
        several times a second, also where the function has nothing to tell, and may raise to end it at once.
        Raises what Masklet raises on purpose there, `OSError` and `DecoderFailed`; `MediaError` where the process
        stands still, dies or has no memory left.
        """
        if self._limits is None:
            return function(*arguments, report)
        with contextlib.closing(self.follow(function, *arguments)) as reports:
            while True:
                try:
                    told = next(reports)
                except StopIteration as end:
                    result: T = end.value
                    return result
                report(*told)

    def follow(self, function: Callable[..., T], *arguments: Any) -> Generator[tuple[float, str], None, T]:
        """`run` as a generator of what the function reports, and again of the last such report while it takes its time.

        The function goes on when the next one is asked for. A generator that is closed before its end ends the process.
        """
        if self._limits is None:
            raise RuntimeError("Without limits there is no process to follow.")
        process = self._take(self._limits)
        is_sound = False
        try:
            reply = yield from process.ask(pickle.dumps((function, arguments)), self._clock)
            is_sound = "failed" not in reply
            if "result" in reply:
                found: T = reply["result"]
                return found
            raise _error(reply)
        except _Died as death:
            raise (Busy("The server is shutting down.") if self._is_closed else death.reason) from None
        finally:
            self._give_back(process, is_sound)

    def close(self) -> None:
        """End all processes, also in the midst of work."""
        with self._gate:
            self._is_closed = True
            idle, self._idle = self._idle, []
            busy = tuple(self._busy)
        for process in (*busy, *idle):
            process.kill()
        for process in idle:
            process.end()

    def _take(self, limits: DecoderLimits) -> _Process:
        with self._gate:
            if self._is_closed:
                raise Busy("The server is shutting down.")
            dead = [each for each in self._idle if not each.is_alive]  # killed by somebody else
            self._idle = [each for each in self._idle if each.is_alive]
            process = self._idle.pop() if self._idle else _Process(limits, self._modules)
            self._busy.add(process)
        for each in dead:
            each.end()
        return process

    def _give_back(self, process: _Process, is_sound: bool) -> None:
        with self._gate:
            self._busy.discard(process)
            is_kept = is_sound and process.jobs < MAX_JOBS and not self._is_closed and len(self._idle) < self._max_idle
            if is_kept:
                self._idle.append(process)
        if not is_kept:
            process.end()
            self.start()


class _Died(Exception):
    """The process ended, or was ended, in the midst of work."""

    def __init__(self, reason: MediaError) -> None:
        self.reason = reason


class _Process:
    """One process, which one thread at a time asks."""

    def __init__(self, limits: DecoderLimits, modules: Sequence[str]) -> None:
        self.jobs = 0
        self._limits = limits
        command = [sys.executable, "-m", _CHILD, str(limits.max_bytes), str(limits.cpu_seconds), *modules]
        self._process = subprocess.Popen(
            command,
            env=python_environment() | _THRIFTY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=sys.platform != "win32",  # to be killed together with the ffmpeg that works for it
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        assert self._process.stdin is not None and self._process.stdout is not None  # noqa: S101 (opened above)
        self._requests, self._output = self._process.stdin, self._process.stdout
        self._replies: queue.Queue[bytes] = queue.Queue()
        self._reader = threading.Thread(
            target=_read, args=(self._output, self._replies), name="decoder-output", daemon=True
        )
        self._reader.start()

    @property
    def id(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, request: bytes, clock: Callable[[], float]) -> Generator[tuple[float, str], None, dict[str, Any]]:
        """Send a request; gives the reports, see `Decoders.follow`, and the last reply. Raises `_Died`."""
        self.jobs += 1
        self._send(request)
        told: tuple[float, str] = (0.0, "Reading the file")
        moved_at = clock()
        while True:
            try:
                line = self._replies.get(timeout=POLL_SECONDS)
            except queue.Empty:
                asked_at = clock()
                yield told
                moved_at += clock() - asked_at  # others may have had their turn
                if clock() - moved_at > self._limits.still_seconds:
                    _log.warning("A decoder stood still and was killed: %s", told[1])
                    raise _Died(MediaError(_STOOD_STILL.format(self._limits.still_seconds))) from None
                continue
            if not line:
                raise _Died(self._cause_of_death())
            reply: dict[str, Any] = json.loads(line)
            if "message" not in reply:
                return reply
            told = reply["fraction"], reply["message"]
            yield told
            self._send(GO_ON)
            moved_at = clock()

    def kill(self) -> None:
        """End it at once, and ffmpeg with it; whoever asks gets `_Died`."""
        if sys.platform == "win32":
            self._process.kill()
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):  # it has ended already
            os.killpg(self._process.pid, signal.SIGKILL)

    def end(self) -> None:
        """The same, and wait until it is gone."""
        if self.is_alive:
            self.kill()
        self._process.wait()
        self._reader.join()
        with contextlib.suppress(OSError):
            self._requests.close()
        self._output.close()

    def _send(self, content: bytes) -> None:
        with contextlib.suppress(BrokenPipeError):  # the replies end, too
            self._requests.write(LENGTH.pack(len(content)) + content)
            self._requests.flush()

    def _cause_of_death(self) -> MediaError:
        code = self._process.wait()
        _log.warning("A decoder has died, with code %d", code)
        return MediaError(NO_MEMORY if code == -9 else _CRASHED)


IN_PROCESS = Decoders()
"""Without limits: for programs whose files are their user's own."""


def _read(output: IO[bytes], replies: queue.Queue[bytes]) -> None:
    """Put each reply into a queue, and an empty one at the end, also where a reply is too long."""
    while (line := output.readline(MAX_REPLY)).endswith(b"\n"):
        replies.put(line)
    replies.put(b"")


def _error(reply: dict[str, Any]) -> Exception:
    """The error that a reply tells of."""
    if "classes" in reply:
        known = {each.__name__: each for each in _subclasses(MaskletError)}
        return next(known[name] for name in reply["classes"] if name in known)(reply["error"])
    if "errno" in reply:
        return OSError(reply["errno"], reply["error"])
    return DecoderFailed(reply["failed"])


def _subclasses(parent: type[MaskletError]) -> list[type[MaskletError]]:
    return [parent, *(each for child in parent.__subclasses__() for each in _subclasses(child))]
