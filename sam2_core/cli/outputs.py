"""Options become orders: which kinds of files, how they look, and where they go."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from sam2_core.errors import BadPrompt, ConfigError
from sam2_core.media import KINDS, OVERLAY, PRESETS, Look, Material, Order, Progress, write
from sam2_core.media.export import ending_of
from sam2_core.media.info import RgbArray
from sam2_core.media.limits import DEFAULT_LIMITS
from sam2_core.media.pictures import read_picture

MOST_BYTES_OF_A_LOOK = 1_000_000
_ALIKE = {"jpeg": "jpg"}
_USUAL = {"json": "coco"}  # of the kinds that share an ending the one that most people mean


def order_of(options: argparse.Namespace, look: Look | None = None) -> Order:
    """All that the options wish but the kind; `look` where they do not name one. Raises `ConfigError`, `BadPrompt`."""
    return Order(
        kind="",
        look=(look or OVERLAY) if options.look is None else read_look(options.look),
        polygons=options.polygons,
        pictures=options.pictures,
        side_by_side=options.side_by_side,
        cropped=options.cropped,
        largest_side=options.largest_side,
        backdrops=dict(_backdrop(text) for text in options.backdrop),
    )


def read_look(text: str) -> Look:
    """A preset by its name, or a JSON file. Raises `BadPrompt`."""
    presets = {name.casefold(): look for name, look in PRESETS.items()}
    if text.casefold() in presets:
        return presets[text.casefold()]
    file = Path(text)
    if not file.is_file() or file.stat().st_size > MOST_BYTES_OF_A_LOOK:
        raise BadPrompt(f"There is no look {text!r}. Give a JSON file, or one of {', '.join(PRESETS)}.")
    try:
        return Look.from_json(json.loads(file.read_text(encoding="utf-8")))
    except (BadPrompt, ValueError, RecursionError) as error:
        raise BadPrompt(f"The look in {file} cannot be read: {error}") from error


def _backdrop(text: str) -> tuple[str, RgbArray]:
    name, sign, file = text.partition("=")
    if not (name and sign and Path(file).is_file()):
        raise ConfigError(f"--backdrop reads NAME=FILE, with a picture that is there; not {text!r}.")
    return name, read_picture(Path(file), DEFAULT_LIMITS)


def wished_kinds(options: argparse.Namespace, media: str) -> tuple[str, ...]:
    """The kinds of files to write of a picture, clip or album: as said, as --out's ending says, or as usual.

    Raises `ConfigError` where the ending leaves a choice, and `MediaError` for what is not made of such a source.
    """
    named = tuple(dict.fromkeys(name.strip() for name in options.export.split(",") if name.strip()))
    ending = ending_named(options.out)
    if not named and ending and not options.out.is_dir():
        return (_kind_of(ending, media),)
    for kind in named:
        ending_of(kind, media)
    if not named and not options.usual:
        raise ConfigError("Say what to write: with --export KIND,… or as a file for --out. `masklet kinds` lists them.")
    return named or tuple(options.usual)


def ending_named(path: Path) -> str:
    """The ending of a path, if it is one that a file of ours can have; else it is taken for a folder's."""
    ending = path.suffix[1:].lower()
    ending = _ALIKE.get(ending, ending)
    return ending if ending in {each for kind in KINDS.values() for each in kind.endings.values()} else ""


def _kind_of(ending: str, media: str) -> str:
    fits = [name for name, kind in KINDS.items() if kind.endings.get(media) == ending]
    if not fits:
        raise ConfigError(f"No kind of file made of {_a(media)} ends in .{ending}. `masklet kinds` lists them.")
    if _USUAL.get(ending, ending) in fits:
        return _USUAL.get(ending, ending)
    if len(fits) > 1:
        raise ConfigError(f"Several kinds of files end in .{ending}: choose with --export {', '.join(fits)}.")
    return fits[0]


def _a(media: str) -> str:
    return {"image": "a picture"}.get(media, f"a {media}" if media == "clip" else f"an {media}")


def write_all(material: Material, order: Order, targets: Mapping[str, Path], progress: Progress) -> None:
    """Write a file of each kind. Raises `MediaError`, and `BadPrompt` where the look lacks a picture."""
    if any("look" in KINDS[kind].takes for kind in targets):
        for name in order.look.backdrops - order.backdrops.keys():
            raise BadPrompt(f"The look wants the picture {name!r}: give it with --backdrop {name or 'NAME'}=FILE.")
    for kind, path in targets.items():
        write(path, material, replace(order, kind=kind), progress)


def check_kinds(names: Iterable[str]) -> None:
    """Raise `ConfigError` for a kind that nobody knows, before any work begins."""
    unknown = [name for name in names if name not in KINDS]
    if unknown:
        raise ConfigError(f"There is no kind {', '.join(unknown)}. Choose of {', '.join(KINDS)}.")
