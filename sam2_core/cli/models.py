"""Which networks there are, and their weights: list them, fetch them, and see whether they are whole.

`list` (the default) shows all that are known by name. `download` fetches published weights that are not here already.
`verify` reads weights and checks that every tensor is there and of the right shape.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from sam2_core.cli.batch import DONE
from sam2_core.cli.options import add_reporting
from sam2_core.cli.session import EngineBuilder
from sam2_core.console import Console
from sam2_core.errors import ConfigError, WeightsError
from sam2_core.networks import NETWORKS, KnownNetwork, is_known, known_network

USAGE = "[list | download NAME | verify NAME-or-FILE] [options]"
EXAMPLES = """\
examples:
  masklet models
  masklet models download sam2.1_hiera_small
  masklet models verify sam2.1_hiera_small
  masklet models verify runs/mine/weights.pt --json

exit codes: 0 well, 1 not to be had or not whole, 2 wrong use, 130 interrupted
"""
ACTIONS = ("list", "download", "verify")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("action", nargs="?", default="list", choices=ACTIONS, help="what to do (default: list)")
    parser.add_argument("names", nargs="*", metavar="NAME", help="networks; to verify also weights files")
    add_reporting(parser)


def run(options: argparse.Namespace, build: EngineBuilder | None) -> int:
    """Run the command; returns the exit code."""
    console = Console(options.quiet, options.json)
    if options.action == "list":
        for name in options.names or NETWORKS:
            _list(known_network(name), console)
        return DONE
    if not options.names:
        raise ConfigError(f"Say which: masklet models {options.action} NAME. Known names: {', '.join(NETWORKS)}.")
    for name in options.names:
        console.begin(name)
        (_download if options.action == "download" else _verify)(name, console)
    return DONE


def _list(network: KnownNetwork, console: Console) -> None:
    file = network.weights_on_disk
    plain = {
        "name": network.name,
        "title": network.title,
        "parameters": round(network.parameters * 1e6),
        "megabytes": round(network.megabytes, 1),
        "licence": network.license,
        "repository": network.repository,
        "url": None if network.web is None else network.web.url,
        "tracks": network.can_track,
        "image_sizes": network.image_sizes,
        "file": None if file is None else str(file),
    }
    where = "bundled" if network.is_bundled else "here" if file is not None else "to be downloaded"
    size = f"{network.parameters:6.1f} M  {network.megabytes:4.0f} MB"
    console.result(plain, f"{network.name:<22} {size}  {where:<17} {network.license}")


def _download(name: str, console: Console) -> None:
    from sam2_core.weights import find_weights  # torch

    network = known_network(name)
    file = find_weights(network, console.progress)
    console.result({"name": network.name, "file": str(file)}, str(file))


def _verify(name: str, console: Console) -> None:
    from sam2_core.networks import network_config
    from sam2_core.weights import build_network, identify_network, read_weights

    file = _on_disk(known_network(name)) if is_known(name) else Path(name)
    tensors = read_weights(file)
    config = network_config(name) if is_known(name) else identify_network(tensors, file)
    build_network(config, tensors, file)
    count = sum(tensor.numel() for tensor in tensors.values())
    finite = all(bool(tensor.isfinite().all()) for tensor in tensors.values())
    if not finite:
        raise WeightsError(f"{file} holds values that are no numbers: training went wrong, or the file is damaged.")
    plain: dict[str, Any] = {"file": str(file), "network": config.name, "tensors": len(tensors), "parameters": count}
    console.result(plain, f"{file}: {config.name}, all {len(tensors)} tensors fit, {count / 1e6:.1f} M values")


def _on_disk(network: KnownNetwork) -> Path:
    file = network.weights_on_disk
    if file is None:
        raise WeightsError(f"The weights of {network.name} are not here: masklet models download {network.name}.")
    return file
