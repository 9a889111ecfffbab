"""What commands work with: the terminal, the network once it is needed, and folders that vanish."""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from sam2_core.commands.terminal import Terminal
from sam2_core.errors import MediaError
from sam2_core.media import Limits, MediaInfo, Progress, Store, ingest, ingest_album, open_store
from sam2_core.networks import BUNDLED
from sam2_core.serving.engine import Engine
from sam2_core.serving.replay import TRACK_STEP
from sam2_core.types import FrameMasks, Prompt, TrackEntry
from sam2_core.types import Progress as LoadProgress

MOST_OBJECTS, MOST_PROMPTS = 1000, 20_000
OWN_MACHINE = Limits(
    max_bytes=10**12, max_seconds=math.inf, max_frames=10**7, max_store_bytes=10**12, time_limit=7 * 86400.0,
    max_pictures=10_000, max_album_bytes=10**12,
)  # fmt: skip
"""Nobody needs to be kept from using up their own machine; pictures that do not fit into memory are still refused."""

Build: TypeAlias = Callable[[argparse.Namespace, LoadProgress], Engine]


def build(options: argparse.Namespace, progress: LoadProgress) -> Engine:
    """The engine that the options ask for. Raises `WeightsError` and `ConfigError`."""
    progress(None, "Loading the network")
    from sam2_core.serving.build import build_engine  # torch: two seconds that help and finished work should not cost
    from sam2_core.serving.local import EngineLimits

    limits = EngineLimits(max_objects=MOST_OBJECTS, max_prompts=MOST_PROMPTS)
    model = options.model or options.checkpoint or BUNDLED
    checkpoint = options.checkpoint if options.model else None
    return build_engine(model, options.device, progress, checkpoint, limits)


@dataclass(slots=True)
class Opened:
    """A session on a store; `revision` is the newest."""

    store: Store
    engine: Engine
    session: str
    revision: int = 0

    def masks(self, frames: range) -> Sequence[FrameMasks]:
        """What `Material` asks."""
        return self.engine.masks(self.session, frames)

    def say(self, object_id: int, prompts: Mapping[int, Prompt]) -> None:
        """Say all this about an object, by frames. Raises `BadPrompt`."""
        for frame, prompt in prompts.items():
            self.revision = self.engine.prompt(self.session, frame, object_id, prompt).revision

    def follow(self, ways: Sequence[TrackEntry], progress: Progress) -> None:
        """Track these ways, a few frames a call."""
        total, done = sum(len(_frames_of(way)) for way in ways), 0
        for way in ways:
            frames = _frames_of(way)
            for start in range(0, len(frames), TRACK_STEP):
                call = frames[start : start + TRACK_STEP]
                self.engine.track(self.session, call, self.revision, way.objects)
                done += len(call)
                progress(done / total, "Tracking")


def _frames_of(way: TrackEntry) -> range:
    """In the order of tracking."""
    return range(way.start, way.stop, way.step)


class Workshop:
    """For one command; use it in a `with` block."""

    def __init__(self, terminal: Terminal, options: argparse.Namespace, build: Build = build) -> None:
        self.terminal = terminal
        self._options, self._build = options, build
        self._engine: Engine | None = None

    def __enter__(self) -> Workshop:
        return self

    def __exit__(self, *error: object) -> None:
        if self._engine is not None:
            self._engine.shut_down()

    @property
    def engine(self) -> Engine:
        """The network at work, loaded when it is first asked for."""
        if self._engine is None:
            self._engine = self._build(self._options, self.terminal.progress)
        return self._engine

    @contextmanager
    def stored(self, source: Path | Sequence[Path], kind: str, progress: Progress) -> Iterator[Store]:
        """A picture or clip, or the photos of an album, read into a folder that vanishes. Raises `MediaError`, also
        for what is not of this kind."""
        # On Windows a file that a player or virus scanner holds cannot be removed at once: no reason to fail.
        with tempfile.TemporaryDirectory(prefix="masklet-", ignore_cleanup_errors=True) as folder:
            target = Path(folder) / "store"
            with open_store(_ingest(source, target, progress)) as store:
                _check_kind(store.info, kind)
                yield store

    @contextmanager
    def opened(self, source: Path | Sequence[Path], kind: str, progress: Progress) -> Iterator[Opened]:
        """The same with a session on it."""
        with self.stored(source, kind, progress) as store, self.session(store) as opened:
            yield opened

    @contextmanager
    def session(self, store: Store) -> Iterator[Opened]:
        """A session on what was read."""
        engine = self.engine
        session = engine.open(str(store.folder)).id
        try:
            yield Opened(store, engine, session)
        finally:
            engine.close(session)


def _ingest(source: Path | Sequence[Path], folder: Path, progress: Progress) -> Path:
    if isinstance(source, Path):
        if not source.is_file():
            raise MediaError(f"There is no file {source}.")
        ingest(source, folder, OWN_MACHINE, progress)
        return folder
    _, skipped = ingest_album(source, folder, OWN_MACHINE, progress)
    if skipped:
        raise MediaError(f"{skipped[0].name}: {skipped[0].reason}")
    return folder


def _check_kind(info: MediaInfo, kind: str) -> None:
    if info.kind == kind:
        return
    if info.kind == "clip":
        raise MediaError("This is a clip, no picture: `masklet track` is for clips.")
    raise MediaError("This is a picture, no clip: `masklet segment` is for pictures.")
