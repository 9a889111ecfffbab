"""Training from CLIP's embeddings of crops, and prediction from those of texts, with a tiny CLIP of random weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from sam2_core.cli.main import main as masklet
from sam2_core.errors import BadPrompt, WeightsError
from sam2_core.model.clip_prompt import ClipPrompt
from sam2_core.predictors.build import build_sam2
from sam2_core.predictors.clip_segmenter import ClipSegmenter
from sam2_core.training import __main__ as command
from sam2_core.training.evaluate.metrics import outline_f
from sam2_core.types import Mask
from sam2_core.weights import load_network
from tests.detection.models import clip_tokenizer, spread
from tests.training.runs import PHASE, save_images, tiny_yaml

transformers = pytest.importorskip("transformers", reason="text prompts need the extra `text`")


def save_clip(folder: Path, width: int = 16) -> str:
    torch.manual_seed(0)
    sizes: dict[str, Any] = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1}
    sizes["num_attention_heads"] = 2
    text = {**sizes, "vocab_size": 60, "max_position_embeddings": 16, "bos_token_id": 1, "eos_token_id": 2}
    vision = {**sizes, "image_size": 32, "patch_size": 8}
    config = transformers.CLIPConfig(text_config=text, vision_config=vision, projection_dim=width)
    model = transformers.CLIPModel(config)
    spread(model)
    model.save_pretrained(folder)
    clip_tokenizer(16).save_pretrained(folder)
    return str(folder)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The folder of a run of four steps, which was resumed after two."""
    file, clip = tmp_path / "run.yaml", save_clip(tmp_path / "clip")
    values = {
        "network": tiny_yaml(tmp_path),
        "phases": [{**PHASE, "objects": 4}],
        "held_out": 0.3,
        "weights": "mine.pt",
    }
    file.write_text(yaml.safe_dump({**values, "minutes": 1}), "utf-8")
    data = save_images(tmp_path / "data", 6)
    arguments = ["--config", str(file), "--out", str(tmp_path / "out"), "--data", str(data), "--prompt", "clip"]
    for steps in ("2", "4"):
        assert command.main([*arguments, "--clip", clip, "--steps", steps]) == 0
    return tmp_path / "out"


def test_a_text_gets_a_mask(run: Path, tmp_path: Path) -> None:
    model = str(tmp_path / "tiny.yaml")
    load_network(model, str(run / "mine.pt"))  # the official layout, without the projection
    segmenter = ClipSegmenter.from_files(run / "mine.pt", model=model)
    image = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)
    found = segmenter.predict(image, ["dog", "a wheel", "dog"])
    assert (found.masks.shape, found.masks.dtype, found.predicted_iou.shape) == ((3, 48, 64), np.bool_, (3,))
    assert (found.masks[0] == found.masks[2]).all()
    assert found.predicted_iou[0] != found.predicted_iou[1], "another text, another prompt"
    [alone] = segmenter.predict(image, ["a wheel"]).predicted_iou
    assert alone == pytest.approx(found.predicted_iou[1], abs=1e-4)
    clicked = segmenter.predict(image, ["dog"], point_coords=[[20, 20]], point_labels=[1])
    assert clicked.masks.shape == (1, 48, 64)
    for texts, options in (([], {}), ([" "], {}), (["a", "b"], {"point_coords": [[1, 1]], "point_labels": [1]})):
        with pytest.raises(BadPrompt):
            segmenter.predict(image, texts, **options)


def test_the_command_line_prompts_with_texts(run: Path, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    model = str(tmp_path / "tiny.yaml")
    found = ClipSegmenter.from_files(run / "mine.pt", model=model).predict(pixels, ["dog"])
    network = ["--model", model, "--checkpoint", str(run / "mine.pt"), "--device", "cpu"]
    out = tmp_path / "masks.json"
    words = ["--text", "dog", "--prompt", "clip"]
    assert masklet(["segment", str(tmp_path / "photo.png"), *words, *network, "--out", str(out)]) == 0
    masks = [Mask.from_coco(each["segmentation"]) for each in json.loads(out.read_text("utf-8"))["annotations"]]
    assert masks == [Mask.from_array(each) for each in found.masks if each.any()]


def test_another_clip_is_refused(run: Path, tmp_path: Path) -> None:
    other = save_clip(tmp_path / "other", width=24)
    with pytest.raises(WeightsError, match="is not the CLIP that"):
        ClipSegmenter.from_files(run / "mine.pt", clip=other, model=str(tmp_path / "tiny.yaml"))


def test_what_is_wrong_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "run.yaml"
    file.write_text(yaml.safe_dump({"network": tiny_yaml(tmp_path), "phases": [PHASE], "steps": 2}), "utf-8")
    data = save_images(tmp_path / "data", 3)
    arguments = ["--config", str(file), "--out", str(tmp_path / "out"), "--data", str(data)]
    assert command.main([*arguments, "--clip", "here"]) == 1
    assert command.main([*arguments, "--prompt", "clip", "--clip", str(data)]) == 1
    assert command.main([*arguments, "--prompt", "clip", "--clip", "nothing"]) == 1
    said = capsys.readouterr().err
    assert "give both" in said
    assert "is no folder with a CLIP" in said
    assert "There is no CLIP 'nothing'" in said


def test_masks_of_texts_have_fitted_boundaries() -> None:
    class OneWord:
        def embed_texts(self, texts: list[str]) -> torch.Tensor:
            return torch.zeros(len(texts), 16)

    torch.manual_seed(0)
    network, shape = build_sam2(device="cpu"), np.zeros((240, 320), np.bool_)
    for x in range(80, 220, 24):  # a comb
        shape[60:170, x : x + 12] = True
    shape[150:180, 80:212] = True
    image = np.where(shape[..., None], [220, 180, 40], [40, 60, 90]).astype(np.uint8)
    segmenter = ClipSegmenter(network, ClipPrompt(16, network.config.width), OneWord())  # type: ignore[arg-type]
    click: dict[str, Any] = {"point_coords": [[150, 165]], "point_labels": [1]}
    [fitted] = segmenter.predict(image, ["comb"], **click).masks
    segmenter.predictor._transforms.mean = [0.4, 0.4, 0.4]  # pixels cannot be told from such an input
    [plain] = segmenter.predict(image, ["comb"], **click).masks
    assert outline_f(fitted, shape, 2) > outline_f(plain, shape, 2) + 0.02
