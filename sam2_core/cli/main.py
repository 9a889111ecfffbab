"""From arguments to an exit code: finds the command, and turns every error into one sentence."""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from sam2_core.cli.coordinates import are_coordinates
from sam2_core.console import describe_os_error
from sam2_core.errors import ConfigError, MaskletError, WeightsError
from sam2_core.paths import install_command
from sam2_core.version import __version__

if TYPE_CHECKING:
    from sam2_core.cli.session import EngineBuilder

COMMANDS = {
    "segment": "masks of things in pictures, from clicks and boxes",
    "track": "the same through clips",
    "run": "a project saved by the page, done again without it",
    "everything": "masks of all that is in pictures, without a click",
    "tighten": "boxes of annotation files, replaced by those of the masks that they prompt",
    "augment": "more labeled pictures, from objects pasted onto others",
    "dataset": "annotate a folder of pictures in stages, and train on it",
    "export": "masks that are there already, as any kind of file",
    "serve": "the page in the browser",
    "models": "which networks there are; download and verify them",
    "kinds": "which kinds of files can be written",
    "looks": "which looks and effects pictures can be given",
}

_MODULES = {"everything": "automatic", "kinds": "formats", "looks": "presets"}  # where not named like the command

_EPILOG = """\
examples:
  masklet segment photo.jpg --point 210,350 --out cut.png --look cutout
  masklet track clip.mp4 --box 80,60,300,240 --export mp4,coco --out results
  masklet run clip.masklet.json --export mp4
  masklet everything photos --export coco --out masks
  masklet models download sam2.1_hiera_small
  masklet serve --port 8080

`masklet COMMAND --help` tells more. `python -m sam2_core` is the same as `masklet`.

A single input is always done, and what was there is replaced. A folder is worked through file by file, and the same
command again goes on where it stopped: it skips what it has made of the same input with the same settings, which the
hidden file .NAME.masklet.jsonl beside the folder of --out tells. A file there that something else has made is left as
it is (--again overwrites it). Files appear only when they are whole.

exit codes: 0 all is done, 1 some inputs failed or were left as they are, 2 wrong use, 130 interrupted
"""


def main(arguments: Sequence[str], build: EngineBuilder | None = None) -> int:
    """Run a command; returns the exit code. `build` replaces the usual engine, for tests."""
    os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")  # a broken file is told of in one sentence
    warnings.filterwarnings("ignore", category=Warning, module=r"PIL\.")
    try:
        code = _run(arguments, build)
        sys.stdout.flush()
        return code
    except SystemExit as end:  # raised by argparse, which has printed help or its error
        return end.code if isinstance(end.code, int) else 2
    except KeyboardInterrupt:
        print("\nInterrupted. The same command goes on where it stopped.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # as with `| head`; the interpreter flushes stdout at exit, which must not fail again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except MaskletError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1 if isinstance(error, WeightsError) else 2
    except OSError as error:
        print(f"error: {describe_os_error(error)}", file=sys.stderr)
        return 1


def _run(arguments: Sequence[str], build: EngineBuilder | None) -> int:
    if not arguments or arguments[0] not in COMMANDS:
        _overview().parse_args(arguments or ["--help"])
        return 2
    name = arguments[0]
    if name == "serve":
        # `ui` is built on this package, which knows it here alone, by name, and imports it only on request.
        try:
            server = import_module("ui.serve")
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] in ("ui", "sam2_core"):
                raise
            raise ConfigError(
                f"The page needs packages that are not installed here ({error.name}): {install_command('app')}"
            ) from error
        return int(server.main(arguments[1:], os.environ, "masklet serve"))
    module = import_module(f"sam2_core.cli.{_MODULES.get(name, name)}")  # only this one, so that help is fast
    parser = argparse.ArgumentParser(
        prog=f"masklet {name}",
        usage=f"masklet {name} {module.USAGE}",
        description=module.__doc__,
        epilog=module.EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.add_options(parser)
    options = parser.parse_args(join_negative(arguments[1:]))
    return int(module.run(options, build))


def join_negative(arguments: Sequence[str]) -> list[str]:
    """Join coordinates that begin with a minus sign to the option before them, and write the names of files that do as
    paths: argparse takes both for options."""
    joined: list[str] = []
    for argument in arguments:
        before = joined[-1] if joined else ""
        if argument.startswith("-") and are_coordinates(argument) and before.startswith("--") and "=" not in before:
            joined[-1] = f"{before}={argument}"
        elif (
            argument.startswith("-") and not argument.startswith("--") and Path(argument).suffix and _is_file(argument)
        ):
            joined.append(os.path.join(os.curdir, argument))  # noqa: PTH118 (Path would drop the folder again)
        else:
            joined.append(argument)
    return joined


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):
        return False


def _overview() -> argparse.ArgumentParser:
    width = max(map(len, COMMANDS))
    listed = "\n".join(f"  {name:<{width}}  {text}" for name, text in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="masklet",
        usage="masklet COMMAND ...",
        description=f"Promptable segmentation of pictures and clips with SAM 2.\n\ncommands:\n{listed}",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"masklet {__version__}")
    parser.add_argument("command", choices=COMMANDS, help=argparse.SUPPRESS)
    return parser
