"""Which kinds of files can be written, for --export, and the options that each one takes."""

from __future__ import annotations

import argparse

from sam2_core.cli.batch import DONE
from sam2_core.cli.options import add_reporting
from sam2_core.cli.session import EngineBuilder
from sam2_core.console import Console
from sam2_core.media import EXPORT_FORMATS

USAGE = "[options]"
EXAMPLES = """\
examples:
  masklet kinds
  masklet kinds --json
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_reporting(parser)


def run(options: argparse.Namespace, build: EngineBuilder | None) -> int:
    """Run the command; returns the exit code."""
    console = Console(options.quiet, options.json)
    for name, kind in EXPORT_FORMATS.items():
        made_of = ", ".join(f"{media} .{ending}" for media, ending in kind.extensions.items())
        if kind.picture_extensions:
            made_of += f", image as one picture .{' .'.join(kind.picture_extensions)}"
        takes = "".join(f" --{field.replace('_', '-')}" for field in kind.option_keys)
        text = f"{name:<10} {kind.title}: {kind.description}\n{'':<11}{made_of}{'; takes' + takes if takes else ''}"
        console.result({"name": name, **kind.to_json()}, text)
    return DONE
