"""Average the weights of one network after several training runs (Wortsman et al. 2022, "Model soups").

    python -m sam2_core.training.average before.safetensors after.safetensors --shares 1 2 --out between.safetensors

The average is often better than each of them where one run continued the other, or all started from the same weights.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from sam2_core.console import replace_unencodable
from sam2_core.errors import MaskletError, WeightsError
from sam2_core.training.checkpoint import WEIGHT_SUFFIXES, save_weights
from sam2_core.weights import read_weights


def average(files: Sequence[Path], shares: Sequence[float]) -> dict[str, Tensor]:
    """The mean in fp32, weighted by `shares`, which need not sum to 1.

    Raises `WeightsError` for a file that cannot be read or has other names or shapes than the first.
    """
    total, mean = sum(shares), dict[str, Tensor]()
    for file, share in zip(files, shares, strict=True):
        weights = read_weights(file)
        if mean and _shapes(weights) != _shapes(mean):
            raise WeightsError(f"{file} is of another network than {files[0]}: only weights of one can be averaged.")
        mean = {name: mean.get(name, 0) + value.float() * (share / total) for name, value in weights.items()}
    return mean


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    shares = options.shares or [1.0] * len(options.files)
    if len(shares) != len(options.files) or min(shares) < 0 or not 0 < sum(shares) < float("inf"):
        parser.error("--shares takes a number from 0 on for each file, not all of them 0")
    try:
        save_weights(average(options.files, shares), options.out)
    except (MaskletError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"The weights are in {options.out}.")
    return 0


def _shapes(weights: Mapping[str, Tensor]) -> dict[str, torch.Size]:
    return {name: value.shape for name, value in weights.items()}


def _output(text: str) -> Path:
    if Path(text).suffix not in WEIGHT_SUFFIXES:
        raise argparse.ArgumentTypeError(f"{text} should end in .pt or .safetensors")
    return Path(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sam2_core.training.average", description="Average the weights of several trainings."
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="weights of one network")
    parser.add_argument("--shares", nargs="+", type=float, help="how much each of them counts; else all alike")
    parser.add_argument("--out", type=_output, required=True, metavar="FILE", help="a .safetensors or .pt file")
    return parser


if __name__ == "__main__":
    replace_unencodable()
    sys.exit(main())
