"""The argparse options that several commands share."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from typing import Any

from sam2_core.cli.coordinates import Coordinate, read_coordinates
from sam2_core.cli.inputs import input_path
from sam2_core.cli.outputs import Output, read_output
from sam2_core.errors import MediaError
from sam2_core.networks import BUNDLED, NETWORKS, join_name


def add_reporting(parser: argparse.ArgumentParser) -> None:
    """Add the options for what is printed."""
    group = parser.add_argument_group("what is printed")
    group.add_argument("--json", action="store_true", help="results as JSON on stdout, one object a line")
    group.add_argument("--quiet", action="store_true", help="no progress and no notes, only results and errors")


def add_inputs(parser: argparse.ArgumentParser, name: str, metavar: str, text: str) -> None:
    """Add the inputs, which become `options.NAME`."""
    text += f"; also a pattern in quotes ('*.{'mp4' if name == 'clips' else 'jpg'}'), or - for stdin"
    parser.add_argument(name, nargs="+", type=input_path, metavar=metavar, help=text)


def add_network(parser: argparse.ArgumentParser) -> None:
    """Add the options that select a network and a device."""
    group = parser.add_argument_group("the network")
    names = ", ".join(NETWORKS)
    group.add_argument("--model", metavar="NAME", help=f"{names}, or a YAML file of your own (default: nano)")
    text = (
        "side of the input, of networks of SAM 2: 512 is several times faster than their own 1024, and coarser; "
        "--model sam2.1_hiera_tiny@512 is the same"
    )
    group.add_argument("--image-size", type=integer_from(1), metavar="PIXELS", help=text)
    group.add_argument("--checkpoint", metavar="FILE", help="weights of your own (.pt, .safetensors)")
    group.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps (default: %(default)s)")
    text = "compile the network for the GPU: minutes at the start, faster afterwards; worth it for many clips"
    group.add_argument("--compile", action="store_true", help=text)


def network_name(options: argparse.Namespace) -> str:
    """The network that the options of `add_network` select, by name or file, with the side of its input. Raises
    `ConfigError`."""
    return join_name(options.model or options.checkpoint or BUNDLED, options.image_size)


def add_prompts(parser: argparse.ArgumentParser) -> None:
    """Add the options for prompts; those for single prompts are kept in order, in `prompt_flags`."""
    group = parser.add_argument_group(
        "what to select, in pixels of the source (x to the right, y down), or per cent of its width and height (50%)"
    )
    add = partial(group.add_argument, action=AppendFlag, dest="prompt_flags")
    add("--point", type=coordinates(2), metavar="X,Y", help="a click on the object; repeatable")
    add("--not-point", type=coordinates(2), metavar="X,Y", help="a click on what does not belong")
    add("--box", type=coordinates(4), metavar="L,T,R,B", help="a box around it, any two opposite corners; repeatable")
    add("--mask", type=input_path, metavar="FILE", help="a picture of it, white or not clear, cut at half")
    add("--object", metavar="NAME", help="begin the next object; the prompts that follow are its")
    add("--label", metavar="CLASS", help="the class of the object, a category in COCO files")
    group.add_argument(
        "--prompts",
        type=input_path,
        metavar="FILE",
        help="objects and prompts from a JSON file; a folder holds one for each input, NAME.json for NAME.jpg",
    )


def add_output(parser: argparse.ArgumentParser, default_formats: Sequence[str], source: str) -> None:
    """Add the options for what is written; `source` names an input in the help."""
    group = parser.add_argument_group("what to write")
    names = ",".join(default_formats)
    default = f"default: {names}, or what --out ends in" if names else "else what --out ends in"
    text = f"kinds of files with commas between them ({default}); `masklet kinds` lists them"
    group.add_argument("--export", metavar="KIND,…", default="", help=text)
    parser.set_defaults(default_formats=tuple(default_formats))
    pictures = (
        ""
        if source == "clip"
        else ". Of a picture, a .png, .tif, .bmp or .webp with --export masks is one picture of all masks, white on "
        "black; with --export index each pixel of a .png or .tif is the number of its object"
    )
    text = f"the file for one {source}, whose suffix says which kind; a folder; or - for stdout (default: this folder)"
    group.add_argument("--out", type=read_output, default=Output(), metavar="PATH", help=f"{text}{pictures}")
    text = "write anew what is there already, whoever made it"
    group.add_argument("--again", action="store_true", help=text)
    look = parser.add_argument_group("how it is to look")
    look.add_argument("--look", metavar="LOOK", help="a preset or a JSON file (`masklet looks`; default: Overlay)")
    look.add_argument(
        "--backdrop", action="append", default=[], metavar="NAME=FILE", help="a picture that the look names; repeatable"
    )
    look.add_argument("--side-by-side", action="store_true", help="the source on the left")
    look.add_argument("--cropped", action="store_true", help="only the part that the objects ever take up")
    look.add_argument("--largest-side", type=integer_from(0), default=0, metavar="PIXELS", help="scale down to this")
    look.add_argument("--polygons", action="store_true", help="outlines in place of run lengths")
    look.add_argument("--pictures", action="store_true", help="the frames themselves go into the archive, too")


def add_source(parser: argparse.ArgumentParser) -> None:
    """Add the options for how a source is opened."""
    group = parser.add_argument_group("the source")
    text = "scale down what has too many pixels; masks have the smaller size"
    group.add_argument("--scale-down", action="store_true", help=text)


def add_frames(parser: argparse.ArgumentParser) -> None:
    """Add the options that select frames of a clip."""
    group = parser.add_argument_group("which frames (the first one is 0)")
    text = "frames per second of numbered pictures (default: 25)"
    group.add_argument("--fps", type=rate, metavar="RATE", help=text)
    group.add_argument("--first", type=integer_from(0), default=0, metavar="FRAME", help="begin here (default: 0)")
    group.add_argument("--last", type=integer_from(0), metavar="FRAME", help="end here (default: the last one)")
    group.add_argument(
        "--every", type=integer_from(1), default=1, metavar="N", help="only every Nth goes into the files"
    )


class AppendFlag(argparse.Action):
    """Appends (option, value) to one list for several options: a point belongs to the object named before it."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option: str | None = None
    ) -> None:
        """Implement `argparse.Action`."""
        setattr(namespace, self.dest, [*(getattr(namespace, self.dest) or []), (option, values)])


def coordinates(count: int) -> Any:
    """An argument type: `count` coordinates with commas between them."""

    def read(text: str) -> tuple[Coordinate, ...]:
        try:
            values = read_coordinates(text)
        except ValueError:
            values = ()
        if len(values) != count:
            raise argparse.ArgumentTypeError(
                f"{count} numbers with commas between them are due, pixels or per cent (50%), not {text!r}"
            )
        return values

    return read


def rate(text: str) -> float:
    """An argument type: frames per second."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.01 <= value <= 1000:
        raise argparse.ArgumentTypeError(f"a number from 0.01 to 1000 is due, not {text!r}")
    return value


def share(text: str) -> float:
    """An argument type: a number from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"a number from 0 to 1 is due, not {text!r}")
    return value


def integer_from(minimum: int) -> Any:
    """An argument type: an integer of at least `minimum`."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and int(text) >= minimum):
            raise argparse.ArgumentTypeError(f"a whole number from {minimum} on is due, not {text!r}")
        return int(text)

    return read


def frames_from_options(options: argparse.Namespace, count: int) -> range:
    """The selected frames of a clip of `count` frames. Raises `MediaError`."""
    last = count - 1 if options.last is None else options.last
    if not options.first <= last < count:
        raise MediaError(f"Choose frames from 0 to {count - 1}: --first {options.first} --last {last} does not fit.")
    return range(options.first, last + 1, options.every)
