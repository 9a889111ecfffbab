"""What a command works with: the console, the engine (built on first use), and sessions on media."""

from __future__ import annotations

import argparse
import math
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from sam2_core.cli.inputs import STDIN, kind_of
from sam2_core.cli.options import network_name
from sam2_core.console import Console
from sam2_core.errors import MediaError, TooLarge
from sam2_core.media import Limits, MediaInfo, Store, ingest, ingest_album, open_store
from sam2_core.media.picture_clips import DEFAULT_RATE
from sam2_core.media.sequence import ingest_sequence, is_zip
from sam2_core.serving.engine import Engine
from sam2_core.serving.tracking_run import TrackingRun
from sam2_core.serving.workspace import Workspace
from sam2_core.types import FrameSpan, Progress

MAX_OBJECTS, MAX_PROMPTS = 1000, 20_000  # of a session
LOCAL_LIMITS = Limits(
    max_bytes=10**12, max_seconds=math.inf, max_frames=10**7, max_store_bytes=10**12, time_limit=7 * 86400.0,
    max_pictures=10_000, max_album_bytes=10**12,
)  # fmt: skip
"""Practically none: the machine is the user's own. Images that do not fit into memory are still refused."""

EngineBuilder: TypeAlias = Callable[[argparse.Namespace, Progress], Engine]
"""Builds the engine that the options select. Raises `WeightsError` and `ConfigError`."""


def build_engine(options: argparse.Namespace, progress: Progress) -> Engine:
    """The usual `EngineBuilder`."""
    progress(None, "Loading the network")
    # Importing torch takes two seconds, which neither --help nor a batch of existing files should cost.
    from sam2_core.serving.build import build_engine
    from sam2_core.serving.local import EngineLimits

    limits = EngineLimits(max_objects=MAX_OBJECTS, max_prompts=MAX_PROMPTS)
    checkpoint = options.checkpoint if options.model else None
    return build_engine(network_name(options), options.device, progress, checkpoint, limits, options.compile)


async def track_spans(workspace: Workspace, spans: Sequence[FrameSpan], progress: Progress) -> None:
    """Propagate the objects of each span through its frames."""
    async for update in TrackingRun.over(workspace, spans):
        progress(update.done / update.total, "Tracking")


class CommandContext:
    """Console, engine and media of one command; use it in a `with` block, which shuts the engine down."""

    def __init__(self, options: argparse.Namespace, build: EngineBuilder | None = None) -> None:
        self.console = Console(options.quiet, options.json)
        self._options, self._build = options, build or build_engine
        self.limits = replace(LOCAL_LIMITS, scale_down=options.scale_down)
        self._engine: Engine | None = None
        self._stdin: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> CommandContext:
        return self

    def __exit__(self, *error: object) -> None:
        if self._engine is not None:
            self._engine.shut_down()
        if self._stdin is not None:
            self._stdin.cleanup()

    def file_of(self, source: Path) -> Path:
        """The file of a source: for stdin, a temporary one with all that it gives."""
        if source != STDIN:
            return source
        if self._stdin is None:
            self._stdin = tempfile.TemporaryDirectory(prefix="masklet-", ignore_cleanup_errors=True)
            with (Path(self._stdin.name) / "stdin").open("wb") as file:
                shutil.copyfileobj(sys.stdin.buffer, file)
        return Path(self._stdin.name) / "stdin"

    def kind_of(self, source: Path) -> str:
        """Image or clip, by content."""
        return kind_of(self.file_of(source))

    @property
    def engine(self) -> Engine:
        """The engine, built on first use."""
        if self._engine is None:
            self._engine = self._build(self._options, self.console.progress)
        return self._engine

    @contextmanager
    def open_media(self, source: Path | Sequence[Path], kind: str) -> Iterator[Store]:
        """Ingest an image, a clip (also a folder of numbered pictures) or the images of an album into a temporary
        folder. Notes tell what was changed or is missing.

        Raises `MediaError`, also where the source is not of `kind` ("image", "clip" or "album").
        """
        # On Windows a file that a player or virus scanner holds cannot be removed at once: no reason to fail.
        with tempfile.TemporaryDirectory(prefix="masklet-", ignore_cleanup_errors=True) as folder:
            target = Path(folder) / "store"
            file = self.file_of(source) if isinstance(source, Path) else source
            try:
                _ingest(file, target, self.limits, self.console.progress, getattr(self._options, "fps", None))
            except TooLarge as error:
                raise MediaError(f"{error} Or open it scaled down, with --scale-down.") from error
            with open_store(target) as store:
                _check_kind(store.info, kind)
                if getattr(self._options, "fps", None) and not (store.info.kind == "clip" and store.info.names):
                    self.console.note(f"{store.info.name}: --fps is for numbered pictures, and has no effect here")
                for warning in store.info.warnings:
                    self.console.note(f"{store.info.name}: {warning}")
                yield store

    @asynccontextmanager
    async def open_workspace(self, store: Store) -> AsyncIterator[Workspace]:
        """Work on ingested media with the engine."""
        engine = self.engine
        workspace = Workspace(store.folder, lambda: engine, MAX_OBJECTS)
        try:
            yield workspace
        finally:
            await workspace.close()


def _ingest(source: Path | Sequence[Path], folder: Path, limits: Limits, progress: Progress, fps: float | None) -> None:
    if not isinstance(source, Path):
        _, skipped = ingest_album(source, folder, limits, progress)
        if skipped:
            raise MediaError(f"{skipped[0].name}: {skipped[0].reason}")
    elif source.is_dir() or (source.is_file() and is_zip(source)):
        ingest_sequence(source, folder, limits, progress, fps or DEFAULT_RATE)
    elif source.is_file():
        ingest(source, folder, limits, progress)
    else:
        raise MediaError(f"There is no file {source}.")


def _check_kind(info: MediaInfo, kind: str) -> None:
    if info.kind == kind:
        return
    if info.kind == "clip":
        raise MediaError(f"This is a clip, no picture ({info.frames} frames or pages): `masklet track` is for clips.")
    if info.kind == "album":
        raise MediaError(f"Its {info.frames} pages have different sizes. Save each as a picture of its own.")
    raise MediaError("This is a picture, no clip: `masklet segment` is for pictures.")
