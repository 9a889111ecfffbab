"""Options become export options: which formats, which effects, which files; and --out becomes a place for them."""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import dataclass
from pathlib import Path

from sam2_core.errors import BadPrompt, ConfigError
from sam2_core.media import (
    EXPORT_FORMATS,
    OVERLAY,
    PRESETS,
    EffectStack,
    ExportOptions,
)
from sam2_core.media.export import extension_of
from sam2_core.media.image_files import read_image
from sam2_core.media.info import RgbArray
from sam2_core.media.limits import DEFAULT_LIMITS

MAX_LOOK_BYTES = 1_000_000
_SUFFIX_ALIASES = {"jpeg": "jpg", "tiff": "tif"}
_SUFFIX_DEFAULTS = {"json": "coco"}  # the format that a suffix means where several formats share it


@dataclass(frozen=True, slots=True)
class Output:
    """Where --out puts what is written: a folder, one file, or stdout (path `-`)."""

    path: Path = Path()
    is_file: bool = False
    is_stdout: bool = False

    @property
    def suffix(self) -> str:
        """The suffix of the file without its dot; "" for a folder or stdout."""
        suffix = self.path.suffix[1:].lower() if self.is_file else ""
        return _SUFFIX_ALIASES.get(suffix, suffix)


def read_output(text: str) -> Output:
    """The value of --out: `-` is stdout; a name with a suffix is a file unless it is an existing folder or ends in a
    slash; all else is a folder."""
    if text == "-":
        return Output(Path(text), is_stdout=True)
    path = Path(text).expanduser()
    if text.endswith(("/", os.sep)) or path.is_dir() or path.suffix[1:].isdigit():
        return Output(path)
    return Output(path, is_file=len(path.suffix) > 1)


def export_options(options: argparse.Namespace, look: EffectStack | None = None) -> ExportOptions:
    """The options of an export without its format; `look` is the default of --look.

    Raises `ConfigError` and `BadPrompt`.
    """
    return ExportOptions(
        format="",
        effects=(look or OVERLAY) if options.look is None else read_look(options.look),
        polygons=options.polygons,
        include_images=options.pictures,
        side_by_side=options.side_by_side,
        cropped=options.cropped,
        max_side=options.largest_side,
        backdrops=dict(_read_backdrop(text) for text in options.backdrop),
    )


def read_look(text: str) -> EffectStack:
    """A preset by its name, or a JSON file. Raises `BadPrompt`."""
    presets = {name.casefold(): look for name, look in PRESETS.items()}
    if text.casefold() in presets:
        return presets[text.casefold()]
    file = Path(text)
    if not file.is_file() or file.stat().st_size > MAX_LOOK_BYTES:
        raise BadPrompt(f"There is no look {text!r}. Give a JSON file, or one of {', '.join(PRESETS)}.")
    try:
        return EffectStack.from_json(json.loads(file.read_bytes()))
    except (BadPrompt, ValueError, RecursionError) as error:
        raise BadPrompt(f"The look in {file} cannot be read: {error}") from error


def _read_backdrop(text: str) -> tuple[str, RgbArray]:
    name, sign, file = text.partition("=")
    if not (name and sign and Path(file).is_file()):
        raise ConfigError(f"--backdrop reads NAME=FILE, with a picture that is there; not {text!r}.")
    return name, read_image(Path(file), DEFAULT_LIMITS)


def named_formats(options: argparse.Namespace) -> tuple[str, ...]:
    """The formats that --export names. Raises `ConfigError` for one that does not exist."""
    names = tuple(dict.fromkeys(name.strip() for name in options.export.split(",") if name.strip()))
    unknown = [name for name in names if name not in EXPORT_FORMATS]
    if unknown:
        raise ConfigError(f"There is no kind {', '.join(unknown)}. Choose of {', '.join(EXPORT_FORMATS)}.")
    return names


def selected_formats(options: argparse.Namespace, media: str) -> tuple[str, ...]:
    """The formats to write of an image, clip or album: from --export, the suffix of --out, or the defaults.

    Raises `ConfigError` where the suffix is unknown or ambiguous, and `MediaError` for a format that such media do not
    have.
    """
    names = named_formats(options)
    if not names and options.out.is_file:
        return (_format_of(options.out.suffix, media),)
    for name in names:
        extension_of(name, media)
    if not names and not options.default_formats:
        raise ConfigError("Say what to write: with --export KIND,… or as a file for --out. `masklet kinds` lists them.")
    return names or tuple(options.default_formats)


def file_suffixes(format: str, media: str) -> tuple[str, ...]:
    """The suffixes of a file that is named itself, the usual one first: of an image, some formats are a picture, too.

    Raises `MediaError` for a format that such media do not have.
    """
    usual = extension_of(format, media)
    pictures = EXPORT_FORMATS[format].picture_extensions if media == "image" else ()
    return (*pictures, usual)


def _format_of(suffix: str, media: str) -> str:
    names = [name for name, kind in EXPORT_FORMATS.items() if kind.extensions.get(media) == suffix]
    if not names:
        source = {"image": "a picture", "clip": "a clip", "album": "an album"}[media]
        pictures = [
            name for name in EXPORT_FORMATS if media == "image" and suffix in EXPORT_FORMATS[name].picture_extensions
        ]
        raise ConfigError(
            f"No kind of file made of {source} ends in .{suffix}. `masklet kinds` lists them"
            + (f"; a plain mask can, with --export {' or '.join(pictures)}" if pictures else "")
            + ". If a folder is meant, end its name in a slash."
        )
    default = _SUFFIX_DEFAULTS.get(suffix, suffix)
    if default in names:
        return default
    if len(names) > 1:
        raise ConfigError(f"Several kinds of files end in .{suffix}: choose with --export {', '.join(names)}.")
    return names[0]
