"""Which kinds of files can be written, for --export, and the options that mean something to each."""

from __future__ import annotations

import argparse

from sam2_core.commands.batch import DONE
from sam2_core.commands.options import add_terminal
from sam2_core.commands.terminal import Terminal
from sam2_core.commands.workshop import Build
from sam2_core.media import EXPORT_FORMATS

USAGE = "[options]"
EXAMPLES = """\
examples:
  masklet kinds
  masklet kinds --json
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Of this command."""
    add_terminal(parser)


def run(options: argparse.Namespace, build: Build | None) -> int:
    """Run it; returns the exit code."""
    terminal = Terminal(options.quiet, options.json)
    for name, kind in EXPORT_FORMATS.items():
        made_of = ", ".join(f"{media} .{ending}" for media, ending in kind.extensions.items())
        takes = "".join(f" --{field.replace('_', '-')}" for field in kind.option_keys)
        text = f"{name:<10} {kind.title}: {kind.description}\n{'':<11}{made_of}{'; takes' + takes if takes else ''}"
        terminal.result({"name": name, **kind.to_json()}, text)
    return DONE
