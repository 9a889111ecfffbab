"""Fine-tuning on the masks of a session, in a process of its own: one at a time on the server, with low priority.

The process prints a JSON object on each line: {"fraction", "message"} while it runs, at last {"before", "after",
"measured", "masks", "weights"} with the scores on so many masks of the pictures that were set aside, or {"error"}.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from sam2_core.errors import MaskletError, MediaError
from sam2_core.media import MediaProgress
from sam2_core.paths import python_environment
from sam2_core.serving.model_registry import ModelEntry
from ui.settings import Settings

NICENESS = 10
POLL_SECONDS = 0.5  # after so long at most a cancelled process is ended
EVALUATION_SECONDS = 600.0  # beside the training itself: reading, evaluation before and after
END_SECONDS = 5.0  # that a process gets to end by itself
MAX_LINE = 100_000
MAX_FIGURES = 50
_FAILED = "The training ended without a result. The server's log says more."


class TrainingFailed(MaskletError):
    """The fine-tuning could not be done; nothing has changed."""


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """The file of the new weights, and scores before and after, on so many `masks` of the `photos` that were set
    aside."""

    weights: Path
    before: Mapping[str, float]
    after: Mapping[str, float]
    photos: int = 0
    masks: int = 0


def training_command(dataset: Path, run: Path, entry: ModelEntry, minutes: float) -> list[str]:
    """The command that fine-tunes a network on a dataset folder and leaves all its files in the folder `run`."""
    command = [sys.executable, "-m", "sam2_core.training.fine_tuning", str(dataset), "--out", str(run)]
    command += ["--minutes", f"{minutes:g}", "--init", entry.checkpoint or entry.model]
    return command + (["--network", entry.model] if entry.checkpoint else [])


def run_training(command: Sequence[str], folder: Path, seconds: float, report: MediaProgress) -> TrainingResult:
    """Run such a command in `folder`; its process ends with this call, whatever happens.

    `report` is called several times a second, and may raise to end it. Raises `TrainingFailed`, also where it takes
    longer than `seconds`. Blocks.
    """
    deadline = time.monotonic() + seconds
    fraction, message = 0.0, "Starting the training"
    with _process(command, folder) as lines:
        while True:
            report(fraction, message)
            if time.monotonic() > deadline:
                raise TrainingFailed("The training took longer than this server allows. Choose fewer minutes.")
            try:
                line = lines.get(timeout=POLL_SECONDS)
            except queue.Empty:
                continue
            if line is None:
                raise TrainingFailed(_FAILED)
            record = _parse(line)
            if isinstance(record.get("error"), str):
                raise TrainingFailed(record["error"].replace(str(folder), "").strip())
            if "weights" in record:
                return _result(record, folder)
            if _is_number(record.get("fraction")):
                fraction = min(max(float(record["fraction"]), fraction), 1.0)
                message = str(record.get("message", message))[:200]


@contextmanager
def _process(command: Sequence[str], folder: Path) -> Iterator[queue.Queue[bytes | None]]:
    """Run a process; the lines that it prints, and None at their end. It is ended with the block."""
    lower = 0
    if sys.platform == "win32":
        lower = subprocess.BELOW_NORMAL_PRIORITY_CLASS
    process = subprocess.Popen(
        list(command),
        cwd=folder,
        env=python_environment() | {"PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        creationflags=lower,
    )
    assert process.stdout is not None  # noqa: S101
    if sys.platform != "win32":
        with contextlib.suppress(OSError):  # it has ended already
            os.setpriority(os.PRIO_PROCESS, process.pid, NICENESS)
    lines: queue.Queue[bytes | None] = queue.Queue()
    reader = threading.Thread(target=_read, args=(process.stdout, lines), name="training-output", daemon=True)
    reader.start()
    try:
        yield lines
    finally:
        process.terminate()
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        reader.join(END_SECONDS)
        process.stdout.close()


def _read(output: IO[bytes], lines: queue.Queue[bytes | None]) -> None:
    try:
        while line := output.readline(MAX_LINE):
            lines.put(line)
    finally:
        lines.put(None)


def _parse(line: bytes) -> dict[str, Any]:
    """The object of a line; an empty one where there is none."""
    try:
        plain = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return plain if isinstance(plain, dict) else {}


def _result(record: Mapping[str, Any], folder: Path) -> TrainingResult:
    weights = (folder / str(record["weights"])).resolve()
    if not (weights.is_relative_to(folder.resolve()) and weights.is_file()):
        raise TrainingFailed(_FAILED)
    photos, masks = (_count(record.get(name)) for name in ("measured", "masks"))
    return TrainingResult(weights, _figures(record.get("before")), _figures(record.get("after")), photos, masks)


def _figures(plain: Any) -> dict[str, float]:
    if not isinstance(plain, dict):
        return {}
    figures = {str(name)[:80]: float(value) for name, value in plain.items() if _is_number(value)}
    return dict(list(figures.items())[:MAX_FIGURES])


def _count(value: Any) -> int:
    return value if isinstance(value, int) and value >= 0 else 0


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def check_training(settings: Settings, kind: str, minutes: float) -> None:
    """Raise `MediaError` where a training of the open medium of this kind is not possible here."""
    if not settings.may_train:
        raise MediaError("This server does not train models. Download the data set and train with it on your computer.")
    if minutes > settings.max_train_minutes:
        raise MediaError(f"A training takes at most {settings.max_train_minutes} minutes here. Choose fewer.")
    if kind != "album":
        raise MediaError("Training needs several photos: one fifth is set aside to measure with. Open them together.")
