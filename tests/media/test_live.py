"""Frames of a camera: JPEGs of one size, each as quickly decoded as the next."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image

from sam2_core.errors import MediaError
from sam2_core.media import decode_frame

SCAN = b"\xff\xda"


def jpeg_of(progressive: bool) -> bytes:
    """48 x 64 pixels."""
    file = BytesIO()
    Image.new("RGB", (64, 48), "teal").save(file, "JPEG", progressive=progressive)
    return file.getvalue()


@pytest.mark.parametrize("progressive", [False, True])
def test_a_frame_is_decoded(progressive: bool) -> None:
    assert decode_frame(jpeg_of(progressive), 48, 64).shape == (48, 64, 3)


def test_what_is_no_frame_of_this_camera_is_refused() -> None:
    jpeg = jpeg_of(progressive=True)
    with pytest.raises(MediaError, match="64 x 48 pixels, the first one was 48 x 64"):
        decode_frame(jpeg, 64, 48)
    for content in (b"", b"no JPEG", jpeg[: len(jpeg) // 2]):
        with pytest.raises(MediaError, match="no JPEG, or a damaged one"):
            decode_frame(content, 48, 64)


def test_a_jpeg_that_repeats_a_scan_for_ever_is_refused() -> None:
    """Libraries would decode the whole picture for each of them: a megabyte could take minutes."""
    jpeg = jpeg_of(progressive=True)
    scan = jpeg[jpeg.rindex(SCAN) : -2]
    assert decode_frame(jpeg[:-2] + 20 * scan + jpeg[-2:], 48, 64).shape == (48, 64, 3)
    with pytest.raises(MediaError, match="no JPEG, or a damaged one"):
        decode_frame(jpeg[:-2] + 80 * scan + jpeg[-2:], 48, 64)
