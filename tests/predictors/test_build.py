"""The size of the input as an argument of the builders."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest
import torch
import yaml

from sam2_core import (
    SAM2ImagePredictor,
    SAM2VideoPredictor,
    build_sam2,
    build_sam2_camera_predictor,
    build_sam2_hf,
    build_sam2_video_predictor,
)
from sam2_core import weights as weights_module
from sam2_core.errors import ConfigError
from sam2_core.networks import ROOT, resized_config, split_name
from tests.networks import TINY, tiny_network


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("weights") / "mine.pt"
    torch.save(tiny_network().state_dict(), file)
    return file


def test_the_size_of_the_input_is_an_argument_or_part_of_the_name(weights: Path, tmp_path: Path) -> None:
    config = tmp_path / "mine.yaml"
    sizes = {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(TINY).items()}
    config.write_text(yaml.safe_dump(sizes))
    for build in (build_sam2, build_sam2_video_predictor, build_sam2_camera_predictor):
        assert build(str(config), weights, "cpu", image_size=96).image_size == 96
        assert build(f"{config}@96", weights, "cpu").image_size == 96
        assert build(str(config), weights, "cpu").image_size == TINY.image_size
    with pytest.raises(ConfigError, match="multiple of 32, not 100"):
        build_sam2(str(config), weights, "cpu", image_size=100)
    with pytest.raises(ConfigError, match="says that the image size is 64, and not 96"):
        build_sam2(f"{config}@64", weights, "cpu", image_size=96)


def test_nano_has_its_own_size_also_where_its_weights_tell_what_it_is() -> None:
    for place in (None, ROOT / "assets" / "nano.safetensors"):
        with pytest.raises(ConfigError, match="nano takes an image size of 384 only, not 512"):
            build_sam2(None, place, "cpu", image_size=512)
    assert build_sam2(None, ROOT / "assets" / "nano.safetensors", "cpu", image_size=384).image_size == 384


def test_networks_from_the_hub_take_a_size(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights_module, "find_weights", lambda network, progress: weights)
    monkeypatch.setattr(weights_module, "network_config", lambda name: resized_config(TINY, split_name(name)[1] or 64))
    repository = "facebook/sam2.1-hiera-tiny"
    assert SAM2ImagePredictor.from_pretrained(repository, device="cpu", image_size=96).model.image_size == 96
    assert SAM2VideoPredictor.from_pretrained(f"{repository}@96", device="cpu").image_size == 96
    assert build_sam2_hf(repository, device="cpu").image_size == 64
