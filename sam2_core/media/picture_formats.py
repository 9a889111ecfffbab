"""Well-known picture formats that cannot be read, recognized by their content."""

from __future__ import annotations

from pathlib import Path

from sam2_core.media.tiff_pages import is_tiff, read_tiff
from sam2_core.paths import install_command

_HEAD = 4096
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
_AVIF_BRANDS = {b"avif", b"avis"}
_RAW_HEADS = (b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FOVb", b"\0MRM")
_RAW_SUFFIXES = {".cr2", ".cr3", ".nef", ".nrw", ".arw", ".srf", ".sr2", ".dng", ".pef", ".orf", ".rw2", ".raf", ".srw"}
_RAW = "This is a camera's RAW file, which cannot be read here. Export it as JPEG or as a 16-bit TIFF first."
_HEADS = {  # where, what: the format, and what to do instead
    (0, b"8BPS"): ("Photoshop files (PSD)", "Save the picture as PNG or TIFF first."),
    (0, b"%PDF"): ("PDF files", "Save the page as a PNG picture first."),
    (0, b"%!PS"): ("PostScript files (EPS)", "Save the picture as PNG first."),
    (0, b"\xc5\xd0\xd3\xc6"): ("PostScript files (EPS)", "Save the picture as PNG first."),
    (0, b"v/1\x01"): ("OpenEXR pictures", "Save the picture as a floating-point or 16-bit TIFF first."),
    (0, b"#?RADIANCE"): ("Radiance HDR pictures", "Save the picture as a floating-point TIFF first."),
    (0, b"#?RGBE"): ("Radiance HDR pictures", "Save the picture as a floating-point TIFF first."),
    (0, b"\xff\x0a"): ("JPEG XL pictures", "Save the picture as JPEG or PNG first."),
    (4, b"JXL "): ("JPEG XL pictures", "Save the picture as JPEG or PNG first."),
    (128, b"DICM"): ("DICOM files", "Export the pictures as TIFF or PNG first."),
    (0, b"gimp xcf"): ("GIMP files (XCF)", "Export the picture as PNG or TIFF first."),
    (0, b"SIMPLE  ="): ("FITS pictures", "Save the picture as a floating-point TIFF first."),
    (0, b"\x89HDF"): ("HDF5 files", "Save the pictures as a TIFF first."),
    (0, b"\0\0\x01\0"): ("Icons (ICO)", "Save the picture as PNG first."),
    (0, b"DDS "): ("DDS textures", "Save the picture as PNG first."),
    (0, b"qoif"): ("QOI pictures", "Save the picture as PNG first."),
    (0, b"AT&TFORM"): ("DjVu files", "Save the page as a PNG picture first."),
    (0, b"II\xbc\x01"): ("JPEG XR pictures", "Save the picture as JPEG or TIFF first."),
}


def read_head(source: Path | bytes) -> bytes:
    """The beginning of a file, by which formats are told apart."""
    if isinstance(source, bytes):
        return source[:_HEAD]
    with source.open("rb") as file:
        return file.read(_HEAD)


def unreadable_picture(source: Path | bytes, head: bytes, name: str, has_heif: bool, has_avif: bool) -> str:
    """A message for a picture of a format that cannot be read; else "". `name` is the user's name of the file."""
    for (start, magic), (title, way_out) in _HEADS.items():
        if head[start : start + len(magic)] == magic:
            return f"{title} cannot be read here. {way_out}"
    if _is_svg(head):
        return "SVG drawings cannot be read here. Save the drawing as a PNG picture first."
    if _is_raw(source, head, name):
        return _RAW
    brands = _brands(head)
    if brands & _AVIF_BRANDS:
        return "" if has_avif else "AVIF pictures need a newer Pillow here. Save the picture as JPEG or PNG first."
    if brands & _HEIF_BRANDS and not has_heif:
        return (
            "HEIC pictures cannot be read here. Save the picture as JPEG first, "
            f"or install pillow-heif (`{install_command('heic')}`) where Masklet runs."
        )
    return ""


def is_picture_head(head: bytes) -> bool:
    """Whether a file begins as a JPEG, PNG or WebP picture."""
    return head.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")) or (head[:4], head[8:12]) == (b"RIFF", b"WEBP")


def is_heif(head: bytes) -> bool:
    """Whether a file begins as a HEIC or AVIF picture, whose container clips use, too."""
    return bool(_brands(head) & (_HEIF_BRANDS | _AVIF_BRANDS))


def _brands(head: bytes) -> set[bytes]:
    """The brands that a file of ISO's media container names, if the first one is no clip's."""
    if head[4:8] != b"ftyp":
        return set()
    end = min(int.from_bytes(head[:4], "big"), len(head))
    brands = {head[8:12], *(head[start : start + 4] for start in range(16, end - 3, 4))}
    return brands if head[8:12] in _HEIF_BRANDS | _AVIF_BRANDS else set()


def _is_svg(head: bytes) -> bool:
    text = head[:1024].lstrip(b"\xef\xbb\xbf \t\r\n")
    return text.startswith(b"<svg") or (text.startswith((b"<?xml", b"<!")) and b"<svg" in head)


def _is_raw(source: Path | bytes, head: bytes, name: str) -> bool:
    if head.startswith(_RAW_HEADS) or (head[8:10] == b"CR" and is_tiff(head)) or head[4:12] == b"ftypcrx ":
        return True
    return is_tiff(head) and (Path(name).suffix.lower() in _RAW_SUFFIXES or read_tiff(source, 1).is_raw)
