"""The process that opens strangers' files for `decoders.py`, with limits of its own: `python -m` this module.

Arguments are the most bytes of address space, the most seconds of all processors together (0: no limit), and modules to
import before the first request. Requests come by standard input, as a length and a pickle; replies go, as JSON on one
line each, to what was standard output: {"fraction", "message"}, which waits for b"\1" before it goes on, and at last
{"result"}, {"error", "classes"} of an error that Masklet raises on purpose, {"errno", "error"} of one of the system, or
{"failed"} of any other one. Replies are no pickles: whoever takes over a decoder must not get further by them.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import IO, Any

from sam2_core.errors import MaskletError, MediaError
from sam2_core.media.decoders import LENGTH
from sam2_core.media.limits import NO_MEMORY, is_memory_short


def main(arguments: Sequence[str]) -> None:
    """Answer requests until there are no more."""
    max_bytes, cpu_seconds, *modules = arguments
    requests = os.fdopen(os.dup(0), "rb")
    replies = os.fdopen(os.dup(1), "wb")
    # What libraries read or print must not get in between.
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    for module in modules:
        import_module(module)
    _limit(int(max_bytes), int(cpu_seconds))
    process = _DecoderProcess(requests, replies, int(cpu_seconds))
    while True:
        process.answer()


class _DecoderProcess:
    """Reads in a thread, which also notices the end of the server in the midst of work."""

    def __init__(self, requests: IO[bytes], replies: IO[bytes], cpu_seconds: int) -> None:
        self._requests, self._replies, self._cpu_seconds = requests, replies, cpu_seconds
        self._received: queue.Queue[bytes] = queue.Queue()
        threading.Thread(target=self._receive, daemon=True).start()

    def answer(self) -> None:
        """Wait for a request and answer it."""
        request = self._received.get()
        _renew_cpu_time(self._cpu_seconds)
        self._send(self._answer(request))

    def _answer(self, request: bytes) -> dict[str, Any]:
        try:
            function, arguments = pickle.loads(request)  # noqa: S301 (from the server, which trusts itself)
            work: Callable[..., Any] = function
            return {"result": work(*arguments, self._report)}
        except MaskletError as error:
            return {"error": str(error), "classes": [each.__name__ for each in type(error).__mro__]}
        except Exception as error:
            if is_memory_short(error):
                return {"error": NO_MEMORY, "classes": [MediaError.__name__]}
            if isinstance(error, OSError) and error.errno:
                return {"errno": error.errno, "error": error.strerror or ""}
            return {"failed": traceback.format_exc()}

    def _report(self, fraction: float | None, message: str) -> None:
        """Tell how far the work is, and wait for leave to go on."""
        self._send({"fraction": fraction, "message": message})
        self._received.get()

    def _send(self, reply: dict[str, Any]) -> None:
        self._replies.write(json.dumps(reply).encode() + b"\n")
        self._replies.flush()

    def _receive(self) -> None:
        while head := self._requests.read(LENGTH.size):
            self._received.put(self._requests.read(*LENGTH.unpack(head)))
        _end()


def _limit(max_bytes: int, cpu_seconds: int) -> None:
    """Limit the address space and the size of core dumps, as far as the system can. Children inherit it."""
    with contextlib.suppress(ImportError):  # Windows
        import resource

        for kind, most in ((resource.RLIMIT_AS, max_bytes), (resource.RLIMIT_CORE, 0)):
            with contextlib.suppress(ValueError, OSError):  # macOS, or a lower limit that holds already
                resource.setrlimit(kind, (most, most))
        _renew_cpu_time(cpu_seconds)


def _renew_cpu_time(seconds: int) -> None:
    """Let this process, and each of its children, take so many seconds of all processors from now on."""
    if not seconds:
        return
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF)
        until = int(used.ru_utime + used.ru_stime) + 1 + seconds
        resource.setrlimit(resource.RLIMIT_CPU, (until, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _end() -> None:
    """End at once, together with an ffmpeg that works for this process."""
    if sys.platform != "win32" and os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
