"""Elements of untrusted XML: no document type, no entities, bounded depth."""

from __future__ import annotations

import codecs
import math
import re
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from sam2_core.errors import MediaError

MAX_DEPTH = 50
_DECLARED = re.compile(rb"""\s*<\?xml[^>]{0,100}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_OLDER = re.compile(r"gb|big5|shift_jis|euc_|cp[0-9]|iso8859|iso2022|koi8|mac")  # encodings by Python's names
_DOCTYPE = "XML files with a document type (<!DOCTYPE …>) are not read. Save the file without it."


def is_xml(content: bytes) -> bool:
    """Whether a file begins like XML."""
    head = content[:200].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    return head.startswith(b"<") and head[1:2].isascii() and (head[1:2].isalpha() or head[1:2] in (b"?", b"!"))


def declared_encoding(data: bytes) -> str:
    """The older encoding that a file declares, such as GBK; "" for Unicode and others."""
    declared = _DECLARED.match(data)
    try:
        name = codecs.lookup(declared[1].decode("ascii")).name if declared else ""
    except LookupError:
        return ""
    return name if _OLDER.match(name) else ""


def parse_xml(text: str) -> Element:
    """Parse XML; raises `MediaError` for anything else, and for a document type, which could define entities."""
    tree = _BoundedBuilder()
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = tree.start, tree.end
    parser.CharacterDataHandler = tree.data
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        parser.Parse(text.encode("utf-8", "replace"), True)
        return tree.close()
    except (expat.ExpatError, ValueError, AssertionError) as error:
        raise MediaError("The file is damaged or cut off: it is no XML. Export it again.") from error


def number_of(element: Element, *names: str, default: float = math.nan) -> float:
    """The first of these attributes, or of the texts of these children, as a number; `default` if there is none.

    Raises `MediaError` for text that is no finite number.
    """
    for name in names:
        text = element.get(name) or element.findtext(name) or ""
        if text.strip():
            return parse_number(text)
    return default


def parse_number(text: str) -> float:
    """Parse a finite number; raises `MediaError` for anything else."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise MediaError("Some of their coordinates are no numbers.")
    return number


def text_in(element: Element, *names: str) -> str:
    """The first of these attributes, or of the texts of these children; "" if there is none."""
    texts = ((element.get(name) or element.findtext(name) or "").strip() for name in names)
    return next(filter(None, texts), "")


def whole_in(element: Element, *names: str) -> int | None:
    """The first of these as an integer from 0 on."""
    text = text_in(element, *names).removesuffix(".0")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


class _BoundedBuilder:
    """Builds the tree of elements; raises `MediaError` beyond `MAX_DEPTH`."""

    def __init__(self) -> None:
        self._tree = TreeBuilder()
        self._depth = 0
        self.data, self.close = self._tree.data, self._tree.close

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise MediaError("The elements of this XML file are nested too deeply. Export it again.")
        self._tree.start(tag, attributes)

    def end(self, tag: str) -> None:
        self._depth -= 1
        self._tree.end(tag)


def _refuse_doctype(*_: object) -> None:
    raise MediaError(_DOCTYPE)
