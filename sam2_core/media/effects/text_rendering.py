"""Large text, as wide and as high as the picture allows."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from sam2_core.errors import BadPrompt
from sam2_core.media.effects.scaled_masks import Area, Plane, Size

Font: TypeAlias = ImageFont.FreeTypeFont

# Pillow's own font knows no letters beyond ASCII. Where it lacks some, the first of these that is there and has them
# all is taken: what Linux, macOS and Windows usually have.
_SYSTEM_FONTS = (
    "DejaVuSans-Bold.ttf", "LiberationSans-Bold.ttf", "NotoSans-Bold.ttf", "Arial Bold.ttf", "arialbd.ttf",
    "Arial Unicode.ttf", "NotoSansCJK-Bold.ttc", "msyhbd.ttc", "YuGothB.ttc", "malgunbd.ttf", "PingFang.ttc",
)  # fmt: skip
_PLAIN = str.maketrans({"ß": "ss", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L",
                        "’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "..."})  # fmt: skip
_PROBE = 100  # pixels; lengths grow with the font's size
_WIDE, _HIGH = 0.92, 0.9  # of the picture, at most
_LINE = 1.08  # distance of lines, of the font's size
_MOST_LINES = 6
_WEIGHT = 0.022  # of the font's size: how much Pillow's own font, which is a regular one, is emboldened on each side


@dataclass(frozen=True, slots=True)
class Typeface:
    """A font that has all letters of a text, and the text as it can be written with it."""

    name: str
    text: str

    def of_size(self, size: float) -> Font:
        """The font, `size` pixels high."""
        return _load(self.name, max(1.0, size))

    @property
    def weight(self) -> float:
        """How much is added to each side of a stroke, of the font's size."""
        return 0.0 if self.name else _WEIGHT


def typeface_for(text: str) -> Typeface:
    """Raises `BadPrompt` where no font has the letters."""
    text = " ".join(text.split())
    for name in ("", *_SYSTEM_FONTS):
        if _has_all(name, text):
            return Typeface(name, text)
    simple = unicodedata.normalize("NFKD", text.translate(_PLAIN))
    simple = "".join(letter for letter in simple if not unicodedata.combining(letter))
    if _has_all("", simple):
        return Typeface("", simple)
    raise BadPrompt(f"No font on this server has all letters of “{text}”. Write it in Latin letters.")


def lettering(face: Typeface, size: Size, wished: float, middle: float) -> tuple[Plane, Area] | None:
    """The text as coverage (0 to 255) of an area of a picture of this size; None where there is nothing to be seen.

    The letters are `wished` pixels high, or less if they must be; long texts take several lines. `middle` (0..1) is the
    height of the text's middle, as far as it then still fits.
    """
    fits = [_fitting(face, lines, size, wished) for lines in _ways_to_break(face)]
    if not fits:
        return None
    font_size, lines = max(fits, key=lambda each: each[0])
    image = _drawn(face.of_size(font_size), lines, font_size, face.weight * font_size)
    box = image.getbbox()
    if box is None:
        return None
    letters = _shrunk(np.asarray(image.crop(box)), size)
    (height, width), (high, wide) = size, letters.shape
    left, top = (width - wide) // 2, round(min(max(0.0, middle * height - high / 2), height - high))
    return letters, Area(left, top, left + wide, top + high)


def _shrunk(letters: Plane, size: Size) -> Plane:
    """Small letters are wider than large ones in proportion, so that lines may still be too long."""
    scale = min(1.0, size[0] / letters.shape[0], _WIDE * size[1] / letters.shape[1])
    if scale == 1:
        return letters
    high, wide = (max(1, int(side * scale)) for side in letters.shape)
    return np.asarray(cv2.resize(letters, (wide, high), interpolation=cv2.INTER_AREA), np.uint8)


def _load(name: str, size: float) -> Font:
    return ImageFont.truetype(name, size) if name else _own_font(size)


def _own_font(size: float) -> Font:
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise BadPrompt("Text needs Pillow with FreeType. Install Pillow from a wheel.")
    return font


def _has_all(name: str, text: str) -> bool:
    """Whether none of the letters is drawn as what stands for all that the font lacks."""
    try:
        font = _load(name, 20)
    except OSError:
        return False
    missing = bytes(font.getmask("\U0010ffff"))
    return all(bytes(font.getmask(letter)) != missing for letter in set(text) if not letter.isspace())


def _ways_to_break(face: Typeface) -> list[list[str]]:
    words = face.text.split()
    return [_broken(face, words, count) for count in range(1, min(_MOST_LINES, len(words)) + 1)]


def _broken(face: Typeface, words: list[str], count: int) -> list[str]:
    """Break the words into about so many lines of about the same length."""
    font = face.of_size(_PROBE)
    aim = font.getlength(" ".join(words)) / count
    lines = [words[0]]
    for word in words[1:]:
        longer = f"{lines[-1]} {word}"
        is_nearer = font.getlength(longer) - aim <= aim - font.getlength(lines[-1])
        lines[-1:] = [longer] if is_nearer or len(lines) == count else [lines[-1], word]
    return lines


def _fitting(face: Typeface, lines: list[str], size: Size, wished: float) -> tuple[float, list[str]]:
    """The font size at which the lines fit."""
    font = face.of_size(_PROBE)
    longest = max(font.getlength(line) for line in lines) / _PROBE + 2 * face.weight
    return min(wished, _WIDE * size[1] / longest, _HIGH * size[0] / (len(lines) * _LINE)), lines


def _drawn(font: Font, lines: list[str], font_size: float, weight: float) -> Image.Image:
    """White on black, with room around."""
    pad = round(font_size)
    width = round(max(font.getlength(line) for line in lines)) + 2 * pad
    image = Image.new("L", (width, round(font_size * _LINE * len(lines)) + 2 * pad))
    pen = ImageDraw.Draw(image)
    for number, line in enumerate(lines):
        middle = pad + font_size * _LINE * (number + 0.5)
        pen.text((width / 2, middle), line, 255, font, anchor="mm", stroke_width=weight)
    return image
