"""A better network than the bundled one, fetched in the background while everybody works with that one already.

The machine is measured once, the network that suits it (model_choice.py) is downloaded once for all sessions, and then
it is on offer. All of it happens in threads of low priority, after the first network has been loaded.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from sam2_core.errors import Cancelled, MaskletError
from sam2_core.networks import KnownNetwork, known_network
from sam2_core.serving.model_choice import Machine, NetworkChoice, choose_network, entry_name
from sam2_core.serving.model_registry import ModelEntry, ModelRegistry, model_entries
from sam2_core.serving.worker import lower_priority
from sam2_core.types import Progress

FetchWeights: TypeAlias = Callable[[KnownNetwork, Progress], object]
"""Downloads the weights of a network unless they are here. Raises `WeightsError`, and what the progress raises."""

NICENESS = 19
_NOTICED_STEP = 0.01  # of progress; smaller ones are told nobody
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FetchStatus:
    """How far the download of a better network is: `fraction` 0..1 (None: cannot be told). Where it has failed,
    `message` says why."""

    state: Literal["fetching", "ready", "failed"]
    fraction: float | None
    message: str


def fetch_weights(network: KnownNetwork, progress: Progress) -> object:
    """The published weights, see `weights.fetch_weights`; torch is imported where they are needed."""
    from sam2_core import weights

    return weights.fetch_weights(network, progress)


class BetterModel:
    """Measures the machine and fetches the network that suits it. Any thread may call, and nothing blocks."""

    def __init__(
        self,
        registry: ModelRegistry,
        measure: Callable[[], Machine],
        fetch: FetchWeights | None = fetch_weights,
        is_wanted: Callable[[str], bool] = lambda name: True,
        choose: Callable[[Machine], NetworkChoice | None] = choose_network,
    ) -> None:
        """Without `fetch` the machine is only measured; `is_wanted` says whether the network may be on offer."""
        self._registry, self._measure, self._fetch = registry, measure, fetch
        self._is_wanted, self._choose = is_wanted, choose
        self._machine: Machine | None = None
        self._entry: ModelEntry | None = None
        self._status: FetchStatus | None = None
        self._listeners: list[Callable[[], None]] = []
        self._lock = threading.Lock()
        self._closed = False
        self._thread = self._start(self._run)

    @property
    def machine(self) -> Machine | None:
        """What was measured; None until then."""
        return self._machine

    @property
    def entry(self) -> ModelEntry | None:
        """The network that was chosen; None until then, or where there is no better one."""
        return self._entry

    @property
    def status(self) -> FetchStatus | None:
        """How far its download is; None until a network is chosen."""
        return self._status

    @property
    def replaces(self) -> str:
        """Name of the network that it is better than."""
        return self._registry.default

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` in some thread whenever `status` changes noticeably; the result ends that."""
        with self._lock:
            self._listeners.append(listener)
        return lambda: self._forget(listener)

    def retry(self) -> None:
        """Try a download that has failed again; does nothing otherwise."""
        with self._lock:
            if self._status is None or self._status.state != "failed" or self._closed:
                return
            self._status = FetchStatus("fetching", None, "")
        self._tell()
        self._thread = self._start(self._download)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until measuring or fetching has ended; False where it still goes on after `timeout` seconds."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def close(self) -> None:
        """End the download at its next report."""
        self._closed = True

    def _start(self, work: Callable[[], None]) -> threading.Thread:
        thread = threading.Thread(target=work, name="better-model", daemon=True)
        thread.start()
        return thread

    def _run(self) -> None:
        lower_priority(NICENESS)
        first = self._registry.acquire(self._registry.default)
        first.loader.wait()
        first.release()
        if self._closed:
            return
        try:
            self._machine = self._measure()
        except Exception:  # whatever a device raises: without measurements there is no choice
            _log.exception("The device could not be measured")
            return
        choice = self._choose(self._machine)
        if choice is None or self._fetch is None or not self._is_wanted(entry_name(choice)):
            return
        [self._entry] = model_entries(entry_name(choice))
        self._download()

    def _download(self) -> None:
        lower_priority(NICENESS)
        entry, fetch = self._entry, self._fetch
        if entry is None or fetch is None:
            return
        self._set(FetchStatus("fetching", None, ""))
        try:
            fetch(known_network(entry.model), self._report)
        except Cancelled:
            return
        except MaskletError as error:
            self._set(FetchStatus("failed", None, _reason(error)))
        except Exception:
            _log.exception("A better model could not be fetched")
            self._set(FetchStatus("failed", None, "The download failed. The server's log says more."))
        else:
            self._registry.offer(entry)
            self._set(FetchStatus("ready", 1.0, ""))

    def _report(self, fraction: float | None, message: str) -> None:
        if self._closed:
            raise Cancelled("The server is shutting down.")
        self._set(FetchStatus("fetching", fraction, message))

    def _set(self, status: FetchStatus) -> None:
        former, self._status = self._status, status
        if former is None or _differ(former, status):
            self._tell()
        else:
            self._status = replace(status, fraction=former.fraction, message=former.message)

    def _tell(self) -> None:
        with self._lock:
            listeners = tuple(self._listeners)
        for listener in listeners:
            listener()

    def _forget(self, listener: Callable[[], None]) -> None:
        with self._lock:
            if listener in self._listeners:
                self._listeners.remove(listener)


def _differ(one: FetchStatus, other: FetchStatus) -> bool:
    if one.state != other.state or one.fraction is None or other.fraction is None:
        return one != other
    return abs(one.fraction - other.fraction) >= _NOTICED_STEP or other.fraction == 1.0


def _reason(error: MaskletError) -> str:
    """Why in one line, without where files lie on this machine."""
    cause = error.__cause__ or error
    text = cause.strerror if isinstance(cause, OSError) and cause.filename else None
    return (text or str(cause)).strip().partition("\n")[0]
