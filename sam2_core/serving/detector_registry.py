"""The detectors that a server offers for text prompts: what is known about each, and the engine that runs them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

from sam2_core.detection.detector import Thresholds
from sam2_core.detection.known import CONCEPTS, GROUNDED, QUERIES, THRESHOLDS_BY_KIND
from sam2_core.detection.model_files import is_on_disk, known_detector, read_json
from sam2_core.detection.transformers_library import is_installed, missing_library
from sam2_core.errors import BadPrompt, ConfigError
from sam2_core.media.decoders import Decoders
from sam2_core.serving.detection_engine import Detect, DetectionFuture


@dataclass(frozen=True, slots=True)
class DetectorEntry:
    """A detector on offer. Strangers read `name` and `title`, so neither tells where files lie on this machine;
    `source` is what `load_detector` takes. `megabytes` is 0 where the size is unknown."""

    name: str
    title: str
    source: str
    thresholds: Thresholds
    megabytes: int = 0
    license: str = ""

    @property
    def scores_words(self) -> bool:
        """Whether the text threshold has an effect."""
        return self.thresholds == GROUNDED

    @property
    def segments(self) -> bool:
        """Whether it makes masks by itself."""
        return self.thresholds == CONCEPTS


def detector_entries(names: Iterable[str]) -> list[DetectorEntry]:
    """Detectors by known names, folders, or repositories ("owner/name"); raises `ConfigError` for anything else."""
    return list({entry.name: entry for entry in map(_entry, names)}.values())


def _entry(source: str) -> DetectorEntry:
    known = known_detector(source)
    if known is not None:
        return DetectorEntry(known.name, known.title, known.name, known.thresholds, known.megabytes, known.license)
    folder = Path(source)
    if folder.is_dir():
        kind = read_json(folder / "config.json").get("model_type")
        return DetectorEntry(folder.name, folder.name, source, THRESHOLDS_BY_KIND.get(str(kind), QUERIES))
    if source.count("/") != 1 or source.startswith((".", "/", "~")):
        raise ConfigError(f"The setting detectors names {source!r}, which is neither a known detector nor a folder.")
    return DetectorEntry(source, source, source, QUERIES)


class DetectionRunner(Protocol):
    """What runs detectors: `DetectionEngine`."""

    @property
    def loading(self) -> tuple[float | None, str] | None:
        """How far the loading of a detector is, and what is done."""
        ...

    def run(self, command: Detect) -> DetectionFuture:
        """What is found."""
        ...

    def position(self, media: str) -> int:
        """How many sessions come before the next call about this medium."""
        ...

    def is_loaded(self, name: str) -> bool:
        """Whether a detector is in memory."""
        ...

    def free_idle(self) -> None:
        """Free what was not used for long."""
        ...

    def shut_down(self) -> None:
        """Free everything."""
        ...


BuildRunner: TypeAlias = Callable[[Decoders], DetectionRunner]
"""Builds what runs detectors, and has these decoders read uploaded files."""


def library_problem() -> str:
    """What to install before detectors can be used; an empty text where all is there."""
    return "" if is_installed() else str(missing_library())


class DetectorRegistry:
    """Detectors on offer, and their engine, which is built when it is first needed. Any thread may call."""

    def __init__(
        self,
        entries: Sequence[DetectorEntry] = (),
        build: BuildRunner | None = None,
        problem: Callable[[], str] = library_problem,
        is_on_disk: Callable[[str], bool] = is_on_disk,
    ) -> None:
        """`problem` says why none can be used, `is_on_disk` whether a source needs no download; both may block."""
        self.entries = tuple(entries)
        self.problem, self._is_on_disk = problem, is_on_disk
        self._build = build
        self._built: DetectionRunner | None = None
        self._lock = threading.Lock()

    def entry(self, name: str) -> DetectorEntry:
        """Raises `BadPrompt` for a name that is not offered."""
        for entry in self.entries:
            if entry.name == name:
                return entry
        raise BadPrompt("This server does not offer that detector. Choose one from the list.")

    def runner(self, decoders: Decoders) -> DetectionRunner:
        """The engine; blocks while it is built, which is done once, with these decoders. Raises `ConfigError`."""
        with self._lock:
            if self._built is None:
                if self._build is None:
                    raise ConfigError("This server offers no text prompts.")
                self._built = self._build(decoders)
            return self._built

    def is_on_disk(self, entry: DetectorEntry) -> bool:
        """Whether nothing needs to be downloaded for it. Blocks."""
        return self._is_on_disk(entry.source)

    def is_loaded(self, entry: DetectorEntry) -> bool:
        """Whether it is in memory."""
        return self._built is not None and self._built.is_loaded(entry.source)

    def free_idle(self) -> None:
        """Free the detectors that were not used for long; whoever sweeps the sessions calls it."""
        if self._built is not None:
            self._built.free_idle()

    def close(self) -> None:
        """Shut the engine down."""
        with self._lock:
            if self._built is not None:
                self._built.shut_down()
