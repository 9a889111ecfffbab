"""Which looks there are for --look, and the effects that looks of your own are made of.

With the name of a preset that preset as JSON: save it, change it, and give the file to --look. A look is
{"layers": [{"effect": NAME, SETTING: VALUE, ...}, ...], "feather": 0, "matte": 0}; what is left out is as usual.
Lengths are thousandths of the shorter side.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping

from sam2_core.cli.batch import DONE
from sam2_core.cli.options import add_terminal
from sam2_core.cli.outputs import read_look
from sam2_core.cli.session import Build
from sam2_core.cli.terminal import Terminal
from sam2_core.media import EDGES, EFFECTS, PRESETS
from sam2_core.media.effects.look import Setting

USAGE = "[LOOK] [options]"
EXAMPLES = """\
examples:
  masklet looks
  masklet looks sticker > mine.json
  masklet segment photo.jpg --point 210,350 --out cut.png --look mine.json
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Of this command."""
    parser.add_argument("name", nargs="?", metavar="LOOK", help="a preset or a JSON file: all its settings, as JSON")
    add_terminal(parser)


def run(options: argparse.Namespace, build: Build | None) -> int:
    """Run it; returns the exit code."""
    terminal = Terminal(options.quiet, options.json)
    if options.name is not None:
        plain = read_look(options.name).to_json()
        terminal.result(plain, json.dumps(plain, indent=1))
        return DONE
    for name, look in PRESETS.items():
        effects = ", ".join(layer.effect for layer in look.layers)
        terminal.result({"preset": name, "look": look.to_json()}, f"{name:<20} {effects}")
    terminal.result({"edges": {name: _plain(knob) for name, knob in EDGES.items()}}, _listed("\nedges", EDGES))
    for name, effect in EFFECTS.items():
        knobs = {key: _plain(knob) for key, knob in effect.settings.items()}
        plain = {"effect": name, "title": effect.title, "sort": effect.sort, "settings": knobs}
        terminal.result(plain, _listed(f"{name} ({effect.sort})", effect.settings))
    return DONE


def _listed(title: str, knobs: Mapping[str, Setting]) -> str:
    return "\n".join([title, *(f"  {name:<10} {_said(knob)}" for name, knob in knobs.items())])


def _said(knob: Setting) -> str:
    reach = {"slider": f"{knob.low:g} to {knob.high:g}", "choice": " or ".join(knob.choices), "color": "#rrggbb"}
    usual = f" (usually {knob.default})" if knob.default != "" else ""
    return f"{reach.get(knob.kind, knob.kind)}{usual}"


def _plain(knob: Setting) -> dict[str, object]:
    bounds = {"low": knob.low, "high": knob.high} if knob.kind == "slider" else {}
    choices = {"choices": list(knob.choices)} if knob.choices else {}
    return {"kind": knob.kind, "default": knob.default, **bounds, **choices}
