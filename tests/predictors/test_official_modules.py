"""The module names of the official package."""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys

import pytest

from sam2_core.networks import known_network
from sam2_core.predictors import official_modules
from sam2_core.predictors.official_modules import MODULES


@pytest.mark.parametrize("name", MODULES)
def test_every_module_and_name_exists(name: str) -> None:
    module = importlib.import_module(f"sam2_core.{name}")
    assert module is importlib.import_module(f"sam2_core.{name}")
    assert not [official for official in MODULES[name] if not hasattr(module, official)]
    parent, _, _ = name.rpartition(".")
    assert parent == "" or parent in MODULES


def test_a_class_is_the_same_under_both_names() -> None:
    import sam2_core

    found = importlib.import_module("sam2_core.sam2_image_predictor").SAM2ImagePredictor
    assert found is sam2_core.SAM2ImagePredictor
    assert found.__module__ == "sam2_core.predictors.image_predictor"


def test_names_of_segment_anything() -> None:
    from sam2_core.build_sam import build_sam, build_sam_vit_b, sam_model_registry
    from sam2_core.modeling import ImageEncoderViT, MaskDecoder, Sam, TwoWayTransformer
    from sam2_core.modeling.sam import Sam as SamOfModule
    from sam2_core.predictor import SamPredictor
    from sam2_core.utils.transforms import ResizeLongestSide, SAM2Transforms

    import sam2_core

    assert sam_model_registry is sam2_core.sam_model_registry
    assert sam_model_registry["vit_b"] is build_sam_vit_b
    assert sam_model_registry["default"] is build_sam
    assert SamPredictor is sam2_core.SamPredictor
    assert Sam is SamOfModule
    assert {kind.__name__ for kind in (ImageEncoderViT, MaskDecoder, TwoWayTransformer)} == {
        "ImageEncoderViT",
        "SamMaskDecoder",
        "TwoWayTransformer",
    }
    assert ResizeLongestSide is not SAM2Transforms


def test_a_module_can_be_called_like_the_function_that_it_hides(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in `SamPredictor(build_sam(checkpoint=...))`."""
    from sam2_core import build_sam

    monkeypatch.setattr(build_sam, "build_sam", lambda checkpoint=None: f"a network from {checkpoint}")
    assert build_sam(checkpoint="sam_vit_h.pth") == "a network from sam_vit_h.pth"  # type: ignore[operator]
    assert not callable(importlib.import_module("sam2_core.sam2_image_predictor"))


def test_the_table_of_the_hub_names_known_networks() -> None:
    from sam2_core.build_sam import HF_MODEL_ID_TO_FILENAMES as FILENAMES

    assert len(FILENAMES) == 8
    assert FILENAMES["facebook/sam2.1-hiera-base-plus"] == (
        "configs/sam2.1/sam2.1_hiera_b+.yaml",
        "sam2.1_hiera_base_plus.pt",
    )
    for repository, (config, file) in FILENAMES.items():
        assert known_network(repository) is known_network(config) is known_network(file)


def test_other_modules_are_not_found() -> None:
    for name in ("sam2_core.build_sam3", "sam2_core.utils.audio", "other.build_sam"):
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module(name)
    with pytest.raises(ImportError, match="cannot import name 'Missing'"):
        exec("from sam2_core.build_sam import Missing")
    assert importlib.util.find_spec("sam2_core.build_sam") is not None


def test_the_hook_is_installed_once_and_costs_no_torch() -> None:
    code = """
import sys, sam2_core
from importlib import reload
reload(sam2_core)
print(sum(type(finder).__name__ == "_OfficialModules" for finder in sys.meta_path), "torch" in sys.modules)
import sam2_core.build_sam
print("torch" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "False", "True"]
    official_modules.install()
