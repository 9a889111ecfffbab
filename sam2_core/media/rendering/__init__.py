"""Sources drawn anew with a look, at full size; a clip frame by frame, with its times and sound.

composer.py  one picture of a result; geometry.py: how much of the source it shows, and how large
image_writer.py     pictures, albums, and the frames of a clip
film.py      clips: schedule.py says which frames are shown and when, codecs.py how each container is encoded;
             matroska.py carries the pictures there, sound.py and webp.py finish the file
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType

from sam2_core.media.export_options import ExportFormat, ExportOptions, ExportWriter
from sam2_core.media.masked_media import MaskedMedia
from sam2_core.media.progress import MediaProgress
from sam2_core.media.rendering import codecs, image_writer
from sam2_core.media.rendering.image_writer import write_images
from sam2_core.media.rendering.video_writer import write_video


def write_webp(path: Path, media: MaskedMedia, options: ExportOptions, progress: MediaProgress | None = None) -> None:
    """A picture, an archive of an album's photos, or an animation of a clip."""
    if media.info.kind == "clip":
        write_video(codecs.WEBP, path, media, options, progress)
    else:
        write_images(image_writer.WEBP, path, media, options, progress)


def _kind(title: str, text: str, endings: str, write: ExportWriter) -> ExportFormat:
    """`endings` for a picture, a clip and an album, "-" where there is no such file."""
    named = zip(("image", "clip", "album"), endings.split(), strict=True)
    takes = ("look", "cropped", "side_by_side", "largest_side")
    return ExportFormat(
        "picture", title, text, {media: ending for media, ending in named if ending != "-"}, write, takes
    )


_MP4 = "Video that plays everywhere (H.264), sound kept"
_WEBM = "Video for pages (VP9), see-through where the look is, sound kept"
_MOV = "Video for editing (ProRes 4444), see-through where the look is, sound kept"
_GIF = "Animation for everywhere, 480 pixels large unless you choose"
_WEBP = "Smaller than PNG and see-through as well; an animation of a clip"
_PNG = "Every pixel exact, see-through where the look is; the single frames of a clip"
_JPEG = "The same over white, smaller"

RENDERED_FORMATS: Mapping[str, ExportFormat] = MappingProxyType({
    "mp4": _kind("MP4", _MP4, "- mp4 -", partial(write_video, codecs.MP4)),
    "webm": _kind("WebM", _WEBM, "- webm -", partial(write_video, codecs.WEBM)),
    "mov": _kind("MOV", _MOV, "- mov -", partial(write_video, codecs.MOV)),
    "gif": _kind("GIF", _GIF, "- gif -", partial(write_video, codecs.GIF)),
    "png": _kind("PNG", _PNG, "png zip zip", partial(write_images, image_writer.PNG)),
    "webp": _kind("WebP", _WEBP, "webp webp zip", write_webp),
    "jpg": _kind("JPEG", _JPEG, "jpg zip zip", partial(write_images, image_writer.JPEG)),
})  # fmt: skip
