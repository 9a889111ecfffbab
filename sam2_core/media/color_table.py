"""Colors of HDR and wide-gamut clips as sRGB, in a 3D table that ffmpeg's filter lut3d reads.

HLG and PQ (ITU-R BT.2100) are decoded to light relative to the reference white of 203 cd/m2 (ITU-R BT.2408), which
becomes the white of sRGB; highlights above it are compressed. BT.2020 and P3 primaries are converted to those of sRGB.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import IO, TypeAlias

import numpy as np
import numpy.typing as npt

_Colors: TypeAlias = npt.NDArray[np.float64]
"""(..., 3), red first."""

_SIZE = 49  # points of the table along each axis
_REFERENCE_WHITE, _PEAK = 203.0, 1000.0  # cd/m2
_PRIMARIES = {9: "bt2020", 12: "smpte432"}
_TRANSFERS = {16: "smpte2084", 18: "arib-std-b67"}
_HEAD = 4096  # bytes in which an AVIF picture names its colors
_PNG, _MAX_CHUNKS = b"\x89PNG\r\n\x1a\n", 10_000
_BLOCK = 1 << 20  # pixels that are converted at a time
_KNEE = 0.8  # light up to here is kept as it is
_LUMA = np.array([0.2627, 0.6780, 0.0593])  # of BT.2020
_TO_709 = {  # linear light with other primaries to that with those of BT.709 and sRGB, all with white D65
    "bt2020": np.array(
        [[1.660491, -0.587641, -0.072850], [-0.124550, 1.132900, -0.008349], [-0.018151, -0.100579, 1.118730]]
    ),
    "smpte432": np.array([[1.224940, -0.224940, 0.0], [-0.042057, 1.042057, 0.0], [-0.019638, -0.078636, 1.098274]]),
}


def color_table(primaries: str, transfer: str) -> str:
    """The name of the table for these colors, as ffmpeg calls them; "" where none is needed."""
    curve = {"arib-std-b67": "hlg", "smpte2084": "pq"}.get(transfer, "sdr")
    gamut = primaries if primaries in _TO_709 else "bt2020" if curve != "sdr" and primaries != "bt709" else "bt709"
    return "" if (gamut, curve) == ("bt709", "sdr") else f"{curve}_{gamut}.cube"


def color_table_of_picture(source: Path | bytes) -> str:
    """The name of the table for a PNG or AVIF picture that names its colors by code points (ITU-T H.273), or ""."""
    with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as file:
        head = file.read(_HEAD)
        avif = head.find(b"colrnclx")
        if head.startswith(_PNG):
            codes = _png_chunk(file, b"cICP")[:2]
        elif head[4:8] == b"ftyp" and avif > 0:
            codes = head[avif + 9 : avif + 12 : 2]
        else:
            return ""
    names = zip((_PRIMARIES, _TRANSFERS), codes, strict=False)
    return color_table(*(table.get(code, "") for table, code in names)) if len(codes) == 2 else ""


def _png_chunk(file: IO[bytes], wanted: bytes) -> bytes:
    """The beginning of a chunk of a PNG that comes before its pixels; empty if there is none."""
    file.seek(len(_PNG))
    for _ in range(_MAX_CHUNKS):
        length, name = int.from_bytes(file.read(4), "big"), file.read(4)
        if name == wanted:
            return file.read(min(length, 16))
        if name in (b"IDAT", b"IEND", b""):
            break
        file.seek(length + 4, 1)  # the checksum
    return b""


def convert_pixels(pixels: npt.NDArray[np.uint8], name: str) -> npt.NDArray[np.uint8]:
    """An image (H, W, 3) in sRGB; `name` is that of a table."""
    converted = np.empty_like(pixels)
    rows = max(1, _BLOCK // max(1, pixels.shape[1]))
    for start in range(0, len(pixels), rows):
        converted[start : start + rows] = np.rint(to_srgb(pixels[start : start + rows] / 255, name) * 255)
    return converted


def title_of(name: str) -> str:
    """What a table converts from, for the user."""
    curve, _, gamut = name.removesuffix(".cube").partition("_")
    names = {"bt2020": "BT.2020", "smpte432": "Display P3", "bt709": "BT.709"}
    return {"hlg": "HLG (HDR)", "pq": "PQ (HDR)"}.get(curve, names[gamut])


def write_color_table(folder: Path, name: str) -> None:
    """Write a table to `folder`, unless it is there, in the .cube format (Adobe, 2013)."""
    target = folder / name
    if target.exists():
        return
    axis = np.linspace(0, 1, _SIZE)
    blue, green, red = np.meshgrid(axis, axis, axis, indexing="ij")  # red changes fastest
    colors = to_srgb(np.stack([red, green, blue], axis=-1).reshape(-1, 3), name)
    lines = "\n".join(" ".join(f"{value:.5f}" for value in color) for color in colors.tolist())
    target.write_text(f"LUT_3D_SIZE {_SIZE}\n{lines}\n", "ascii")


def to_srgb(colors: _Colors, name: str) -> _Colors:
    """Encoded colors, 0 to 1, as sRGB ones; `name` is that of a table."""
    curve, _, gamut = name.removesuffix(".cube").partition("_")
    light = _LIGHT[curve](colors)
    if gamut in _TO_709:
        light = _into_gamut(light @ _TO_709[gamut].T)
    if curve != "sdr":
        light = _compress(light)
    light = np.clip(light, 0, 1)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 1e-9) ** (1 / 2.4) - 0.055)


def _from_hlg(colors: _Colors) -> _Colors:
    """The inverse OETF and the OOTF for a display of 1000 cd/m2 (BT.2100, table 5)."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(colors <= 0.5, colors**2 / 3, (np.exp((colors - c) / a) + b) / 12)
    luminance = np.maximum(scene @ _LUMA, 1e-9)[..., None]
    return scene * luminance**0.2 * (_PEAK / _REFERENCE_WHITE)


def _from_pq(colors: _Colors) -> _Colors:
    """The EOTF (BT.2100, table 4)."""
    m1, m2, c1, c2, c3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875
    power = colors ** (1 / m2)
    return (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1) * (10000 / _REFERENCE_WHITE)


def _from_sdr(colors: _Colors) -> _Colors:
    """As sRGB: clips with its primaries are shown without a change of their curve."""
    return np.where(colors <= 0.04045, colors / 12.92, ((colors + 0.055) / 1.055) ** 2.4)


_LIGHT: dict[str, Callable[[_Colors], _Colors]] = {"hlg": _from_hlg, "pq": _from_pq, "sdr": _from_sdr}


def _into_gamut(light: _Colors) -> _Colors:
    """Mix colors outside of the gamut, whose smallest channel is negative, with gray of their luminance."""
    luminance = np.maximum(light @ np.array([0.2126, 0.7152, 0.0722]), 0)[..., None]
    lowest = light.min(axis=-1, keepdims=True)
    share = np.where(lowest < 0, luminance / np.maximum(luminance - lowest, 1e-9), 1.0)
    return np.maximum(luminance + share * (light - luminance), 0)


def _compress(light: _Colors) -> _Colors:
    """Bring light up to the peak below 1, with the hue kept: all channels are scaled by what their largest one needs.

    The curve is straight up to the knee, and continues from there with the same slope.
    """
    peak = _PEAK / _REFERENCE_WHITE
    largest = np.maximum(light.max(axis=-1, keepdims=True), 1e-9)
    excess, room = np.maximum(largest - _KNEE, 0), 1 - _KNEE
    most = peak - _KNEE
    # A hyperbola x / (1 + x (1/room - 1/most)), which maps 0 to most onto 0 to room.
    rolled = _KNEE + excess / (1 + excess * (1 / room - 1 / most))
    return light * np.where(largest > _KNEE, np.minimum(rolled, 1.0) / largest, 1.0)
