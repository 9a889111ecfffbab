"""Runs ffmpeg on untrusted files: without shell, network and playlists, and never longer than its context."""

from __future__ import annotations

import contextlib
import subprocess
import threading
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO

import imageio_ffmpeg

from sam2_core.errors import MediaError
from sam2_core.media.limits import NO_MEMORY
from sam2_core.media.progress import SILENT, MediaProgress

# Containers that hold their own video. Playlists (concat, hls, dash, image sequences …) are excluded because they refer
# to other files. The second line is bare streams of cameras and encoders. The last one is audio, listed only so that
# the missing video can be reported.
_CONTAINERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegts,ogg,flv,asf,mxf,dv,ivf,gif,nut,swf,dhav,rm,wtv,gxf,"
    "h264,hevc,vvc,obu,av1,mpegvideo,m4v,h263,vc1,dirac,mjpeg,mpjpeg,yuv4mpegpipe,"
    "mp3,wav,flac,aac"
)  # fmt: skip
STEP_TIMEOUT = 3600.0  # seconds of wall-clock time for one step of work that has no limit of its own
_BORDER_PIXELS = 8_000_000  # some decoders count the border that they add to a frame
_DECODING_THREADS = 4  # each holds its own frames: with many cores a large clip would take gigabytes
_DISK_FULL = "No space left on device"
_MEMORY_FULL = "Cannot allocate memory"
_MAX_LINE = 4096
_POLL_SECONDS = 1.0
_KEPT_LINES = 1000


def input_arguments(source: Path, max_pixels: int, decoder: str = "") -> list[str]:
    """Arguments that open an untrusted file as input; frames of many more than `max_pixels` are not decoded.

    `decoder` is the one to use for its video, by default ffmpeg's choice.
    """
    whitelists = ["-protocol_whitelist", "file,pipe", "-format_whitelist", _CONTAINERS]
    bounds = ["-max_pixels", str(max_pixels + _BORDER_PIXELS), "-threads", str(_DECODING_THREADS)]
    with source.open("rb") as file:
        is_jpeg = file.read(3) == b"\xff\xd8\xff"  # bare MJPEG, which ffmpeg would take for pictures
    choice = [*(["-f", "mjpeg"] if is_jpeg else []), *(["-c:v", decoder] if decoder else [])]
    return [*whitelists, *bounds, *choice, "-i", f"file:{source.resolve()}"]


class TookTooLong(MediaError):
    """ffmpeg was stopped at its deadline."""


class TooMuchMemory(MediaError):
    """ffmpeg found no memory left."""


class Ffmpeg:
    """A running ffmpeg, which is killed at its deadline and whenever its `with` block ends.

    `stdout` gives what it writes to `pipe:1`; `stdin` takes what it reads from `pipe:0` (with `fed`).
    """

    def __init__(self, arguments: Sequence[str], folder: Path, seconds: float, *, fed: bool = False) -> None:
        """Start it in `folder`, with a deadline after `seconds`."""
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", *([] if fed else ["-nostdin"]), *arguments]
        self._seconds = seconds
        self._expired = False
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.PIPE if fed else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        self._lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        self._is_over = threading.Event()
        self.renew()
        threading.Thread(target=self._watch, daemon=True).start()

    def __enter__(self) -> Ffmpeg:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        self._process.kill()
        self._process.wait()
        self._listener.join()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                _close(pipe)

    @property
    def stdout(self) -> IO[bytes]:
        """What it writes to `pipe:1`."""
        assert self._process.stdout is not None  # noqa: S101 (opened above)
        return self._process.stdout

    def renew(self) -> None:
        """Restart the deadline, for work in steps that have one each."""
        self._until = time.monotonic() + self._seconds

    def feed(self, *parts: bytes | memoryview) -> None:
        """Write to its standard input and restart the deadline. Raises `MediaError` if it has ended."""
        assert self._process.stdin is not None, "started without `fed`"  # noqa: S101
        try:
            for part in parts:
                self._process.stdin.write(part)
        except OSError:
            self.finish()
            raise
        self.renew()

    def finish(self, report: MediaProgress = SILENT) -> None:
        """Wait until it ends; `report` is called meanwhile, and may raise.

        Raises `TookTooLong` at the deadline, `TooMuchMemory`, and `MediaError` if it failed.
        """
        if self._process.stdin is not None:
            _close(self._process.stdin)
        while True:
            try:
                code = self._process.wait(_POLL_SECONDS)
                break
            except subprocess.TimeoutExpired:
                report(0.0, "Reading the file")
        self._listener.join()
        if self._expired:
            raise TookTooLong(
                f"The clip took longer than {self._seconds:.0f} s to process, which is the limit. "
                "Use a shorter or smaller one."
            )
        if any(_DISK_FULL in line for line in self._lines):
            raise MediaError("The disk is full. Make room on it and try again.")
        if code != 0 and self.lacked_memory:
            raise TooMuchMemory(NO_MEMORY)
        if code != 0:
            raise MediaError(f"The clip could not be processed ({self.last_message}). Convert it to MP4 and try again.")

    @property
    def messages(self) -> list[str]:
        """The last lines of its standard error; complete once `finish` has returned or raised."""
        return list(self._lines)

    @property
    def lacked_memory(self) -> bool:
        """Whether it complained that there was no memory left, which does not always end it."""
        return any(_MEMORY_FULL in line for line in self._lines)

    @property
    def last_message(self) -> str:
        """The last line of its standard error, without the prefix that names the component."""
        lines = [line for line in self._lines if line.strip()]
        return lines[-1].rpartition("] ")[2].strip().rstrip(".") if lines else "no reason given"

    def _listen(self) -> None:
        assert self._process.stderr is not None  # noqa: S101
        while line := self._process.stderr.readline(_MAX_LINE):
            self._lines.append(line.decode("utf-8", "replace").rstrip("\r\n"))

    def _watch(self) -> None:
        while (rest := self._until - time.monotonic()) > 0:
            if self._is_over.wait(rest):
                return
        self._expired = True
        self._process.kill()


def _close(pipe: IO[bytes]) -> None:
    """Close a pipe whose other end may be closed."""
    with contextlib.suppress(OSError):
        pipe.close()
