"""`SamOnnxModel` gives what `SamPredictor` gives, also when it is traced and exported."""

from __future__ import annotations

import runpy
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sam2_core.utils.onnx import SamOnnxModel

from sam2_core.model.sam import Sam
from sam2_core.predictors.sam_predictor import SamPredictor
from tests.model.test_sam import tiny_sam

ROOT = Path(__file__).resolve().parents[2]
SIZES = [(40, 60), (75, 30)]
BOX = torch.tensor([[4.0, 6.0, 25.0, 30.0]])


def predictor_of(size: tuple[int, int], model: Sam | None = None) -> SamPredictor:
    predictor = SamPredictor(model or tiny_sam())
    predictor.set_image(np.random.default_rng(0).integers(0, 255, (*size, 3), dtype=np.uint8))
    return predictor


def inputs(predictor: SamPredictor, points: list[list[float]], labels: list[int], mask: Any = None) -> list[Any]:
    """What the exported model takes, with the padding point where there is no box."""
    size = predictor.original_size
    assert size is not None
    coords = predictor.transform.apply_coords_torch(torch.tensor([points]), size)
    if 2 not in labels:
        coords, labels = torch.cat([coords, torch.zeros(1, 1, 2)], dim=1), [*labels, -1]
    given = torch.zeros(1, 1, 16, 16) if mask is None else mask
    has_mask = torch.tensor([0.0 if mask is None else 1.0])
    embedding = predictor.get_image_embedding()
    return [embedding, coords, torch.tensor([labels]).float(), given, has_mask, torch.tensor(size).float()]


def prompts(predictor: SamPredictor, kind: str) -> tuple[list[Any], tuple[torch.Tensor, ...]]:
    """The inputs of the model, and what the predictor finds: the single mask followed by the candidates."""
    size = predictor.original_size
    assert size is not None
    transform = predictor.transform
    points = transform.apply_coords_torch(torch.tensor([[[10.0, 12.0], [20.0, 25.0], [3.0, 3.0]]]), size)
    labels = torch.tensor([[1, 1, 0]])
    if kind == "click":
        given = inputs(predictor, [[10, 12]], [1])
        arguments: list[Any] = [points[:, :1], labels[:, :1]]
    elif kind == "box and point":
        given = inputs(predictor, [[10, 12], [4, 6], [25, 30]], [1, 2, 3])
        arguments = [points[:, :1], labels[:, :1], transform.apply_boxes_torch(BOX, size)]
    else:
        mask = torch.randn(1, 1, 16, 16, generator=torch.Generator().manual_seed(0))
        given = inputs(predictor, [[10, 12], [20, 25], [3, 3]], [1, 1, 0], mask)
        arguments = [points, labels, None, mask]
    both = [predictor.predict_torch(*arguments, multimask_output=many, return_logits=True) for many in (False, True)]  # type: ignore[misc]
    return given, tuple(torch.cat([single, several], dim=1) for single, several in zip(*both, strict=True))


@pytest.mark.parametrize("kind", ["click", "box and point", "points and mask"])
@pytest.mark.parametrize("size", SIZES)
def test_it_gives_what_the_predictor_gives(kind: str, size: tuple[int, int]) -> None:
    predictor = predictor_of(size)
    given, expected = prompts(predictor, kind)
    masks, ious, logits = SamOnnxModel(predictor.model, return_single_mask=False)(*given)
    assert masks.shape == (1, 4, *size)
    for found, wanted in zip((masks, ious, logits), expected, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)


def test_one_mask_is_the_best_candidate_of_a_click_and_the_single_one_of_more() -> None:
    predictor = predictor_of(SIZES[0])
    model = SamOnnxModel(predictor.model, return_single_mask=True, return_extra_metrics=True)
    for kind, is_single in (("click", False), ("points and mask", True)):
        given, (_, ious, logits) = prompts(predictor, kind)
        best = 0 if is_single else 1 + int(ious[0, 1:].argmax())
        masks, score, stability, area, low = model(*given)
        torch.testing.assert_close(low[0, 0], logits[0, best], rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(score[0, 0], ious[0, best], rtol=1e-4, atol=1e-4)
        assert area.item() == int((masks > 0).sum()) and stability.shape == (1, 1)
    stable = SamOnnxModel(predictor.model, return_single_mask=False, use_stability_score=True)
    given, (_, _, logits) = prompts(predictor, "click")
    expected = (logits > 1).sum((-2, -1)) / (logits > -1).sum((-2, -1))
    torch.testing.assert_close(stable(*given)[1], expected, equal_nan=True)


def test_a_trace_takes_other_prompts_and_sizes() -> None:
    """What an export keeps: nothing of the example is a constant but the size of the input."""
    predictor = predictor_of(SIZES[0])
    given, _ = prompts(predictor, "click")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(SamOnnxModel(predictor.model, False), tuple(given), check_trace=False)
    given, expected = prompts(predictor_of(SIZES[1], predictor.model), "points and mask")
    for found, wanted in zip(traced(*given), expected, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)


def test_the_exported_file_runs(tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="onnx, which torch.onnx.export needs, is not installed")
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    export = runpy.run_path(str(ROOT / "examples/export_sam_onnx.py"))["export"]
    predictor = predictor_of(SIZES[1])
    export(SamOnnxModel(predictor.model, return_single_mask=False), str(tmp_path / "sam.onnx"))
    session = runtime.InferenceSession(str(tmp_path / "sam.onnx"), providers=["CPUExecutionProvider"])
    given, expected = prompts(predictor, "points and mask")
    names = [each.name for each in session.get_inputs()]
    found = session.run(None, {name: value.numpy() for name, value in zip(names, given, strict=True)})
    for one, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, wanted.numpy(), rtol=1e-3, atol=1e-3)
