"""The networks with published weights: the official ones of SAM 2 and SAM, and the bundled `nano`.

The configuration of a network is `configs/<name>.yaml`. The strings that identify the official networks in published
code are understood as well: "configs/sam2.1/sam2.1_hiera_t.yaml" in all spellings that Hydra finds, such as
"sam2_hiera_l" and "/home/me/sam2/configs/sam2.1/sam2.1_hiera_b+.yaml", "facebook/sam2.1-hiera-tiny", and
"sam2.1_hiera_tiny.pt"; for SAM also "vit_b" and "sam_vit_b_01ec64.pth".

A name may carry the side of the square input after an @: "sam2.1_hiera_tiny@512" is faster and coarser than
"sam2.1_hiera_tiny", whose own side is 1024 pixels. `split_name` reads that, for all who take a name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from sam2_core.errors import ConfigError
from sam2_core.model.config import AnyConfig, NetworkConfig, ViTConfig
from sam2_core.model.official_settings import FIXED_SETTINGS, OFFICIAL_FIELDS
from sam2_core.paths import ROOT

BUNDLED = "nano"
IMAGE_SIZES = (512, 768, 1024)
"""Sides of the input that the official networks of SAM 2 are offered with; the last one is their own."""

Gflops: TypeAlias = tuple[float, float | None]
"""Work for an image with one click, and for a tracked frame of one object with full memory (None: it cannot track)."""


@dataclass(frozen=True, slots=True)
class WebFile:
    """A published file outside of the Hub, with its checksum."""

    url: str
    md5: str


@dataclass(frozen=True, slots=True)
class KnownNetwork:
    """A network with published weights.

    `parameters` are in millions. `counted` are the gflops at some sides of the input, counted from the layers (a
    multiply-add is two operations). The weights are `file` in the Hub repository `repository`, or at the address `web`,
    or in `assets/` if both are None. `image_size` is the side of the input in pixels; `name` and `title` tell it unless
    it is the network's own.
    """

    name: str
    title: str
    parameters: float
    counted: tuple[tuple[int, Gflops], ...]
    file: str
    repository: str | None = None
    web: WebFile | None = None
    image_size: int = IMAGE_SIZES[-1]

    def resized(self, image_size: int) -> KnownNetwork:
        """The same network with another side of its input; raises `ConfigError` for one that it cannot have."""
        if image_size == self.image_size:
            return self
        own = NETWORKS[self.base_name]
        resized_config(_known_config(own.name), image_size)
        if image_size == own.image_size:
            return own
        title = f"{own.title} {image_size}"
        return replace(own, name=f"{own.name}@{image_size}", title=title, image_size=image_size)

    @property
    def base_name(self) -> str:
        """The name without the side of the input."""
        return split_name(self.name)[0]

    @property
    def image_sizes(self) -> tuple[int, ...]:
        """Sides of the input that this network is offered with."""
        return tuple(size for size, _ in self.counted)

    @property
    def gflops(self) -> Gflops:
        """Work at this side of the input. Between and beyond the sides at which it was counted it is interpolated, and
        an eighth off at most from 256 to 1280: work grows with the square of the side, that of attention with the
        fourth power."""
        images, frames = ([(size, work[part]) for size, work in self.counted] for part in (0, 1))
        can_track = all(work is not None for _, work in frames)
        at = self.image_size
        return _interpolate(images, at), _interpolate(frames, at) if can_track else None

    @property
    def relative_gflops(self) -> Gflops:
        """`gflops` as multiples of the bundled network's."""
        (image, frame), (own_image, own_frame) = NETWORKS[BUNDLED].gflops, self.gflops
        return own_image / image, None if own_frame is None or frame is None else own_frame / frame

    @property
    def can_track(self) -> bool:
        """Whether it has a memory; SAM 1 segments pictures only."""
        return self.gflops[1] is not None

    @property
    def is_bundled(self) -> bool:
        """Whether the weights come with this project."""
        return self.repository is None and self.web is None

    @property
    def license(self) -> str:
        """License and origin of the weights."""
        return "Apache 2.0, from this project" if self.is_bundled else "Apache 2.0, from Meta"

    @property
    def megabytes(self) -> float:
        """Size of the weights on disk; official checkpoints are fp32."""
        file = self._bundled_file
        return file.stat().st_size / 1e6 if file.is_file() else 4 * self.parameters

    @property
    def weights_on_disk(self) -> Path | None:
        """The file of the weights if it is bundled or was downloaded, else None."""
        if self.repository is None:
            file = self._bundled_file if self.web is None else self.web_file
            return file if file.is_file() else None
        from huggingface_hub import try_to_load_from_cache  # deferred: importing it takes a second

        found = try_to_load_from_cache(self.repository, self.file)
        return Path(found) if isinstance(found, str) else None

    @property
    def web_file(self) -> Path:
        """Where the file from `web` is kept: in the Hub's cache folder."""
        from huggingface_hub import constants

        return Path(constants.HF_HUB_CACHE) / "segment_anything" / self.file

    @property
    def _bundled_file(self) -> Path:
        return ROOT / "assets" / self.file


def _interpolate(counted: Sequence[tuple[int, float | None]], image_size: int) -> float:
    """The polynomial in the square of the side through these points (Lagrange's form)."""
    points = [(size**2, work or 0.0) for size, work in counted]
    at = image_size**2
    return sum(work * prod((at - other) / (own - other) for other, _ in points if other != own) for own, work in points)


def _official(version: str, size: str, parameters: float) -> KnownNetwork:
    name = f"{version}_hiera_{size}"
    return KnownNetwork(
        name,
        f"{version.upper().replace('SAM', 'SAM ')} {size.replace('_plus', '+')}",
        parameters,
        tuple(zip(IMAGE_SIZES, _OFFICIAL_GFLOPS[size], strict=True)),
        file=f"{name}.pt",
        repository=f"facebook/{version}-hiera-{size.replace('_', '-')}",
    )


def _sam(size: str, parameters: float, gflops: float, md5: str) -> KnownNetwork:
    file = f"sam_vit_{size}_{md5[:6]}.pth"
    web = WebFile(f"https://dl.fbaipublicfiles.com/segment_anything/{file}", md5)
    counted = ((1024, (gflops, None)),)
    return KnownNetwork(f"sam_vit_{size}", f"SAM ViT-{size.upper()}", parameters, counted, file, web=web)


_OFFICIAL_GFLOPS: dict[str, tuple[Gflops, ...]] = {
    "tiny": ((62.4, 113.6), (147.3, 359.2), (290.4, 907.6)),
    "small": ((82.5, 133.7), (187.7, 399.6), (358.1, 975.3)),
    "base_plus": ((160.2, 211.4), (351.4, 563.3), (644.1, 1261.3)),
    "large": ((433.0, 484.2), (994.6, 1206.5), (1818.8, 2436.0)),
}
"""At each of `IMAGE_SIZES`; the same in SAM 2 and SAM 2.1."""

NETWORKS: dict[str, KnownNetwork] = {
    network.name: network
    for network in (
        KnownNetwork(BUNDLED, "nano", 4.4, ((384, (3.4, 6.3)),), file="nano.safetensors", image_size=384),
        _official("sam2.1", "tiny", 39.0),
        _official("sam2.1", "small", 46.1),
        _official("sam2.1", "base_plus", 80.9),
        _official("sam2.1", "large", 224.4),
        _official("sam2", "tiny", 38.9),
        _official("sam2", "small", 46.0),
        _official("sam2", "base_plus", 80.8),
        _official("sam2", "large", 224.4),
        _sam("b", 93.7, 976, "01ec64d29a2fca3f0661936605ae66f8"),
        _sam("l", 312.3, 2989, "0b3195507c641ddb6910d2bb5adee89c"),
        _sam("h", 641.1, 5965, "4b8939a88964f0f4ff5f5b2642c598a6"),
    )
}

_PUBLISHED = {
    source: network.name
    for network in NETWORKS.values()
    if not network.is_bundled
    for source in (network.file, network.repository or network.name.removeprefix("sam_"))
}

_OFFICIAL_FOLDER = r"(?:\.?/)*(?:sam2/)?(?:configs/)?(?:sam2(?:\.1)?/)?"
_OFFICIAL_NAME = re.compile(
    rf"(?:{_OFFICIAL_FOLDER}|(?P<folder>.*/)(?=[^/]*\.ya?ml$))"
    r"sam2(?P<version>[._]?1)?_hiera_(?P<size>tiny|t|small|s|base_plus|b_plus|b\+|b|large|l)(?:\.ya?ml)?"
)
_SIZES = {"t": "tiny", "s": "small", "b": "base_plus", "l": "large"}
_NAME_WITH_SIZE = re.compile(r"(?P<name>.+)@(?P<size>[0-9]{1,6})", re.DOTALL)


def split_name(name: str) -> tuple[str, int | None]:
    """The name or file of a network, and the side of its input that stands after an @ (None: there is none)."""
    found = _NAME_WITH_SIZE.fullmatch(name)
    return (name, None) if found is None else (found["name"], int(found["size"]))


def join_name(name: str, image_size: int | None) -> str:
    """The name or file of a network with this side of its input; raises `ConfigError` if it names another one."""
    base, size = split_name(name)
    if image_size is None or image_size == size:
        return name
    if size is not None:
        raise ConfigError(f"{name} says that the image size is {size}, and not {image_size}: say it once.")
    return f"{base}@{image_size}"


def _known_name(name: str) -> str | None:
    """The key in `NETWORKS` for a name as published code writes it."""
    if name in NETWORKS:
        return name
    if name in _PUBLISHED:
        return _PUBLISHED[name]
    found = _OFFICIAL_NAME.fullmatch(name.replace("\\", "/"))
    if found is None:
        return None
    return f"sam2{'.1' if found['version'] else ''}_hiera_{_SIZES[found['size'][0]]}"


def is_known(name: str) -> bool:
    """Whether a string is the name of a known network, in any of its spellings, with any side of the input."""
    return _known_name(split_name(name)[0]) is not None


def known_network(name: str) -> KnownNetwork:
    """The network with this name, in any of its spellings; raises `ConfigError`, with the list of names or sizes."""
    base, size = split_name(name)
    found = _known_name(base)
    if found is None:
        hint = " A number follows the @, as in sam2.1_hiera_tiny@512." if "@" in base else ""
        raise ConfigError(
            f"There is no network named {name!r}. Known names: {', '.join(NETWORKS)}, and those of the official "
            f"files.{hint}"
        )
    return NETWORKS[found] if size is None else NETWORKS[found].resized(size)


def network_config(name: str) -> AnyConfig:
    """The configuration of a known network, or the one in a YAML file of the user; raises `ConfigError`."""
    base, size = split_name(name)
    if base.endswith((".yaml", ".yml")) and Path(base).is_file():
        config = _config_in_file(Path(base), _known_name(base))
    else:
        config = _known_config(known_network(base).name)
    return config if size is None else resized_config(config, size)


def resized_config(config: AnyConfig, image_size: int) -> AnyConfig:
    """A configuration with another side of the input, a multiple of 32; raises `ConfigError` where it cannot change."""
    if image_size == config.image_size:
        return config
    only = f"{config.name} takes an image size of {config.image_size} only"
    offer = f"Networks of SAM 2 can change it: sam2.1_hiera_tiny@{IMAGE_SIZES[0]}."
    if isinstance(config, ViTConfig):
        raise ConfigError(f"{only}, not {image_size}: a network of SAM 1 has learned its positions for that. {offer}")
    if config.name == BUNDLED:
        raise ConfigError(f"{only}, not {image_size}: it was trained for that. {offer}")
    try:
        return config.changed(image_size=image_size)
    except ConfigError as error:
        sizes = ", ".join(map(str, IMAGE_SIZES[:-1]))
        raise ConfigError(f"{error} Usual are {sizes} and {IMAGE_SIZES[-1]}.") from error


def sam2_config(name: str) -> NetworkConfig:
    """As `network_config`; raises `ConfigError` for a network of SAM."""
    config = network_config(name)
    if not isinstance(config, NetworkConfig):
        raise ConfigError(
            f"{config.name} is a network of SAM 1, and this needs one of SAM 2, such as {BUNDLED} or sam2.1_hiera_tiny."
        )
    return config


def _known_config(name: str) -> AnyConfig:
    return read_config(ROOT / "configs" / f"{name}.yaml")


def _config_in_file(path: Path, known: str | None) -> AnyConfig:
    """Read a YAML file of ours or of the official code, whose file name may be that of a known network."""
    try:
        values = read_settings(path, "network configuration")
    except ConfigError:
        if known is None:
            raise
        values = {}
    model = values.get("model")
    if "name" in values or (known is None and not isinstance(model, dict)):
        return _config_of(values)
    settings = model if isinstance(model, dict) else {}
    base = _known_config(known) if known else None
    return _official_config(path, settings, base if isinstance(base, NetworkConfig) else None)


def _official_config(path: Path, model: dict[str, Any], base: NetworkConfig | None) -> NetworkConfig:
    """A known network with the settings of the section `model` in an official YAML file.

    Without a `base` it is the network with the same trunk. Raises `ConfigError` for settings that cannot be changed.
    """
    trunk = (model.get("image_encoder") or {}).get("trunk") or {}
    is_first = not model.get("no_obj_embed_spatial", False)
    for name in NETWORKS if base is None else ():
        config = _known_config(name)
        if not isinstance(config, NetworkConfig):
            continue
        sizes = (config.embed_dim, config.no_object_in_memory, list(config.stages))
        if sizes == (trunk.get("embed_dim"), not is_first, trunk.get("stages")):
            base = config
    if base is None:
        raise ConfigError(f"{path} describes none of the known networks: {', '.join(NETWORKS)}.")
    for name, setting in FIXED_SETTINGS.items():
        if name in model:
            setting.check(model[name])
    fields = {OFFICIAL_FIELDS[name]: value for name, value in model.items() if name in OFFICIAL_FIELDS}
    return base.changed(**{field: value for field, value in fields.items() if value != getattr(base, field)})


def read_config(path: Path) -> AnyConfig:
    """Read the YAML file of a network; raises `ConfigError` naming the file."""
    return _config_of(read_settings(path, "network configuration"))


def _config_of(values: dict[str, Any]) -> AnyConfig:
    """A configuration from YAML data, in which `encoder` is "hiera" (SAM 2, the default) or "vit" (SAM)."""
    encoder = values.get("encoder", "hiera")
    if encoder not in ("hiera", "vit"):
        raise ConfigError(f"The encoder of a network is hiera or vit, not {encoder!r}.")
    sizes = {name: value for name, value in values.items() if name != "encoder"}
    return ViTConfig.from_mapping(sizes) if encoder == "vit" else NetworkConfig.from_mapping(sizes)


def read_settings(path: Path, what: str) -> dict[str, Any]:
    """Read a YAML mapping; raises `ConfigError` naming the file and `what` it should contain."""
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(f"The {what} {path} cannot be read: {error}.") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{path} holds no {what}: it should be a list of `name: value` lines.")
    return values
