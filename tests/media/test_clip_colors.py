"""HDR and wide-gamut clips, and clips with an alpha channel, look as a player shows them, in every frame and export."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from sam2_core.media import ingest, open_store
from sam2_core.media.color_table import color_table, convert_pixels, to_srgb
from sam2_core.media.source_frames import iterate_source_frames
from tests.media.numbered import ffmpeg

COLORS = [(63, 63, 63), (128, 128, 128), (191, 191, 191), (200, 30, 30), (40, 160, 60), (30, 60, 200)]
TO_2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])
TO_P3 = np.array([[0.8225, 0.1774, 0.0], [0.0332, 0.9669, 0.0], [0.0171, 0.0724, 0.9108]])


def linear(colors: npt.ArrayLike) -> npt.NDArray[np.float64]:
    values = np.asarray(colors, np.float64) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def encode_pq(light: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    power = (light * 203 / 10000) ** 0.1593017578125
    return ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375


def encode_hlg(light: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    display = light * 203 / 1000
    luminance = np.maximum(display @ np.array([0.2627, 0.6780, 0.0593]), 1e-9)[..., None]
    scene = display * luminance ** (1 / 1.2 - 1)
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), a * np.log(np.maximum(12 * scene - b, 1e-9)) + c)


def encode_srgb(light: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 1e-9) ** (1 / 2.4) - 0.055)


KINDS = {
    "hlg": (encode_hlg, TO_2020, "bt2020", "arib-std-b67", "HLG"),
    "pq": (encode_pq, TO_2020, "bt2020", "smpte2084", "PQ"),
    "bt2020": (encode_srgb, TO_2020, "bt2020", "bt2020-10", "BT.2020"),
    "p3": (encode_srgb, TO_P3, "smpte432", "bt709", "P3"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_colors_become_those_of_srgb(kind: str, tmp_path: Path) -> None:
    encode, matrix, primaries, transfer, title = KINDS[kind]
    image = np.repeat(np.repeat(np.array([COLORS]), 32, 0), 32, 1)
    coded = np.rint(np.clip(encode(linear(image) @ matrix.T), 0, 1) * 65535).astype("<u2")
    space = "bt2020nc" if primaries == "bt2020" else "bt709"
    raw = ("-f", "rawvideo", "-pix_fmt", "rgb48le", "-s", f"{32 * len(COLORS)}x32", "-r", "10", "-i", "pipe:0")
    tags = f"setparams=color_primaries={primaries}:color_trc={transfer}:colorspace={space}:range=tv"
    filters = f"scale=out_color_matrix={space}:out_range=tv,format=yuv420p10le,{tags}"
    named = ("-color_primaries", primaries, "-color_trc", transfer, "-colorspace", space)
    codec = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "2", *named)
    ffmpeg(*raw, "-vf", filters, *codec, tmp_path / "a.mov", feed=coded.tobytes() * 3)
    info = ingest(tmp_path / "a.mov", tmp_path / "store")
    assert title in info.warnings[0]
    with open_store(tmp_path / "store") as store:
        frames = [store.frame(1), next(iter(iterate_source_frames(store, range(1, 2))))]
    for frame in frames:
        np.testing.assert_allclose(frame[16, 16::32].astype(int), COLORS, atol=9)


def test_white_is_white_and_highlights_keep_their_order() -> None:
    gray = np.linspace(0, 1, 200)[:, None].repeat(3, axis=1)
    for table in ("hlg_bt2020.cube", "pq_bt2020.cube", "sdr_bt2020.cube"):
        shades = to_srgb(gray, table)
        np.testing.assert_allclose(shades[:, 0], shades[:, 2], atol=1e-3)
        assert (np.diff(shades[:, 0]) >= -1e-9).all()
        assert shades[0, 0] == pytest.approx(0, abs=1e-6)
        assert shades[-1, 0] == pytest.approx(1, abs=1e-3)


def test_ordinary_clips_need_no_table() -> None:
    assert color_table("bt709", "bt709") == color_table("smpte170m", "smpte170m") == color_table("", "") == ""


@pytest.mark.parametrize("transfer", [16, 18])
def test_hdr_pictures_are_converted_too(transfer: int, tmp_path: Path) -> None:
    encode = encode_pq if transfer == 16 else encode_hlg
    image = np.repeat(np.repeat(np.array([COLORS]), 8, 0), 8, 1)
    coded = np.rint(np.clip(encode(linear(image) @ TO_2020.T), 0, 1) * 255).astype(np.uint8)
    Image.fromarray(coded).save(tmp_path / "a.png")
    content = (tmp_path / "a.png").read_bytes()
    chunk = b"cICP" + bytes((9, transfer, 0, 1))
    place = content.index(b"IDAT") - 4
    added = struct.pack(">I", 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    (tmp_path / "a.png").write_bytes(content[:place] + added + content[place:])
    info = ingest(tmp_path / "a.png", tmp_path / "store")
    assert "HDR" in info.warnings[0]
    with open_store(tmp_path / "store") as store:
        [frame] = iterate_source_frames(store, range(1))
    np.testing.assert_allclose(frame[4, 4::8].astype(int), COLORS, atol=7)
    name = color_table("bt2020", "smpte2084" if transfer == 16 else "arib-std-b67")
    np.testing.assert_array_equal(frame, convert_pixels(coded, name))


ALPHA = {
    "vp9.webm": ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-pix_fmt", "yuva420p"),
    "vp8.webm": ("-c:v", "libvpx", "-pix_fmt", "yuva420p", "-auto-alt-ref", "0"),
    "prores.mov": ("-c:v", "prores_ks", "-profile:v", "4444", "-pix_fmt", "yuva444p10le"),
    "animation.mov": ("-c:v", "qtrle"),
    "png.mov": ("-c:v", "png"),
    "ffv1.mkv": ("-c:v", "ffv1", "-pix_fmt", "yuva420p"),
    "raw.avi": ("-c:v", "rawvideo", "-pix_fmt", "bgra"),
}
RAW = ("-f", "rawvideo", "-pix_fmt", "rgba", "-s", "96x64", "-r", "10", "-i", "pipe:0")


@pytest.mark.parametrize("name", ALPHA)
def test_transparent_clips_are_laid_over_white(name: str, tmp_path: Path) -> None:
    pixels = np.full((64, 96, 4), (200, 40, 60, 255), np.uint8)
    pixels[:, 32:64, 3], pixels[:, 64:, 3] = 128, 0
    ffmpeg(*RAW, *ALPHA[name], tmp_path / name, feed=pixels.tobytes() * 3)
    info = ingest(tmp_path / name, tmp_path / "store")
    assert info.warnings == ()
    with open_store(tmp_path / "store") as store:
        for frame in (store.frame(1), next(iter(iterate_source_frames(store, range(1, 2))))):
            colors = frame[32, 16::32].astype(int)
            np.testing.assert_allclose(colors, [(200, 40, 60), (227, 147, 157), (255, 255, 255)], atol=6)


def test_an_alpha_channel_that_nobody_filled_hides_nothing(tmp_path: Path) -> None:
    pixels = np.full((64, 96, 4), (200, 40, 60, 0), np.uint8)
    ffmpeg(*RAW, *ALPHA["raw.avi"], tmp_path / "a.avi", feed=pixels.tobytes() * 3)
    ingest(tmp_path / "a.avi", tmp_path / "store")
    with open_store(tmp_path / "store") as store:
        np.testing.assert_allclose(store.frame(0)[32, 32].astype(int), (200, 40, 60), atol=5)


def test_without_libvpx_transparency_is_ignored_with_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = np.full((64, 96, 4), (200, 40, 60, 255), np.uint8)
    ffmpeg(*RAW, *ALPHA["vp9.webm"], tmp_path / "a.webm", feed=pixels.tobytes() * 3)
    monkeypatch.setattr("sam2_core.media.probe._ALPHA_DECODERS", {"vp9": "no-such-decoder"})
    info = ingest(tmp_path / "a.webm", tmp_path / "store")
    assert info.frames == 3
    assert "libvpx" in info.warnings[0]
