"""Draw the example clips of this folder: `python assets/examples/make_examples.py [folder]`.

Each scene is a function of time that returns a picture; a frame is the mean of a few moments while the shutter is
open, so that what moves is blurred. All chance comes from fixed seeds, so the clips are the same on every run.
"""

from __future__ import annotations

import sys
import tempfile
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import numpy.typing as npt
from crossing_fish import crossing_fish
from painting import HEIGHT, SECONDS, WIDTH, Masks, Scene
from returning_kite import returning_kite
from rolling_ball import rolling_ball

FPS = 24
SHUTTER, MOMENTS = 0.4, 4  # share of a frame's time, and how many pictures are averaged in it
SAMPLE_RATE = 44_100


def melody(path: Path) -> None:
    """A music-box tune of `SECONDS` as a WAV file."""
    notes = [72, 76, 79, 84, 83, 79, 76, 74, 77, 81, 84, 86, 84, 79, 76, 72]
    times = np.arange(round(SECONDS * SAMPLE_RATE)) / SAMPLE_RATE
    sound = np.zeros_like(times)
    for index, note in enumerate(notes):
        since = times - index * SECONDS / len(notes) * 0.94
        pitch = 440 * 2 ** ((note - 69) / 12)
        rings = sum(np.sin(2 * np.pi * pitch * k * since) / k**2 for k in (1, 2, 3))
        sound += np.where(since > 0, np.exp(-3.5 * since) * np.clip(since * 200, 0, 1) * rings, 0)
    samples = (0.35 * sound / np.abs(sound).max() * 32767).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE, len(samples), "NONE", ""))
        file.writeframes(samples.tobytes())


def render(scene: Scene, path: Path, sound: Path | None = None) -> None:
    """Write a scene as an H.264 clip."""
    settings: dict[str, Any] = {"audio_path": str(sound), "audio_codec": "aac"} if sound else {}
    quality = ["-crf", "19", "-preset", "slow", "-tune", "film", "-movflags", "+faststart", "-bitexact"]
    colors = ["-vf", "scale=out_color_matrix=bt709:out_range=tv", "-colorspace", "bt709", "-color_primaries", "bt709"]
    writer = imageio_ffmpeg.write_frames(
        path,
        (WIDTH, HEIGHT),
        fps=FPS,
        codec="libx264",
        quality=None,
        output_params=quality + colors,
        ffmpeg_log_level="error",
        **settings,
    )
    writer.send(None)
    for frame in range(round(SECONDS * FPS)):
        picture = np.mean([scene(time) for time in moments(frame)], axis=0)
        writer.send(np.ascontiguousarray((np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8)))
    writer.close()


def moments(frame: int) -> list[float]:
    """The times at which a frame is painted."""
    return [(frame + SHUTTER * moment / MOMENTS) / FPS for moment in range(MOMENTS)]


def true_masks(masks: Masks) -> Iterator[list[npt.NDArray[np.bool_]]]:
    """Of each frame of a scene, the pixels (H, W) that an object covers for at least half of the time."""
    for frame in range(round(SECONDS * FPS)):
        covered = zip(*(masks(time) for time in moments(frame)), strict=True)
        yield [np.mean(amounts, axis=0) >= 0.5 for amounts in covered]


def main() -> None:
    """Draw all clips into the folder that was named, or into this one."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    with tempfile.TemporaryDirectory() as scratch:
        sound = Path(scratch) / "melody.wav"
        melody(sound)
        render(rolling_ball(), folder / "rolling_ball.mp4")
        render(crossing_fish(), folder / "crossing_fish.mp4")
        render(returning_kite(), folder / "returning_kite.mp4", sound)


if __name__ == "__main__":
    main()
