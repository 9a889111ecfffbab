"""Lists of networks, export formats, presets and effects."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from sam2_core.media import EFFECTS, EXPORT_FORMATS, PRESETS, EffectStack
from sam2_core.networks import NETWORKS, ROOT
from tests.cli.runner import CommandRunner

WEIGHTS = ROOT / "assets" / "nano.safetensors"


def test_networks_are_listed(masklet: CommandRunner) -> None:
    done = masklet("models", "--json")
    assert (done.code, [each["name"] for each in done.results]) == (0, list(NETWORKS))
    assert done.results[0]["file"] == str(WEIGHTS)
    [tiny] = masklet("models", "list", "facebook/sam2.1-hiera-tiny", "--json").results
    assert (tiny["name"], tiny["repository"]) == ("sam2.1_hiera_tiny", "facebook/sam2.1-hiera-tiny")
    [sam] = masklet("models", "list", "sam_vit_b_01ec64.pth", "--json").results
    assert (sam["name"], sam["repository"], sam["tracks"]) == ("sam_vit_b", None, False)
    assert sam["url"] == "https://dl.fbaipublicfiles.com/segment_anything/sam_vit_b_01ec64.pth"
    assert len(masklet("models").out.splitlines()) == len(NETWORKS)
    [fast] = masklet("models", "list", "sam2.1_hiera_tiny@512", "--json").results
    assert (fast["name"], fast["title"]) == ("sam2.1_hiera_tiny@512", "SAM 2.1 tiny 512")
    assert (fast["image_sizes"], fast["megabytes"], sam["image_sizes"]) == ([512, 768, 1024], 156.0, [1024])


def test_existing_weights_are_not_downloaded(masklet: CommandRunner) -> None:
    assert masklet("models", "download", "nano").out == f"{WEIGHTS}\n"


def test_weights_are_verified(masklet: CommandRunner, tmp_path: Path) -> None:
    assert masklet("models", "verify", "nano", "--json").result["network"] == "nano"
    shutil.copy(WEIGHTS, tmp_path / "mine.safetensors")
    done = masklet("models", "verify", tmp_path / "mine.safetensors")
    assert (done.code, "nano, all" in done.out) == (0, True)
    (tmp_path / "mine.safetensors").write_bytes(WEIGHTS.read_bytes()[:100_000])
    done = masklet("models", "verify", tmp_path / "mine.safetensors")
    assert (done.code, "cannot be read as weights" in done.err) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("verify",), 2, "Say which: masklet models verify NAME"),
        (("download", "bla"), 2, "There is no network named 'bla'"),
        (("download", "nano@512"), 2, "nano takes an image size of 384 only"),
        (("verify", "bla.pt"), 1, "There is no weights file at bla.pt"),
        (("burn", "nano"), 2, "invalid choice"),
    ],
)
def test_invalid_arguments_of_models_are_errors(
    masklet: CommandRunner, arguments: tuple[str, ...], code: int, message: str
) -> None:
    done = masklet("models", *arguments)
    assert (done.code, message in done.err) == (code, True)


def test_formats_are_listed(masklet: CommandRunner) -> None:
    assert [each["name"] for each in masklet("kinds", "--json").results] == list(EXPORT_FORMATS)
    output = masklet("kinds").out
    assert all(each.description in output for each in EXPORT_FORMATS.values())


def test_presets_and_effects_are_listed(masklet: CommandRunner) -> None:
    plain = masklet("looks", "--json").results
    assert [each["preset"] for each in plain if "preset" in each] == list(PRESETS)
    assert [each["effect"] for each in plain if "effect" in each] == list(EFFECTS)
    output = masklet("looks").out
    assert "strength   1 to 100 (usually 20)" in output


def test_a_preset_is_printed_as_json(masklet: CommandRunner) -> None:
    assert EffectStack.from_json(json.loads(masklet("looks", "sticker").out)) == PRESETS["Sticker"]
    assert masklet("looks", "bla").code == 2
