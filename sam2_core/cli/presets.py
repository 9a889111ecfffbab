"""Which looks there are for --look, and the effects that looks of your own are made of.

With the name of a preset it prints that preset as JSON: save it, change it, and give the file to --look. A look is
{"layers": [{"effect": NAME, SETTING: VALUE, ...}, ...], "feather": 0, "matte": 0}; what is left out has
its default. Lengths are thousandths of the shorter side.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping

from sam2_core.cli.batch import DONE
from sam2_core.cli.options import add_reporting
from sam2_core.cli.outputs import read_look
from sam2_core.cli.session import EngineBuilder
from sam2_core.console import Console
from sam2_core.media import EDGE_SETTINGS, EFFECTS, PRESETS
from sam2_core.media.effects.effect_stack import Setting

USAGE = "[LOOK] [options]"
EXAMPLES = """\
examples:
  masklet looks
  masklet looks sticker > mine.json
  masklet segment photo.jpg --point 210,350 --out cut.png --look mine.json
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("name", nargs="?", metavar="LOOK", help="a preset or a JSON file: all its settings, as JSON")
    add_reporting(parser)


def run(options: argparse.Namespace, build: EngineBuilder | None) -> int:
    """Run the command; returns the exit code."""
    console = Console(options.quiet, options.json)
    if options.name is not None:
        plain = read_look(options.name).to_json()
        console.result(plain, json.dumps(plain, indent=1))
        return DONE
    for name, look in PRESETS.items():
        effects = ", ".join(layer.effect for layer in look.layers)
        console.result({"preset": name, "look": look.to_json()}, f"{name:<20} {effects}")
    console.result(
        {"edges": {name: _setting_to_json(each) for name, each in EDGE_SETTINGS.items()}},
        _list_settings("\nedges", EDGE_SETTINGS),
    )
    for name, effect in EFFECTS.items():
        settings = {key: _setting_to_json(each) for key, each in effect.settings.items()}
        plain = {"effect": name, "title": effect.title, "sort": effect.target, "settings": settings}
        console.result(plain, _list_settings(f"{name} ({effect.target})", effect.settings))
    return DONE


def _list_settings(title: str, settings: Mapping[str, Setting]) -> str:
    return "\n".join([title, *(f"  {name:<10} {_describe(each)}" for name, each in settings.items())])


def _describe(setting: Setting) -> str:
    values = {
        "slider": f"{setting.low:g} to {setting.high:g}",
        "choice": " or ".join(setting.choices),
        "color": "#rrggbb",
    }
    default = f" (usually {setting.default})" if setting.default != "" else ""
    return f"{values.get(setting.kind, setting.kind)}{default}"


def _setting_to_json(setting: Setting) -> dict[str, object]:
    bounds = {"low": setting.low, "high": setting.high} if setting.kind == "slider" else {}
    choices = {"choices": list(setting.choices)} if setting.choices else {}
    return {"kind": setting.kind, "default": setting.default, **bounds, **choices}
