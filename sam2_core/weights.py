"""Weights: find them (bundled, by path, or on the Hugging Face Hub), read them safely, and load them strictly.

`.pt` files are read with `weights_only=True`, so that untrusted files cannot run code; `.safetensors` cannot by design.
Names in checkpoints equal the names of our modules.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from sam2_core.errors import Cancelled, WeightsError
from sam2_core.model.config import NetworkConfig, ViTConfig
from sam2_core.model.network import SAM2
from sam2_core.model.sam import Sam
from sam2_core.networks import BUNDLED, NETWORKS, KnownNetwork, known_network, network_config, read_settings
from sam2_core.paths import ROOT
from sam2_core.types import Progress

_MAX_NAMES_SHOWN = 5


def load_network(
    name: str | None = None, file: str | os.PathLike[str] | None = None, progress: Progress | None = None
) -> SAM2:
    """Build a network with weights, on the CPU, in fp32, in evaluation mode.

    `name` is a known network or a YAML file, `file` a checkpoint. Without a file, the network's published weights are
    used (bundled, or from the Hub). Without a name, the network is identified by the tensors of the file. Without
    both, it is the bundled network. Raises `WeightsError` or `ConfigError`.
    """
    if file is None:
        known = known_network(name or BUNDLED)
        file = find_weights(known, progress)
        name = known.name
    tensors = read_weights(Path(file))
    config = network_config(name) if name else identify_network(tensors, Path(file))
    return _with_own_memory(config, tensors, Path(file))


def _with_own_memory(config: NetworkConfig, tensors: Mapping[str, Tensor], file: Path) -> SAM2:
    """As `build_network`, for a file whose number of memories may differ; of more than configured, some are kept."""
    rows = len(tensors.get("maskmem_tpos_enc", ())) or config.memory_slots
    network = build_network(replace(config, memory_slots=rows), tensors, file)
    if config.memory_slots < rows:
        network.limit_memory(config.memory_slots)
    return network


def build_network(config: NetworkConfig, tensors: Mapping[str, Tensor], file: Path) -> SAM2:
    """Build the network of `config` with `tensors`; raises `WeightsError` unless all names and shapes agree."""
    with torch.device("meta"):  # skips initializing values that are overwritten
        network = SAM2(config)
    expected = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    found = {key: tuple(value.shape) for key, value in tensors.items()}
    if expected != found:
        raise WeightsError(_mismatch(config.name, expected, found, file))
    network.load_state_dict({key: value.float() for key, value in tensors.items()}, assign=True)
    return network.eval()


def load_sam(name: str, file: str | os.PathLike[str] | None = None) -> Sam:
    """Build a SAM network ("sam_vit_b", "sam_vit_l" or "sam_vit_h"), on the CPU, in fp32, in evaluation mode.

    Without a checkpoint its weights are random. Raises `WeightsError`.
    """
    config = ViTConfig.from_mapping(read_settings(ROOT / "configs" / f"{name}.yaml", "network configuration"))
    if file is None:
        return Sam(config).eval()
    tensors = read_weights(Path(file))
    with torch.device("meta"):
        network = Sam(config)
    expected = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    found = {key: tuple(value.shape) for key, value in tensors.items()}
    if expected != found:
        raise WeightsError(_mismatch(config.name, expected, found, Path(file)))
    network.load_state_dict({key: value.float() for key, value in tensors.items()}, assign=True)
    return network.eval()


def read_weights(file: Path) -> dict[str, Tensor]:
    """Read a checkpoint: a state dict, or one wrapped as {"model": ...}. Raises `WeightsError`."""
    if not file.is_file():
        raise WeightsError(
            f"There is no weights file at {file}. Give the path of a .pt or .safetensors file, or one of the names "
            f"{', '.join(NETWORKS)}."
        )
    if file.stat().st_size == 0:
        raise WeightsError(f"{file} is empty: the download or copy failed. Delete it and fetch it again.")
    try:
        if file.suffix == ".safetensors":
            loaded: Any = load_file(file)
        else:
            loaded = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # damaged files raise anything in the readers, even IndexError
        raise WeightsError(
            f"{file} ({file.stat().st_size:,} bytes) cannot be read as weights: it is truncated, or not a .pt or "
            f".safetensors checkpoint. Fetch it again. ({_first_line(error)})"
        ) from error
    if isinstance(loaded, dict) and isinstance(loaded.get("model"), dict):
        loaded = loaded["model"]
    if not isinstance(loaded, dict) or not loaded or not all(isinstance(x, Tensor) for x in loaded.values()):
        raise WeightsError(f"{file} holds no state dict (names with tensors), so it is no SAM 2 checkpoint.")
    return loaded


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def identify_network(tensors: Mapping[str, Tensor], file: Path) -> NetworkConfig:
    """The known network with these names and shapes of tensors; raises `WeightsError` if there is none."""
    found = {key: tuple(value.shape) for key, value in tensors.items()}
    candidates = [name for name in NETWORKS if _shapes(name) == found]
    if not candidates:
        raise WeightsError(
            f"The weights in {file} fit none of the known networks ({', '.join(NETWORKS)}). If they belong to a "
            "network of your own, give its YAML file as the model."
        )
    return network_config(candidates[0])


@lru_cache(maxsize=16)
def _shapes(name: str) -> dict[str, tuple[int, ...]]:
    with torch.device("meta"):
        return {key: tuple(value.shape) for key, value in SAM2(network_config(name)).state_dict().items()}


def _mismatch(
    network: str,
    expected: Mapping[str, tuple[int, ...]],
    found: Mapping[str, tuple[int, ...]],
    file: Path,
) -> str:
    missing, unexpected = sorted(set(expected) - set(found)), sorted(set(found) - set(expected))
    other = sorted(key for key in set(found) & set(expected) if found[key] != expected[key])
    shapes = [f"{key} is {list(found[key])} and should be {list(expected[key])}" for key in other]
    parts = [
        f"{len(keys)} {what}: {', '.join(keys[:_MAX_NAMES_SHOWN])}{' …' if len(keys) > _MAX_NAMES_SHOWN else ''}"
        for what, keys in (("missing", missing), ("unexpected", unexpected), ("of another shape", shapes))
        if keys
    ]
    fits = [name for name in NETWORKS if name != network and _shapes(name) == found]
    hint = f" These are the weights of {fits[0]}: use that name." if fits else " Take the file made for this network."
    return f"{file} does not fit the network {network}. Tensors {'; '.join(parts)}.{hint}"


def find_weights(network: KnownNetwork, progress: Progress | None = None) -> Path:
    """The file of a network's published weights: bundled, or downloaded into the Hub's cache if needed.

    Raises `WeightsError` if it cannot be had, and what `progress` raises.
    """
    if network.repository is not None:
        return _from_hub(network, progress)
    file = network.weights_on_disk
    if file is None:
        raise WeightsError(f"The bundled weights {network.file} are missing: this copy of Masklet is incomplete.")
    return file


def _from_hub(network: KnownNetwork, progress: Progress | None) -> Path:
    from huggingface_hub import hf_hub_download  # deferred: importing it takes a second

    if progress is not None:
        progress(None, f"Looking for {network.file}")
    try:
        return Path(hf_hub_download(network.repository or "", network.file, tqdm_class=_reporting_bar(progress)))
    except Cancelled:
        raise
    except Exception as error:  # the errors of a lost connection depend on the Hub's HTTP library
        raise WeightsError(
            f"{network.file} cannot be fetched from the Hugging Face repository {network.repository}: "
            f"{_first_line(error)} Check the connection, or download the file by hand and give its path as "
            f"the checkpoint. The bundled network {BUNDLED!r} needs no download."
        ) from error


def _reporting_bar(progress: Progress | None) -> Any:
    """A tqdm class for the Hub's downloader that also calls `progress`."""
    from tqdm.auto import tqdm

    if progress is None:
        return tqdm
    report: Progress = progress

    class ReportingBar(tqdm):  # type: ignore[misc]
        def update(self, n: float | None = 1) -> bool | None:
            shown: bool | None = super().update(n)
            if self.total:
                done, total = self.n / 1e6, self.total / 1e6
                report(min(1.0, self.n / self.total), f"Downloading {done:.0f} of {total:.0f} MB")
            return shown

    return ReportingBar
