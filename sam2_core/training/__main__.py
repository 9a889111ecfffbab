"""Train or fine-tune a network: `python -m sam2_core.training --config configs/train/nano.yaml --out runs/nano`."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from sam2_core.console import replace_unencodable
from sam2_core.errors import ConfigError, MaskletError
from sam2_core.training.augment.copy_paste import CopyPaste
from sam2_core.training.checkpoint import CHECKPOINT_FILE
from sam2_core.training.config import TrainingConfig, read_training_config
from sam2_core.training.processes import launch
from sam2_core.training.train import train

CLIP = "openai/clip-vit-base-patch32"


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        config = _read_config(options)
        if config.init is not None and not config.data:
            raise ConfigError("There is nothing to learn from: name a data set with --data, or in the file.")
        options.out.mkdir(parents=True, exist_ok=True)
        launch(partial(train, config=config, folder=options.out, workers=options.workers), options.processes)
    except (MaskletError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\nStopped. The same command goes on from {options.out / CHECKPOINT_FILE}.", file=sys.stderr)
        return 130
    print(f"The weights are in {options.out / config.weights}.")
    return 0


def _read_config(options: argparse.Namespace) -> TrainingConfig:
    config = read_training_config(options.config, **_changes(options))
    if options.clip and not options.prompt:
        raise ConfigError("--clip says which one --prompt clip uses: give both.")
    if options.prompt:
        config = replace(config, clip=options.clip or config.clip or CLIP)
    if options.augment and config.augment is None:
        return replace(config, augment=CopyPaste())
    return config


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sam2_core.training", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="a YAML file, such as configs/train/nano.yaml")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run; an unfinished one is continued")
    parser.add_argument("--data", action="append", help="a data set; may be given several times, replaces the config's")
    parser.add_argument("--layout", help="its layout, if it is not recognised: coco, folder, voc, davis, sav or pack")
    parser.add_argument("--images", help="where the pictures of a COCO file are, if it does not lie beside them")
    parser.add_argument("--sources", nargs="+", help="take only these collections of a pack")
    parser.add_argument("--init", help="a known network or a weights file to start from")
    parser.add_argument("--network", help="a known network or a YAML file with its sizes")
    parser.add_argument("--minutes", type=float, help="how long to train, instead of what the config says")
    parser.add_argument("--steps", type=int, help="the same, in steps")
    parser.add_argument("--augment", choices=("copy-paste",), help="paste objects of the data onto its pictures")
    about_clip = "research: also learn from embeddings of CLIP (see docs/python.md)"
    parser.add_argument("--prompt", choices=("clip",), help=about_clip)
    parser.add_argument("--clip", help=f"the CLIP for that: a folder, or a repository of the Hub ({CLIP})")
    parser.add_argument("--processes", type=int, default=1, help="processes on this machine; torchrun works too")
    parser.add_argument("--workers", type=int, default=0, help="processes that make samples ahead of time, for GPUs")
    return parser


def _changes(options: argparse.Namespace) -> dict[str, Any]:
    changes = {name: getattr(options, name) for name in ("init", "network") if getattr(options, name) is not None}
    if options.minutes is not None or options.steps is not None:
        changes |= {"minutes": options.minutes, "steps": options.steps}
    about_data = {name: getattr(options, name) for name in ("layout", "images", "sources")}
    about_data = {name: value for name, value in about_data.items() if value is not None}
    if options.data:
        changes["data"] = [{"path": path, **about_data} for path in options.data]
    elif about_data:
        raise ConfigError("--layout, --images and --sources say something about --data, which is missing.")
    return changes


if __name__ == "__main__":
    replace_unencodable()
    sys.exit(main())
