"""Images and videos rendered with an effect stack, at full size; clips keep their times and sound.

compositor.py     renders one frame of a result; geometry.py: crop and size
image_writer.py   an image, the images of an album, or the frames of a clip
video_writer.py   clips: schedule.py has the frames and times, video_formats.py the encoder of each container;
                  matroska.py pipes frames to it, audio.py and webp.py finish the file
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType

from sam2_core.media.export_options import ExportFormat, ExportOptions, ExportWriter
from sam2_core.media.masked_media import MaskedMedia
from sam2_core.media.progress import ProgressReporter
from sam2_core.media.rendering import image_writer, video_formats
from sam2_core.media.rendering.image_writer import write_images
from sam2_core.media.rendering.video_writer import write_video


def write_webp(path: Path, media: MaskedMedia, options: ExportOptions, report: ProgressReporter) -> None:
    """An image, an archive of an album's images, or an animation of a clip."""
    if media.info.kind == "clip":
        write_video(video_formats.WEBP, path, media, options, report)
    else:
        write_images(image_writer.WEBP, path, media, options, report)


def _format(title: str, description: str, write: ExportWriter, **extensions: str) -> ExportFormat:
    option_keys = ("look", "cropped", "side_by_side", "largest_side")
    return ExportFormat("picture", title, description, extensions, write, option_keys)


_MP4 = "Video that plays everywhere (H.264), sound kept"
_WEBM = "Video for pages (VP9), see-through where the look is, sound kept"
_MOV = "Video for editing (ProRes 4444), see-through where the look is, sound kept"
_GIF = "Animation for everywhere, 480 pixels large unless you choose"
_PNG = "Every pixel exact, see-through where the look is; the single frames of a clip"
_WEBP = "Smaller than PNG and see-through as well; an animation of a clip"
_JPEG = "The same over white, smaller"

RENDERED_FORMATS: Mapping[str, ExportFormat] = MappingProxyType({
    "mp4": _format("MP4", _MP4, partial(write_video, video_formats.MP4), clip="mp4"),
    "webm": _format("WebM", _WEBM, partial(write_video, video_formats.WEBM), clip="webm"),
    "mov": _format("MOV", _MOV, partial(write_video, video_formats.MOV), clip="mov"),
    "gif": _format("GIF", _GIF, partial(write_video, video_formats.GIF), clip="gif"),
    "png": _format("PNG", _PNG, partial(write_images, image_writer.PNG), image="png", clip="zip", album="zip"),
    "webp": _format("WebP", _WEBP, write_webp, image="webp", clip="webp", album="zip"),
    "jpg": _format("JPEG", _JPEG, partial(write_images, image_writer.JPEG), image="jpg", clip="zip", album="zip"),
})  # fmt: skip
