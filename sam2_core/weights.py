"""Weights: find them (bundled, by path, or published on the web), read them safely, and load them strictly.

`.pt` files are read with `weights_only=True`, so that untrusted files cannot run code; `.safetensors` cannot by design.
Names in checkpoints equal the names of our modules.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, overload

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from sam2_core.download import check_connection, check_free_space, download
from sam2_core.errors import Cancelled, ConfigError, WeightsError
from sam2_core.hub import check_hub, check_online, first_line, reporting_bar
from sam2_core.model.config import AnyConfig, NetworkConfig, ViTConfig
from sam2_core.model.network import SAM2
from sam2_core.model.sam import Network, Sam
from sam2_core.networks import (
    BUNDLED,
    NETWORKS,
    KnownNetwork,
    WebFile,
    is_known,
    join_name,
    known_network,
    network_config,
    resized_config,
    sam2_config,
    split_name,
)
from sam2_core.types import Progress

_MAX_NAMES_SHOWN = 5


def load_network(
    name: str | None = None,
    file: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    image_size: int | None = None,
) -> Network:
    """Build a network with weights, on the CPU, in fp32, in evaluation mode: of SAM 2 or of SAM.

    `name` is a known network or a YAML file, `file` a checkpoint. Without a file, the network's published weights are
    used (bundled, or downloaded). Without a name, the network is identified by the tensors of the file. A name that is
    itself a weights file serves as the file, or beside another one says no more than none. Without both, it is the
    bundled network. `image_size` is another side of the input, which the name may tell as well
    ("sam2.1_hiera_tiny@512"). Raises `WeightsError` or `ConfigError`.
    """
    if file is None or name:
        name = join_name(name or BUNDLED, image_size)
        path, size = split_name(name)
        if not is_known(path) and Path(path).suffix in {".pt", ".pth", ".safetensors"}:
            name, file, image_size = None, file or path, size
    if file is None:
        known = known_network(name or BUNDLED)
        file, tensors = _read_published(known, progress)
        name = known.name
    else:
        tensors = read_weights(Path(file))
    config = network_config(name) if name else identify_network(tensors, Path(file))
    if image_size is not None:
        config = resized_config(config, image_size)
    if isinstance(config, NetworkConfig):
        return _with_own_memory(config, tensors, Path(file))
    return build_network(config, tensors, Path(file))


def load_sam2(
    name: str | None = None,
    file: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    image_size: int | None = None,
) -> SAM2:
    """As `load_network`; raises `ConfigError` for a network of SAM."""
    if name:
        sam2_config(name)
    network = load_network(name, file, progress, image_size)
    if not isinstance(network, SAM2):
        sam2_config(network.config.name)
        raise AssertionError(network.config.name)
    return network


def load_sam(name: str, file: str | os.PathLike[str] | None = None) -> Sam:
    """Build a SAM network ("sam_vit_b", "sam_vit_l" or "sam_vit_h"), on the CPU, in fp32, in evaluation mode.

    Without a checkpoint its weights are random. Raises `WeightsError` or `ConfigError`.
    """
    config = network_config(name)
    if not isinstance(config, ViTConfig):
        raise ConfigError(f"{name} is a network of SAM 2: build it with build_sam2.")
    return Sam(config).eval() if file is None else build_network(config, read_weights(Path(file)), Path(file))


def _with_own_memory(config: NetworkConfig, tensors: Mapping[str, Tensor], file: Path) -> SAM2:
    """As `build_network`, for a file whose number of memories may differ; of more than configured, some are kept."""
    rows = len(tensors.get("maskmem_tpos_enc", ())) or config.memory_slots
    network = build_network(replace(config, memory_slots=rows), tensors, file)
    if config.memory_slots < rows:
        network.limit_memory(config.memory_slots)
    return network


@overload
def build_network(config: NetworkConfig, tensors: Mapping[str, Tensor], file: Path) -> SAM2: ...
@overload
def build_network(config: ViTConfig, tensors: Mapping[str, Tensor], file: Path) -> Sam: ...
def build_network(config: AnyConfig, tensors: Mapping[str, Tensor], file: Path) -> Network:
    """Build the network of `config` with `tensors`; raises `WeightsError` unless all names and shapes agree."""
    network = empty_network(config)  # skips initializing values that are overwritten
    expected = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    found = {key: tuple(value.shape) for key, value in tensors.items()}
    if expected != found:
        raise WeightsError(_mismatch(config.name, expected, found, file))
    network.load_state_dict({key: value.float() for key, value in tensors.items()}, assign=True)
    return network.eval()


class _NoInitialization(TorchFunctionMode):
    """Leaves out torch.nn.init. On the meta device it has nothing to fill, but random values are there drawn by code of
    PyTorch's compiler, whose import takes longer than all else, and which makes a folder for its cache."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        keywords = kwargs or {}
        if getattr(func, "__module__", None) == nn.init.__name__:
            return args[0] if args else keywords["tensor"]
        return func(*args, **keywords)


@contextmanager
def without_values() -> Iterator[None]:
    """Modules that are made in this context are on the meta device: names and shapes without values."""
    with torch.device("meta"), _NoInitialization():
        yield


def empty_network(config: AnyConfig) -> Network:
    """The network of `config` on the meta device: names and shapes without values."""
    with without_values():
        return SAM2(config) if isinstance(config, NetworkConfig) else Sam(config)


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
            f".safetensors checkpoint. Fetch it again. ({first_line(error)})"
        ) from error
    if isinstance(loaded, dict) and isinstance(loaded.get("model"), dict):
        loaded = loaded["model"]
    if not isinstance(loaded, dict) or not loaded or not all(isinstance(x, Tensor) for x in loaded.values()):
        raise WeightsError(f"{file} holds no state dict (names with tensors), so it is no checkpoint of SAM or SAM 2.")
    return loaded


def identify_network(tensors: Mapping[str, Tensor], file: Path) -> AnyConfig:
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
    return {key: tuple(value.shape) for key, value in empty_network(network_config(name)).state_dict().items()}


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
    if network.web is not None:
        return _from_web(network, network.web, progress)
    file = network.weights_on_disk
    if file is None:
        raise WeightsError(f"The bundled weights {network.file} are missing: this copy of Masklet is incomplete.")
    return file


def fetch_weights(network: KnownNetwork, progress: Progress | None = None) -> Path:
    """As `find_weights`, for a file that can be read, too."""
    return _read_published(network, progress)[0]


def _read_published(network: KnownNetwork, progress: Progress | None) -> tuple[Path, dict[str, Tensor]]:
    """The file of `find_weights` and its tensors. One that was damaged in a cache is fetched anew."""
    was_here = network.weights_on_disk is not None
    file = find_weights(network, progress)
    try:
        return file, read_weights(file)
    except WeightsError:
        if network.is_bundled or not was_here:
            raise
    for each in (file.resolve(), file):  # the Hub's cache has a link, and what it leads to
        each.unlink(missing_ok=True)
    file = find_weights(network, progress)
    return file, read_weights(file)


def _from_hub(network: KnownNetwork, progress: Progress | None) -> Path:
    from huggingface_hub import constants, hf_hub_download  # deferred: importing it takes a second

    if progress is not None:
        progress(None, f"Looking for {network.file}")
    file = network.weights_on_disk
    if file is not None:
        return file
    try:
        check_hub()
        check_free_space(Path(constants.HF_HUB_CACHE), network.megabytes * 1e6)
        return Path(hf_hub_download(network.repository or "", network.file, tqdm_class=reporting_bar(progress)))
    except Cancelled:
        raise
    except Exception as error:  # the errors of a lost connection depend on the Hub's HTTP library
        raise _unreachable(network, f"the Hugging Face repository {network.repository}", error) from error


def _from_web(network: KnownNetwork, source: WebFile, progress: Progress | None) -> Path:
    from huggingface_hub.utils import WeakFileLock  # deferred: importing it takes a second

    file = network.web_file
    if file.is_file():
        return file
    if progress is not None:
        progress(None, f"Looking for {network.file}")
    try:
        check_online()
        check_connection(source.url)
        check_free_space(file.parent, network.megabytes * 1e6)
        file.parent.mkdir(parents=True, exist_ok=True)
        with WeakFileLock(f"{file}.lock"):  # another process may be fetching it
            if not file.is_file():
                download(source.url, file, source.md5, int(network.megabytes * 1.1e6), progress)
    except OSError as error:
        raise _unreachable(network, source.url, error) from error
    return file


def _unreachable(network: KnownNetwork, place: str, error: Exception) -> WeightsError:
    return WeightsError(
        f"{network.file} cannot be fetched from {place}: {first_line(error)} Check the connection, or download the "
        f"file by hand and give its path as the checkpoint. The bundled network {BUNDLED!r} needs no download."
    )
