"""What a command works with: the console, the engine (built on first use), and sessions on media."""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from sam2_core.console import Console
from sam2_core.errors import MediaError
from sam2_core.media import Limits, MediaInfo, Store, ingest, ingest_album, open_store
from sam2_core.networks import BUNDLED
from sam2_core.serving.engine import Engine
from sam2_core.serving.replay import TRACK_STEP
from sam2_core.types import FrameMasks, Prompt, TrackEntry
from sam2_core.types import Progress as LoadProgress

MAX_OBJECTS, MAX_PROMPTS = 1000, 20_000  # of a session
LOCAL_LIMITS = Limits(
    max_bytes=10**12, max_seconds=math.inf, max_frames=10**7, max_store_bytes=10**12, time_limit=7 * 86400.0,
    max_pictures=10_000, max_album_bytes=10**12,
)  # fmt: skip
"""Practically none: the machine is the user's own. Images that do not fit into memory are still refused."""

EngineBuilder: TypeAlias = Callable[[argparse.Namespace, LoadProgress], Engine]
"""Builds the engine that the options select. Raises `WeightsError` and `ConfigError`."""


def build_engine(options: argparse.Namespace, progress: LoadProgress) -> Engine:
    """The usual `EngineBuilder`."""
    progress(None, "Loading the network")
    # Importing torch takes two seconds, which neither --help nor a batch of existing files should cost.
    from sam2_core.serving.build import build_engine
    from sam2_core.serving.local import EngineLimits

    limits = EngineLimits(max_objects=MAX_OBJECTS, max_prompts=MAX_PROMPTS)
    model = options.model or options.checkpoint or BUNDLED
    checkpoint = options.checkpoint if options.model else None
    return build_engine(model, options.device, progress, checkpoint, limits)


@dataclass(slots=True)
class MediaSession:
    """An engine session on a store; `revision` is the session's newest."""

    store: Store
    engine: Engine
    session: str
    revision: int = 0

    def masks(self, frames: range) -> Sequence[FrameMasks]:
        """The known masks of these frames (`media.MasksOf`)."""
        return self.engine.masks(self.session, frames)

    def set_prompt(self, frame: int, object_id: int, prompt: Prompt) -> FrameMasks:
        """Set the prompt of an object on a frame. Raises `BadPrompt`."""
        result = self.engine.prompt(self.session, frame, object_id, prompt)
        self.revision = result.revision
        return result

    def set_prompts(self, object_id: int, prompts: Mapping[int, Prompt]) -> None:
        """Set all prompts of an object, by frame. Raises `BadPrompt`."""
        for frame, prompt in prompts.items():
            self.set_prompt(frame, object_id, prompt)

    def track(self, passes: Sequence[TrackEntry], progress: Progress) -> None:
        """Propagate through the frames of each pass, a few frames a call."""
        total, done = sum(len(_frames_of(each)) for each in passes), 0
        for each in passes:
            frames = _frames_of(each)
            for start in range(0, len(frames), TRACK_STEP):
                step = frames[start : start + TRACK_STEP]
                self.engine.track(self.session, step, self.revision, each.objects)
                done += len(step)
                progress(done / total, "Tracking")


def _frames_of(entry: TrackEntry) -> range:
    return range(entry.start, entry.stop, entry.step)


class CommandContext:
    """Console, engine and media of one command; use it in a `with` block, which shuts the engine down."""

    def __init__(self, options: argparse.Namespace, build: EngineBuilder | None = None) -> None:
        self.console = Console(options.quiet, options.json)
        self._options, self._build = options, build or build_engine
        self._engine: Engine | None = None

    def __enter__(self) -> CommandContext:
        return self

    def __exit__(self, *error: object) -> None:
        if self._engine is not None:
            self._engine.shut_down()

    @property
    def engine(self) -> Engine:
        """The engine, built on first use."""
        if self._engine is None:
            self._engine = self._build(self._options, self.console.progress)
        return self._engine

    @contextmanager
    def open_media(self, source: Path | Sequence[Path], kind: str) -> Iterator[Store]:
        """Ingest an image, a clip or the images of an album into a temporary folder.

        Raises `MediaError`, also where the source is not of `kind` ("image", "clip" or "album").
        """
        # On Windows a file that a player or virus scanner holds cannot be removed at once: no reason to fail.
        with tempfile.TemporaryDirectory(prefix="masklet-", ignore_cleanup_errors=True) as folder:
            target = Path(folder) / "store"
            _ingest(source, target, self.console.progress)
            with open_store(target) as store:
                _check_kind(store.info, kind)
                yield store

    @contextmanager
    def open_session(self, store: Store) -> Iterator[MediaSession]:
        """Open an engine session on ingested media."""
        engine = self.engine
        session = engine.open(str(store.folder)).id
        try:
            yield MediaSession(store, engine, session)
        finally:
            engine.close(session)


def _ingest(source: Path | Sequence[Path], folder: Path, progress: Progress) -> None:
    if isinstance(source, Path):
        if not source.is_file():
            raise MediaError(f"There is no file {source}.")
        ingest(source, folder, LOCAL_LIMITS, progress)
        return
    _, skipped = ingest_album(source, folder, LOCAL_LIMITS, progress)
    if skipped:
        raise MediaError(f"{skipped[0].name}: {skipped[0].reason}")


def _check_kind(info: MediaInfo, kind: str) -> None:
    if info.kind == kind:
        return
    if info.kind == "clip":
        raise MediaError("This is a clip, no picture: `masklet track` is for clips.")
    raise MediaError("This is a picture, no clip: `masklet segment` is for pictures.")
