"""A session of `ZeroGPUEngine`: its thread, the call that tracks ahead, and what to say where a call fails."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

from sam2_core.errors import Busy, QuotaExceeded
from sam2_core.media import Store
from sam2_core.serving.commands import Command, Track
from sam2_core.serving.worker import Worker
from sam2_core.serving.zero_gpu_call import CallStep
from sam2_core.tracking.session import TrackingSession
from sam2_core.tracking.session_transfer import TransferTable

_log = logging.getLogger(__name__)


class RunningCall:
    """A call that is under way, and the frames whose results have not been taken yet."""

    def __init__(self, command: Command[Any], frames: range, table: TransferTable, steps: Iterator[bytes]) -> None:
        self._command, self.frames = command, frames
        self._table, self._steps = table, steps

    def goes_on_with(self, wanted: Track) -> bool:
        """Whether its next step is the first of what is wanted. No change of the session leaves a call alive."""
        command = self._command
        return (
            isinstance(command, Track)
            and (command.revision, command.objects) == (wanted.revision, wanted.objects)
            and self.frames[:1] == wanted.frames[:1]
            and command.frames.step == wanted.frames.step
        )

    def next_step(self) -> CallStep:
        """Wait for it. Raises what the call has ended with."""
        packed = next(self._steps, None)
        if packed is None:
            raise RuntimeError("The call has ended too soon.")
        self.frames = self.frames[1:]
        step: CallStep = self._table.unpack(packed)
        return step

    def end(self) -> None:
        """Let it come to its end, some seconds at most, without its results.

        It is not closed: a process whose steps nobody has taken yet may have been given to another visitor already,
        whose call that would end (spaces 0.51).
        """
        threading.Thread(target=self._read_on, name="masklet-zero-rest", daemon=True).start()

    def _read_on(self) -> None:
        try:
            for _ in self._steps:
                pass
        except Exception:  # nothing of it is needed any more
            _log.warning("A GPU call could not be ended well", exc_info=True)


class OpenedSession:
    """A session with the thread that answers its commands, and the call that tracks ahead of them, if there is one."""

    def __init__(self, session: TrackingSession, store: Store, media: str) -> None:
        self.session, self.media = session, media
        self._store = store
        self.ahead: RunningCall | None = None
        self.bytes = 0
        self.worker = Worker("masklet-zero", lambda work: work(), self._at_end)

    def drop_ahead(self) -> None:
        """End the call that tracks ahead, if there is one; its results are not needed."""
        ahead, self.ahead = self.ahead, None
        if ahead is not None:
            ahead.end()

    def end(self, done: Future[None]) -> None:
        """End the thread after the command that is under way."""
        self.worker.end()
        done.set_result(None)

    def _at_end(self) -> None:
        self.drop_ahead()
        self._store.close()


def in_our_words(error: Exception) -> Exception:
    """What to say where the call itself failed, by the title and text of what `spaces` raises."""
    title, text = str(getattr(error, "title", "")).lower(), str(getattr(error, "message", "") or error)
    if "no gpu was available" in text.lower():
        return Busy("Hugging Face has no GPU free at the moment. Try it again in a minute.")
    if any(word in title for word in ("quota", "credits", "illegal duration")):
        when = re.search(r"Try again in ([\d:]+|[^.]{1,40})", text)
        if when is None:
            return QuotaExceeded(
                "Your time on Hugging Face's GPUs is used up for now. A smaller model goes on without one."
            )
        return QuotaExceeded(
            f"Your time on Hugging Face's GPUs is used up until there is more in {when[1]}. A smaller model goes on "
            "without one."
        )
    if "expired" in text.lower():
        return Busy("Hugging Face did not recognize this page any more. Wait a few seconds and try it again.")
    _log.warning("A GPU call has failed: %s", text, exc_info=error)
    return Busy("The GPU has failed in the midst of this. Your work is kept. Try it once more.")
