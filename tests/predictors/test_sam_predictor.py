"""`SamPredictor` and its transform, as published code calls them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

import sam2_core
from sam2_core.errors import BadPrompt, MediaError, WeightsError
from sam2_core.predictors.sam_predictor import SamPredictor
from tests.model.test_sam import tiny_sam

PICTURE = np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8)


@pytest.fixture
def predictor() -> SamPredictor:
    predictor = SamPredictor(tiny_sam())
    predictor.set_image(PICTURE)
    return predictor


def test_masks_have_the_size_of_the_picture(predictor: SamPredictor) -> None:
    masks, ious, logits = predictor.predict(np.array([[30, 20]]), np.array([1]))
    assert (masks.shape, masks.dtype, ious.shape, logits.shape) == ((3, 40, 60), bool, (3,), (3, 16, 16))
    masks, _, _ = predictor.predict(box=np.array([1, 2, 30, 35]), multimask_output=False, return_logits=True)
    assert (masks.shape, masks.dtype) == ((1, 40, 60), np.float32)
    assert predictor.get_image_embedding().shape == (1, 32, 4, 4)


def test_tensors_give_the_same_as_arrays(predictor: SamPredictor) -> None:
    box = torch.tensor([[1.0, 2.0, 30.0, 35.0]])
    boxes = predictor.transform.apply_boxes_torch(box, PICTURE.shape[:2])
    points = predictor.transform.apply_coords_torch(torch.tensor([[[30.0, 20.0]]]), PICTURE.shape[:2])
    found = predictor.predict_torch(points, torch.ones(1, 1), boxes, multimask_output=False, return_logits=True)
    expected = predictor.predict(
        np.array([[30, 20]]), np.array([1]), box=box[0].numpy(), multimask_output=False, return_logits=True
    )
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one[0].numpy(), other, rtol=1e-5, atol=1e-5)


def test_a_mask_is_a_prompt(predictor: SamPredictor) -> None:
    _, ious, logits = predictor.predict(np.array([[30, 20]]), np.array([1]))
    best = logits[ious.argmax()][None]
    again = predictor.predict(np.array([[30, 20]]), np.array([1]), mask_input=best, multimask_output=False)
    assert again[0].shape == (1, 40, 60)
    other = predictor.predict(np.array([[30, 20]]), np.array([1]), multimask_output=False)
    assert not np.allclose(again[2], other[2])


def test_the_order_of_channels_can_be_told(predictor: SamPredictor) -> None:
    embedding = predictor.get_image_embedding()
    predictor.set_image(PICTURE[..., ::-1], image_format="BGR")
    torch.testing.assert_close(predictor.get_image_embedding(), embedding)
    predictor.set_image(Image.fromarray(PICTURE))
    torch.testing.assert_close(predictor.get_image_embedding(), embedding)
    with pytest.raises(MediaError, match="image_format"):
        predictor.set_image(PICTURE, "HSV")


def test_a_scaled_tensor_can_be_set(predictor: SamPredictor) -> None:
    scaled = predictor.transform.apply_image(PICTURE)
    embedding = predictor.get_image_embedding()
    predictor.set_torch_image(torch.as_tensor(scaled).permute(2, 0, 1)[None], PICTURE.shape[:2])
    torch.testing.assert_close(predictor.get_image_embedding(), embedding)
    with pytest.raises(MediaError, match="longer side of 64"):
        predictor.set_torch_image(torch.zeros(1, 3, 40, 60), (40, 60))


def test_wrong_calls_are_sentences(predictor: SamPredictor) -> None:
    with pytest.raises(BadPrompt, match="point_labels"):
        predictor.predict(np.array([[1, 2]]))
    with pytest.raises(MediaError, match="should be"):
        predictor.set_image(PICTURE[..., 0])
    predictor.reset_image()
    with pytest.raises(RuntimeError, match="set_image"):
        predictor.predict(np.array([[1, 2]]), np.array([1]))


def test_the_registry_builds_by_the_official_names(tmp_path: object) -> None:
    assert list(sam2_core.sam_model_registry) == ["default", "vit_h", "vit_l", "vit_b"]
    with pytest.raises(WeightsError, match="no weights file"):
        sam2_core.sam_model_registry["vit_b"](checkpoint=f"{tmp_path}/sam_vit_b.pth")


@pytest.mark.parametrize(
    ("size", "expected"), [((1200, 1800), (683, 1024)), ((1800, 1200), (1024, 683)), ((5, 5), (1024, 1024))]
)
def test_scaled_sizes_are_rounded_as_in_the_official_code(size: tuple[int, int], expected: tuple[int, int]) -> None:
    from sam2_core.predictors.sam_transforms import ResizeLongestSide

    assert ResizeLongestSide.get_preprocess_shape(*size, 1024) == expected
