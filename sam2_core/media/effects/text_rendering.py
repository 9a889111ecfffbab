"""Large text, as wide and as high as the image allows."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from sam2_core.errors import BadPrompt
from sam2_core.media.effects.scaled_masks import Area, Size
from sam2_core.media.info import GrayImage

Font: TypeAlias = ImageFont.FreeTypeFont

# Pillow's built-in font has only ASCII letters. For other texts the first installed font with all letters is used, of
# those that are common on Linux, macOS and Windows.
_SYSTEM_FONTS = (
    "DejaVuSans-Bold.ttf", "LiberationSans-Bold.ttf", "NotoSans-Bold.ttf", "Arial Bold.ttf", "arialbd.ttf",
    "Arial Unicode.ttf", "NotoSansCJK-Bold.ttc", "msyhbd.ttc", "YuGothB.ttc", "malgunbd.ttf", "PingFang.ttc",
)  # fmt: skip
_ASCII = str.maketrans({"ß": "ss", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L",
                        "’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "..."})  # fmt: skip
_MEASURE_SIZE = 100  # pixels; lengths are proportional to the font size
_MAX_WIDTH, _MAX_HEIGHT = 0.92, 0.9  # of the image
_LINE_HEIGHT = 1.08  # of the font size
_MAX_LINES = 6
_WEIGHT = 0.022  # of the font size: the stroke that emboldens Pillow's built-in font


@dataclass(frozen=True, slots=True)
class Typeface:
    """A font ("": Pillow's built-in one) and the text as it can be written with it."""

    name: str
    text: str

    def of_size(self, size: float) -> Font:
        """The font, `size` pixels high."""
        return _load(self.name, max(1.0, size))

    @property
    def weight(self) -> float:
        """The stroke that is added to each side, as a fraction of the font size."""
        return 0.0 if self.name else _WEIGHT


def find_typeface(text: str) -> Typeface:
    """A font with all letters of a text, or of its transliteration. Raises `BadPrompt` if there is none."""
    text = " ".join(text.split())
    for name in ("", *_SYSTEM_FONTS):
        if _has_all(name, text):
            return Typeface(name, text)
    simple = unicodedata.normalize("NFKD", text.translate(_ASCII))
    simple = "".join(letter for letter in simple if not unicodedata.combining(letter))
    if _has_all("", simple):
        return Typeface("", simple)
    raise BadPrompt(f"No font on this server has all letters of “{text}”. Write it in Latin letters.")


def render_text(face: Typeface, size: Size, text_height: float, center: float) -> tuple[GrayImage, Area] | None:
    """The text as coverage (0 to 255) of an area of an image of this size; None if nothing is visible.

    The letters are up to `text_height` pixels high; long texts take several lines. `center` (0..1) is the vertical
    position of the text's center, as far as it then fits.
    """
    words = face.text.split()
    broken = [_break_lines(face, words, count) for count in range(1, min(_MAX_LINES, len(words)) + 1)]
    if not broken:
        return None
    font_size, lines = max(
        ((_font_size(face, each, size, text_height), each) for each in broken), key=lambda fit: fit[0]
    )
    image = _draw(face.of_size(font_size), lines, font_size, face.weight * font_size)
    box = image.getbbox()
    if box is None:
        return None
    letters = _fit_width(np.asarray(image.crop(box)), size)
    (height, width), (letters_height, letters_width) = size, letters.shape
    left = (width - letters_width) // 2
    top = round(min(max(0.0, center * height - letters_height / 2), height - letters_height))
    return letters, Area(left, top, left + letters_width, top + letters_height)


def _fit_width(letters: GrayImage, size: Size) -> GrayImage:
    """Scale down lines that are still too long, as small letters are relatively wider than large ones."""
    scale = min(1.0, size[0] / letters.shape[0], _MAX_WIDTH * size[1] / letters.shape[1])
    if scale == 1:
        return letters
    height, width = (max(1, int(side * scale)) for side in letters.shape)
    return np.asarray(cv2.resize(letters, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _load(name: str, size: float) -> Font:
    font = ImageFont.truetype(name, size) if name else ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise BadPrompt("Text needs Pillow with FreeType. Install Pillow from a wheel.")
    return font


def _has_all(name: str, text: str) -> bool:
    """Whether no letter is drawn as the placeholder of missing ones."""
    try:
        font = _load(name, 20)
    except OSError:
        return False
    missing = bytes(font.getmask("\U0010ffff"))
    return all(bytes(font.getmask(letter)) != missing for letter in set(text) if not letter.isspace())


def _break_lines(face: Typeface, words: list[str], count: int) -> list[str]:
    """Break the words into about this number of lines of similar length."""
    font = face.of_size(_MEASURE_SIZE)
    target = font.getlength(" ".join(words)) / count
    lines = [words[0]]
    for word in words[1:]:
        longer = f"{lines[-1]} {word}"
        is_nearer = font.getlength(longer) - target <= target - font.getlength(lines[-1])
        lines[-1:] = [longer] if is_nearer or len(lines) == count else [lines[-1], word]
    return lines


def _font_size(face: Typeface, lines: list[str], size: Size, text_height: float) -> float:
    """The font size at which the lines fit."""
    font = face.of_size(_MEASURE_SIZE)
    longest = max(font.getlength(line) for line in lines) / _MEASURE_SIZE + 2 * face.weight
    return min(text_height, _MAX_WIDTH * size[1] / longest, _MAX_HEIGHT * size[0] / (len(lines) * _LINE_HEIGHT))


def _draw(font: Font, lines: list[str], font_size: float, weight: float) -> Image.Image:
    """White on black, with padding."""
    padding = round(font_size)
    width = round(max(font.getlength(line) for line in lines)) + 2 * padding
    image = Image.new("L", (width, round(font_size * _LINE_HEIGHT * len(lines)) + 2 * padding))
    draw = ImageDraw.Draw(image)
    for number, line in enumerate(lines):
        center = padding + font_size * _LINE_HEIGHT * (number + 0.5)
        draw.text((width / 2, center), line, 255, font, anchor="mm", stroke_width=weight)
    return image
