"""The names of networks, and YAML files, as published code gives them."""

from __future__ import annotations

from pathlib import Path

import pytest

from sam2_core.errors import ConfigError
from sam2_core.networks import is_known, join_name, known_network, network_config, split_name


@pytest.mark.parametrize(
    ("name", "network"),
    [
        ("configs/sam2.1/sam2.1_hiera_l.yaml", "sam2.1_hiera_large"),
        ("./configs/sam2.1/sam2.1_hiera_b+.yaml", "sam2.1_hiera_base_plus"),
        ("/configs/sam2.1/sam2.1_hiera_t.yaml", "sam2.1_hiera_tiny"),
        ("//home/me/sam2/sam2/configs/sam2/sam2_hiera_s.yaml", "sam2_hiera_small"),
        ("/home/me/sam2/configs/sam2.1/sam2.1_hiera_s.yaml", "sam2.1_hiera_small"),
        ("../sam2/configs/sam2.1/sam2.1_hiera_s.yml", "sam2.1_hiera_small"),
        ("D:\\models\\sam2_configs\\sam2_hiera_l.yaml", "sam2_hiera_large"),
        ("sam2.1/sam2.1_hiera_t.yaml", "sam2.1_hiera_tiny"),
        ("configs/sam2.1/sam2.1_hiera_t", "sam2.1_hiera_tiny"),
        ("sam2/configs/sam2/sam2_hiera_t", "sam2_hiera_tiny"),
        ("sam2_configs/sam2_hiera_l.yaml", "sam2_hiera_large"),
        ("sam2_hiera_l.yaml", "sam2_hiera_large"),
        ("sam2_hiera_l", "sam2_hiera_large"),
        ("sam2_hiera_b+", "sam2_hiera_base_plus"),
        ("sam2_hiera_b_plus.yaml", "sam2_hiera_base_plus"),
        ("sam2_hiera_base_plus.yaml", "sam2_hiera_base_plus"),
        ("sam2_hiera_large.yaml", "sam2_hiera_large"),
        ("sam2_1_hiera_l.yaml", "sam2.1_hiera_large"),
        ("sam21_hiera_t", "sam2.1_hiera_tiny"),
        ("sam2.1_hiera_large.pt", "sam2.1_hiera_large"),
        ("facebook/sam2.1-hiera-base-plus", "sam2.1_hiera_base_plus"),
        ("nano", "nano"),
    ],
)
def test_names_of_published_code(name: str, network: str) -> None:
    assert is_known(name)
    assert known_network(name).name == network
    assert network_config(name).name == network


@pytest.mark.parametrize(
    "name",
    [
        "someone/sam2.1-hiera-large",  # weights of somebody else
        "someone/sam2.1_hiera_large",
        "checkpoints/sam2.1_hiera_large.pt",  # a file of the user
        "sam2.1_hiera_xl.yaml",
        "sam3_hiera_l.yaml",
        "sam2_hiera_l.yaml.bak",
        "configs/sam2.1_training/sam2.1_hiera_b+_MOSE_finetune.yaml",
        "sam2_hiera_",
        "",
    ],
)
def test_other_names_are_refused(name: str) -> None:
    assert not is_known(name)
    with pytest.raises(ConfigError, match=r"Known names: nano, sam2\.1_hiera_tiny"):
        known_network(name)


# --- sizes of the input -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "name", "size"),
    [
        ("sam2.1_hiera_tiny@512", "sam2.1_hiera_tiny@512", 512),
        ("facebook/sam2-hiera-base-plus@768", "sam2_hiera_base_plus@768", 768),
        ("configs/sam2.1/sam2.1_hiera_t.yaml@640", "sam2.1_hiera_tiny@640", 640),
        ("sam2.1_hiera_tiny@1024", "sam2.1_hiera_tiny", 1024),
        ("nano@384", "nano", 384),
        ("vit_b@1024", "sam_vit_b", 1024),
    ],
)
def test_a_name_may_carry_the_size_of_the_input(given: str, name: str, size: int) -> None:
    assert is_known(given)
    known = known_network(given)
    assert (known.name, known.image_size, known.base_name) == (name, size, name.partition("@")[0])
    assert (network_config(given).image_size, network_config(given).name) == (size, known.base_name)
    assert known_network(known.name) == known


def test_a_size_changes_the_input_alone() -> None:
    fast, exact = known_network("sam2.1_hiera_tiny@512"), known_network("sam2.1_hiera_tiny")
    assert (fast.title, exact.title) == ("SAM 2.1 tiny 512", "SAM 2.1 tiny")
    assert (fast.file, fast.repository, fast.parameters) == (exact.file, exact.repository, exact.parameters)
    assert fast.resized(1024) == exact
    assert exact.resized(512) == fast


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("sam2.1_hiera_tiny@500", r"image_size must be a multiple of 32, not 500\. Usual are 512, 768 and 1024\."),
        ("sam2.1_hiera_tiny@0", "sizes must be positive"),
        ("nano@512", r"nano takes an image size of 384 only, not 512: .* sam2\.1_hiera_tiny@512"),
        ("sam_vit_b@512", "of 1024 only, not 512: a network of SAM 1 has learned its positions for that"),
    ],
)
def test_a_size_that_is_not_allowed_is_explained(name: str, complaint: str) -> None:
    assert is_known(name)
    for find in (known_network, network_config):
        with pytest.raises(ConfigError, match=complaint):
            find(name)


@pytest.mark.parametrize("name", ["sam2.1_hiera_tiny@", "sam2.1_hiera_tiny@large", "sam2.1_hiera_tiny@5.5"])
def test_after_the_at_follows_a_number(name: str) -> None:
    assert not is_known(name)
    with pytest.raises(ConfigError, match=r"A number follows the @, as in sam2\.1_hiera_tiny@512"):
        known_network(name)


def test_names_and_sizes_are_joined_and_split() -> None:
    assert split_name("sam2.1_hiera_tiny@512") == ("sam2.1_hiera_tiny", 512)
    assert split_name("/home/me@work/mine.pt") == ("/home/me@work/mine.pt", None)
    assert split_name("/home/me@7/mine.pt@768") == ("/home/me@7/mine.pt", 768)
    assert join_name("nano", None) == "nano"
    assert join_name("sam2_hiera_large", 512) == join_name("sam2_hiera_large@512", 512) == "sam2_hiera_large@512"
    with pytest.raises(ConfigError, match="says that the image size is 512, and not 768"):
        join_name("sam2_hiera_large@512", 768)


OFFICIAL = """\
# @package _global_
model:
  _target_: sam2.modeling.sam2_base.SAM2Base
  image_encoder:
    trunk: {embed_dim: 96, num_heads: 1, stages: [1, 2, 7, 2], global_att_blocks: [5, 7, 9]}
    neck: {d_model: 256}
  num_maskmem: 7
  image_size: %s
  directly_add_no_mem_embed: %s
  no_obj_embed_spatial: true
  max_obj_ptrs_in_encoder: 4
"""


def test_official_files(tmp_path: Path) -> None:
    named, other = tmp_path / "sam2.1_hiera_t.yaml", tmp_path / "mine.yaml"
    for file in (named, other):
        file.write_text(OFFICIAL % (512, "true"))
        config = network_config(str(file))
        assert (config.name, config.image_size, config.max_pointers) == ("sam2.1_hiera_tiny", 512, 4)
    for text in ("", "# only a comment\n", "defaults: [_self_]\n", "model:\n"):
        named.write_text(text)
        assert network_config(str(named)).name == "sam2.1_hiera_tiny"
    other.write_text(OFFICIAL % (1024, "false"))
    with pytest.raises(ConfigError, match="directly_add_no_mem_embed is True in all SAM 2 networks"):
        network_config(str(other))
    other.write_text("model:\n  image_size: 512\n")
    with pytest.raises(ConfigError, match="none of the known networks"):
        network_config(str(other))


def test_own_files(tmp_path: Path) -> None:
    file = tmp_path / "sam2.1_hiera_t.yaml"  # an official name does not hide the content
    file.write_text("name: mine\nimage_size: 256\n")
    assert (network_config(str(file)).name, network_config(str(file)).image_size) == ("mine", 256)
    assert network_config(f"{file}@512").image_size == 512
