"""What may go wrong in a decoder, as functions that a process can be asked to call."""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from sam2_core.errors import TooLarge
from sam2_core.media import MediaProgress, Store
from sam2_core.media.atomic import new_folder
from sam2_core.media.sequence import NoSequence


def answer(number: int, report: MediaProgress) -> dict[str, Any]:
    """Works; libraries may print, and read what they should not."""
    os.write(1, b"A library prints.\n")
    print("And so does Python.")
    assert os.read(0, 1) == b""
    for step in range(number):
        report(step / number, f"Step {step}")
    return {"process": os.getpid(), "pair": (1, 2)}


def fail(how: str, report: MediaProgress) -> None:
    """Raises."""
    if how == "too large":
        raise TooLarge("Much too large.")
    if how == "no sequence":
        raise NoSequence("Not numbered.")
    if how == "disk full":
        raise OSError(errno.ENOSPC, "No space left on device")
    raise KeyError(how)


def hang(report: MediaProgress) -> None:
    """Never comes back from code that keeps Python's lock."""
    report(0.5, "Half is done")
    ctypes.PyDLL(None).sleep(1000)


def hang_writing(files: Any, folder: Path, limits: Any, options: Any, earlier: Any, report: MediaProgress) -> None:
    """The same in place of `ui.files.read_files`, in the midst of a store, with a program that works for it."""
    with new_folder(folder) as building:
        (building / "half").write_bytes(b"half")
        program = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
        report(0.5, f"{os.getpid()} {program.pid}")
        time.sleep(1000)


def crash_reading(files: Any, folder: Path, limits: Any, options: Any, earlier: Any, report: MediaProgress) -> None:
    """Dies in place of `ui.files.read_files`."""
    with new_folder(folder):
        os.kill(os.getpid(), signal.SIGSEGV)


def crash_after_a_frame(store: Store, probe: Any, frames: Any, size: Any, target: Path, report: MediaProgress) -> None:
    """Dies in place of what decodes frames for an export."""
    _write_frame(store, frames, target, report)
    os.kill(os.getpid(), signal.SIGSEGV)


def hang_after_a_frame(store: Store, probe: Any, frames: Any, size: Any, target: Path, report: MediaProgress) -> None:
    """Stands still there."""
    _write_frame(store, frames, target, report)
    time.sleep(1000)


def _write_frame(store: Store, frames: Any, target: Path, report: MediaProgress) -> None:
    target.write_bytes(bytes(3 * store.info.height * store.info.width))
    report(0.0, str(frames[0]))


def eat_memory(how: str, report: MediaProgress) -> None:
    """Takes more and more memory, of Python, numpy or OpenCV."""
    eaten: list[Any] = []
    while True:
        if how == "opencv":
            eaten.append(cv2.resize(np.zeros((2, 2), np.uint8), (12_000, 12_000)))
        else:
            eaten.append(bytes(100_000_000) if how == "python" else np.ones(100_000_000, np.uint8))


def die(number: int, report: MediaProgress) -> None:
    """Dies by a signal."""
    os.kill(os.getpid(), number)
    time.sleep(1000)
