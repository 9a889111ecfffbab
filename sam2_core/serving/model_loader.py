"""Loading a network in the background, so that the page is there at once and can show how far loading is."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from sam2_core.errors import Busy, Cancelled, MaskletError
from sam2_core.serving.engine import Engine
from sam2_core.types import Progress

_LOADING = "The model is loading."
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LoadingStatus:
    """How far loading is: `fraction` 0..1 (None: cannot be told), and `error` once it has failed."""

    fraction: float | None
    message: str
    error: str | None = None
    ready: bool = False


class ModelLoader:
    """Builds an engine in a thread of its own; `engine()` returns it once it is there."""

    def __init__(self, build: Callable[[Progress], Engine]) -> None:
        self._build = build
        self._engine: Engine | None = None
        self._closed = False
        self._gate = threading.Lock()
        self._status = LoadingStatus(None, _LOADING)
        self._thread = threading.Thread(target=self._run, name="model-loader", daemon=True)
        self._thread.start()

    @property
    def status(self) -> LoadingStatus:
        """How far loading is right now."""
        return self._status

    def engine(self) -> Engine:
        """The engine; raises `Busy` with the status as its text while there is none."""
        if self._engine is None:
            raise Busy(self._status.error or f"{self._status.message} Try again in a moment.")
        return self._engine

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until loading has ended, well or not; False where it still goes on after `timeout` seconds."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def close(self) -> None:
        """Shut the engine down, if there is one; loading that is under way ends at its next report."""
        with self._gate:
            self._closed, engine = True, self._engine
        if engine is not None:
            engine.shut_down()

    def _run(self) -> None:
        try:
            engine = self._build(self._report)
            with self._gate:
                closed, self._engine = self._closed, engine
            if closed:
                engine.shut_down()
            self._status = LoadingStatus(1.0, "Ready", ready=True)
        except MaskletError as error:
            self._fail(str(error))
        except Exception as error:
            _log.exception("The model could not be loaded")
            self._fail(f"The model could not be loaded ({type(error).__name__}). The server's log says more.")

    def _report(self, fraction: float | None, message: str) -> None:
        if self._closed:
            raise Cancelled("The server is shutting down.")
        self._status = LoadingStatus(fraction, message)

    def _fail(self, text: str) -> None:
        self._status = LoadingStatus(self._status.fraction, self._status.message, error=text)
