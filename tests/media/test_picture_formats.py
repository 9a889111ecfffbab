"""Pictures of well-known formats that cannot be read are named, with a way out; RAW files are no thumbnails."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, TiffImagePlugin

from sam2_core.errors import MediaError
from sam2_core.media import ingest, ingest_album

PAD = bytes(200)
NAMED: dict[str, tuple[bytes, str]] = {
    "a.psd": (b"8BPS\0\1" + PAD, "PSD"),
    "a.pdf": (b"%PDF-1.7\n" + PAD, "PDF"),
    "a.eps": (b"%!PS-Adobe-3.0" + PAD, "EPS"),
    "a.svg": (b'<?xml version="1.0"?>\n<!-- drawn --><svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
    "a.exr": (b"v/1\x01" + PAD, "OpenEXR"),
    "a.hdr": (b"#?RADIANCE\n" + PAD, "Radiance"),
    "a.jxl": (b"\xff\x0a" + PAD, "JPEG XL"),
    "b.jxl": (b"\0\0\0\x0cJXL \r\n\x87\n" + PAD, "JPEG XL"),
    "a.dcm": (bytes(128) + b"DICM" + PAD, "DICOM"),
    "a.cr2": (b"II*\0\x10\0\0\0CR\x02\0" + PAD, "RAW"),
    "a.cr3": (b"\0\0\0\x18ftypcrx " + PAD, "RAW"),
    "a.raf": (b"FUJIFILMCCD-RAW 0201" + PAD, "RAW"),
    "a.orf": (b"IIRO\x08\0\0\0" + PAD, "RAW"),
    "a.rw2": (b"IIU\0" + PAD, "RAW"),
    "a.heic": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + PAD, "HEIC"),
    "b.heic": (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic" + PAD, "HEIC"),
    "c.heic": (b"\0\0\0\x18ftyphevc\0\0\0\0msf1hevc" + PAD, "HEIC"),
    "a.avif": (b"\0\0\0\x18ftypavif\0\0\0\0mif1avif" + PAD, "damaged or cut off"),
    "b.avif": (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif" + PAD, "damaged or cut off"),
}


@pytest.mark.parametrize("name", NAMED)
def test_the_format_is_named(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content, title = NAMED[name]
    Image.init()
    monkeypatch.delitem(Image.OPEN, "HEIF", raising=False)  # as without the extra
    (tmp_path / "wrong.jpg").write_bytes(content)
    with pytest.raises(MediaError, match=title) as refused:
        ingest(tmp_path / "wrong.jpg", tmp_path / "store")
    assert any(way in str(refused.value) for way in ("Save", "Export", "save it as"))


def test_an_album_tells_of_each_file(tmp_path: Path) -> None:
    Image.new("RGB", (20, 10)).save(tmp_path / "a.png")
    (tmp_path / "b.psd").write_bytes(NAMED["a.psd"][0])
    info, [skipped] = ingest_album([tmp_path / "a.png", tmp_path / "b.psd"], tmp_path / "store")
    assert info.frames == 1
    assert "PSD" in skipped.reason


def test_the_preview_of_a_raw_file_is_not_taken_for_the_picture(tmp_path: Path) -> None:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[50706] = b"\1\4\0\0"
    Image.new("RGB", (32, 24)).save(tmp_path / "a.tif", tiffinfo=tags)  # DNG
    Image.new("RGB", (32, 24)).save(tmp_path / "b.nef", "TIFF")
    for name in ("a.tif", "b.nef"):
        with pytest.raises(MediaError, match="RAW file"):
            ingest(tmp_path / name, tmp_path / "store")
