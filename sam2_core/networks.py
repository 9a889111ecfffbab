"""The networks with published weights: the eight official ones and the bundled `nano`.

The configuration of a network is `configs/<name>.yaml`. The strings that identify the official networks in the official
code ("configs/sam2.1/sam2.1_hiera_t.yaml", "facebook/sam2.1-hiera-tiny", "sam2.1_hiera_tiny.pt") are aliases.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from sam2_core.errors import ConfigError
from sam2_core.model.config import NetworkConfig
from sam2_core.paths import ROOT

BUNDLED = "nano"


@dataclass(frozen=True, slots=True)
class KnownNetwork:
    """A network with published weights.

    `parameters` are in millions. `gflops` are counted from the layers (a multiply-add is two operations): an image with
    one click, and a tracked frame of one object with full memory. The weights are `file` in the Hub repository
    `repository`, or in `assets/` if that is None.
    """

    name: str
    title: str
    parameters: float
    gflops: tuple[float, float]
    file: str
    repository: str | None = None
    aliases: tuple[str, ...] = ()

    @property
    def relative_gflops(self) -> tuple[float, float]:
        """`gflops` as multiples of the bundled network's."""
        image, frame = NETWORKS[BUNDLED].gflops
        return self.gflops[0] / image, self.gflops[1] / frame

    @property
    def license(self) -> str:
        """License and origin of the weights."""
        return "Apache 2.0, from Meta" if self.repository else "Apache 2.0, from this project"

    @property
    def megabytes(self) -> float:
        """Size of the weights on disk; official checkpoints are fp32."""
        file = self._bundled_file
        return file.stat().st_size / 1e6 if file.is_file() else 4 * self.parameters

    @property
    def weights_on_disk(self) -> Path | None:
        """The file of the weights if it is bundled or in the Hub's cache, else None."""
        if self.repository is None:
            return self._bundled_file if self._bundled_file.is_file() else None
        from huggingface_hub import try_to_load_from_cache  # deferred: importing it takes a second

        found = try_to_load_from_cache(self.repository, self.file)
        return Path(found) if isinstance(found, str) else None

    @property
    def _bundled_file(self) -> Path:
        return ROOT / "assets" / self.file


def _official(version: str, size: str, letter: str, parameters: float, gflops: tuple[float, float]) -> KnownNetwork:
    name = f"{version}_hiera_{size}"
    return KnownNetwork(
        name,
        f"{version.upper().replace('SAM', 'SAM ')} {size.replace('_plus', '+')}",
        parameters,
        gflops,
        file=f"{name}.pt",
        repository=f"facebook/{version}-hiera-{size.replace('_', '-')}",
        aliases=(f"configs/{version}/{version}_hiera_{letter}.yaml", f"{version}_hiera_{letter}.yaml", f"{name}.pt"),
    )


NETWORKS: dict[str, KnownNetwork] = {
    network.name: network
    for network in (
        KnownNetwork(BUNDLED, "nano", 4.4, (3.4, 6.3), file="nano.safetensors"),
        _official("sam2.1", "tiny", "t", 39.0, (290, 908)),
        _official("sam2.1", "small", "s", 46.1, (358, 975)),
        _official("sam2.1", "base_plus", "b+", 80.9, (644, 1261)),
        _official("sam2.1", "large", "l", 224.4, (1819, 2436)),
        _official("sam2", "tiny", "t", 38.9, (290, 908)),
        _official("sam2", "small", "s", 46.0, (358, 975)),
        _official("sam2", "base_plus", "b+", 80.8, (644, 1261)),
        _official("sam2", "large", "l", 224.4, (1819, 2436)),
    )
}

_ALIASES = {alias: network.name for network in NETWORKS.values() for alias in network.aliases} | {
    network.repository: network.name for network in NETWORKS.values() if network.repository
}


def is_known(name: str) -> bool:
    """Whether a string is the name or an alias of a known network."""
    return name in NETWORKS or name in _ALIASES


def known_network(name: str) -> KnownNetwork:
    """The network with this name or alias; raises `ConfigError` with the list of names."""
    found = NETWORKS.get(_ALIASES.get(name, name))
    if found is None:
        raise ConfigError(f"There is no network named {name!r}. Known names: {', '.join(NETWORKS)}.")
    return found


def network_config(name: str) -> NetworkConfig:
    """The configuration of a known network, or the one in a YAML file of the user; raises `ConfigError`."""
    if not is_known(name) and PurePosixPath(name).suffix in {".yaml", ".yml"} and Path(name).is_file():
        return read_config(Path(name))
    return read_config(ROOT / "configs" / f"{known_network(name).name}.yaml")


def read_config(path: Path) -> NetworkConfig:
    """Read the YAML file of a network; raises `ConfigError` naming the file."""
    return NetworkConfig.from_mapping(read_settings(path, "network configuration"))


def read_settings(path: Path, what: str) -> dict[str, Any]:
    """Read a YAML mapping; raises `ConfigError` naming the file and `what` it should contain."""
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(f"The {what} {path} cannot be read: {error}.") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{path} holds no {what}: it should be a list of `name: value` lines.")
    return values
