"""The known networks: their names, sizes, and the tensors of their checkpoints."""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from sam2_core.errors import ConfigError
from sam2_core.model.config import NetworkConfig, ViTConfig
from sam2_core.model.network import SAM2, Memory, Pointer
from sam2_core.model.sam import Network, Sam
from sam2_core.networks import BUNDLED, NETWORKS, ROOT, known_network, network_config, sam2_config

OFFICIAL_TENSORS = Path(__file__).parents[1] / "golden" / "official_tensors.json.gz"
OFFICIAL = [name for name in NETWORKS if name != BUNDLED]


def build(name: str) -> Network:
    """The network without values, on the meta device."""
    config = network_config(name)
    with torch.device("meta"):
        return (SAM2(config) if isinstance(config, NetworkConfig) else Sam(config)).requires_grad_(False)


@cache
def official_shapes() -> dict[str, dict[str, list[int]]]:
    return json.loads(gzip.decompress(OFFICIAL_TENSORS.read_bytes()))


@pytest.mark.parametrize("name", OFFICIAL)
def test_the_tensors_are_those_of_the_official_checkpoint(name: str) -> None:
    shapes = {key: list(tensor.shape) for key, tensor in build(name).state_dict().items()}
    assert shapes == official_shapes()[name]


@pytest.mark.parametrize("name", NETWORKS)
def test_the_number_of_parameters_is_as_listed(name: str) -> None:
    count = sum(parameter.numel() for parameter in build(name).parameters()) / 1e6
    assert count == pytest.approx(NETWORKS[name].parameters, abs=0.06)


@pytest.mark.parametrize(
    "name", [known.resized(size).name for known in NETWORKS.values() for size in known.image_sizes]
)
def test_gflops_match_the_counted_operations(name: str) -> None:
    network = build(name)
    config, side = network.config, network.config.embedding_size
    with torch.device("meta"), torch.no_grad():
        image = torch.zeros(1, 3, config.image_size, config.image_size)
        click = torch.zeros(1, 1, 2), torch.ones(1, 1, dtype=torch.int32)
        with FlopCounterMode(display=False) as click_flops:
            features = network.encode_image(image)
            prompt = None if isinstance(network, Sam) else click  # SAM reads its labels, which have no values here
            network.predict_masks(features.embedding, features.high_res, prompt, None, True)
        listed_click, listed_frame = known_network(name).gflops
        assert click_flops.get_total_flops() / 1e9 == pytest.approx(listed_click, rel=0.01)
        if isinstance(network, Sam):
            assert listed_frame is None
            return
        memories = [
            Memory(torch.zeros(1, config.memory_width, side, side), slot) for slot in range(config.memory_slots)
        ]
        pointers = [Pointer(torch.zeros(1, config.width), 0.5)] * config.max_pointers
        with FlopCounterMode(display=False) as memory_flops:
            network.attend(features.embedding, memories, pointers)
            network.encode_memory(features.embedding, torch.zeros(1, 1, 4 * side, 4 * side), torch.zeros(1, 1), False)
    frame = (click_flops.get_total_flops() + memory_flops.get_total_flops()) / 1e9
    assert frame == pytest.approx(listed_frame, rel=0.01)


def test_gflops_of_other_sizes_lie_between() -> None:
    small, between, large = (known_network(f"sam2.1_hiera_large@{size}").gflops for size in (512, 640, 768))
    assert small < between < large
    assert between == pytest.approx((765, 876), rel=0.125)
    picture, frame = known_network("sam2.1_hiera_tiny@512").relative_gflops
    assert (picture, frame) == (pytest.approx(18.4, abs=0.1), pytest.approx(18.0, abs=0.1))


def test_titles_are_short_and_differ() -> None:
    titles = {network.title for network in NETWORKS.values()}
    assert {"nano", "SAM 2.1 tiny", "SAM 2.1 base+", "SAM 2 large", "SAM ViT-B"} <= titles
    assert len(titles) == len(NETWORKS)


@pytest.mark.parametrize("official, name", [
    ("configs/sam2.1/sam2.1_hiera_b+.yaml", "sam2.1_hiera_base_plus"),
    ("configs/sam2/sam2_hiera_s.yaml", "sam2_hiera_small"),
    ("sam2_hiera_l.yaml", "sam2_hiera_large"),
    ("facebook/sam2.1-hiera-base-plus", "sam2.1_hiera_base_plus"),
    ("facebook/sam2-hiera-tiny", "sam2_hiera_tiny"),
    ("sam2.1_hiera_large.pt", "sam2.1_hiera_large"),
    ("sam_vit_b_01ec64.pth", "sam_vit_b"),
    ("vit_h", "sam_vit_h"),
    ("nano", "nano"),
])  # fmt: skip
def test_official_strings_are_names(official: str, name: str) -> None:
    assert known_network(official).name == name
    assert network_config(official).name == name


def test_an_unknown_name_raises_with_the_known_names() -> None:
    with pytest.raises(ConfigError, match=r"'sam3'.*nano.*sam2\.1_hiera_tiny"):
        known_network("sam3")


def test_a_yaml_file_of_the_user_is_a_network(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("name: mine\nimage_size: 512\nstages: [1, 1, 1, 1]\n")
    config = network_config(str(file))
    assert (config.name, config.image_size, config.stages, config.width) == ("mine", 512, (1, 1, 1, 1), 256)
    file.write_text("name: mine\nencoder: vit\ndepth: 2\nglobal_attention_blocks: [1]\n")
    assert network_config(str(file)) == ViTConfig(name="mine", depth=2, global_attention_blocks=(1,))


def test_a_network_knows_its_image_sizes() -> None:
    for name, known in NETWORKS.items():
        assert known.image_size == network_config(name).image_size
        assert known.image_size in known.image_sizes
    assert NETWORKS["sam2_hiera_small"].image_sizes == (512, 768, 1024)
    assert NETWORKS["nano"].image_sizes == (384,)


def test_networks_of_sam_are_refused_where_sam_2_is_needed() -> None:
    assert sam2_config("nano").name == "nano"
    with pytest.raises(ConfigError, match="sam_vit_b is a network of SAM 1, and this needs one of SAM 2"):
        sam2_config("sam_vit_b")
    assert [name for name, network in NETWORKS.items() if not network.can_track] == [
        "sam_vit_b",
        "sam_vit_l",
        "sam_vit_h",
    ]


@pytest.mark.parametrize(("text", "complaint"), [
    ("name: mine\ncolour: red\n", "colour"),
    ("image_size: 512\n", "needs a name"),
    ("name: mine\nimage_size: 100\n", "multiple of 32"),
    ("name: mine\nencoder: vit\nimage_size: 100\n", "16 the image_size"),
    ("name: mine\nencoder: vit\nstages: [1, 1, 1, 1]\n", "stages"),
    ("name: mine\nencoder: [vit]\n", "hiera or vit"),
    ("name: mine\nstages: [1, 2]\n", "four stages"),
    ("name: mine\nmemory_width: 60\n", "multiple of memory_width"),
    ("- a list\n", "holds no network configuration"),
    ("name: [", "cannot be read"),
])  # fmt: skip
def test_an_invalid_configuration_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=complaint):
        network_config(str(file))


def test_every_configuration_file_belongs_to_a_network() -> None:
    rows = {file.stem for file in (ROOT / "configs").glob("*.yaml")} - {"app"}
    assert rows == set(NETWORKS)
    assert all(network_config(name).name == name for name in rows)
    assert NetworkConfig(name="sam2.1_hiera_tiny") == network_config("sam2.1_hiera_tiny")


@pytest.mark.parametrize(
    "setting",
    [
        {"image_size": "abc"},
        {"image_size": 384.0},
        {"stages": 5},
        {"stages": [1, 2, "x", 2]},
        {"memory_width": 0},
        {"window_sizes": [8, 4, 0, 8]},
        {"pointer_times": 1},
        {"width": True},
    ],
)
def test_a_value_of_the_wrong_type_is_named(setting: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="mine"):
        NetworkConfig.from_mapping({"name": "mine", **setting})
