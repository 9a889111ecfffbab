"""Masks from texts, in both forms of lang-segment-anything; the detector is a stand-in."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

import sam2_core
from sam2_core.detection.detector import Detection, Thresholds
from sam2_core.errors import BadPrompt, MediaError
from sam2_core.predictors import lang_sam
from sam2_core.predictors.image_predictor import SAM2ImagePredictor
from sam2_core.predictors.lang_sam import LangSAM
from sam2_core.predictors.sam_predictor import SamPredictor
from sam2_core.types import Box, Mask
from tests.detection.stand_in import StandInDetector
from tests.model.test_sam import tiny_sam

KEYS = {"scores", "boxes", "text_labels", "labels", "masks", "mask_scores"}


OBJECTS = [
    Detection("dog", 0.8, Box(4, 4, 30, 40)),
    Detection("wheel", 0.6, Box(30.5, 20, 60, 44)),
    Detection("wheel", 0.5, Box(2, 30, 20, 47)),
]


@pytest.fixture(scope="module")
def model() -> LangSAM:
    return LangSAM("nano", device="cpu", detector=StandInDetector(lambda image: OBJECTS))


@pytest.fixture
def image() -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def test_a_list_gives_a_dictionary_for_each_image(model: LangSAM, image: Image.Image) -> None:
    results = model.predict([image, image, image], ["dog. wheel.", "wheel", "cat"])
    assert [set(result) for result in results] == [KEYS] * 3
    both, wheels, nothing = results
    assert both["text_labels"] == both["labels"] == ["dog", "wheel", "wheel"]
    assert both["boxes"].tolist()[1] == [30.5, 20, 60, 44]
    assert (both["boxes"].dtype, both["scores"].dtype) == (np.float32, np.float32)
    assert isinstance(both["masks"], np.ndarray)
    assert both["masks"].shape == (3, 48, 64)
    assert set(np.unique(both["masks"])) <= {0.0, 1.0}
    assert isinstance(both["mask_scores"], np.ndarray)
    assert both["mask_scores"].shape == (3,)
    assert len(wheels["masks"]) == 2
    assert (nothing["masks"], nothing["mask_scores"], nothing["labels"]) == ([], [], [])
    assert (nothing["boxes"].shape, nothing["scores"].shape) == ((0, 4), (0,))


def test_masks_are_those_of_box_prompts(model: LangSAM, image: Image.Image) -> None:
    [result] = model.predict([image], ["dog"])
    predictor = SAM2ImagePredictor(model.sam.model)
    predictor.set_image(image)
    masks, predicted_iou, _ = predictor.predict(box=[4, 4, 30, 40], multimask_output=False)
    np.testing.assert_array_equal(result["masks"], masks)
    np.testing.assert_allclose(result["mask_scores"], predicted_iou)


@pytest.mark.parametrize("name", ["vit_b", "sam_vit_h"])
def test_networks_of_sam_are_known_by_their_names(
    name: str, image: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, network = [], tiny_sam()
    monkeypatch.setattr(lang_sam, "load_network", lambda *of: asked.append(of) or network)
    model = LangSAM(name, "weights.pth", device="cpu", detector=StandInDetector(lambda image: OBJECTS))
    [result] = model.predict([image], ["dog, wheel"])
    assert asked == [(name, "weights.pth")]
    predictor = SamPredictor(network)
    predictor.set_image(np.asarray(image))
    for place, box in enumerate([[4, 4, 30, 40], [30.5, 20, 60, 44], [2, 30, 20, 47]]):
        masks, predicted_iou, _ = predictor.predict(box=np.array(box), multimask_output=False)
        np.testing.assert_array_equal(result["masks"][place], masks[0])
        np.testing.assert_allclose(result["mask_scores"][place], predicted_iou[0], rtol=1e-4)


def test_one_image_gives_the_tuple_of_the_first_release(model: LangSAM, image: Image.Image) -> None:
    masks, boxes, phrases, logits = model.predict(image, "wheel")
    assert masks.shape == (2, 48, 64)
    assert masks.dtype == torch.bool
    assert boxes.tolist() == [[30.5, 20, 60, 44], [2, 30, 20, 47]]
    assert phrases == ["wheel", "wheel"]
    assert logits.tolist() == pytest.approx([0.6, 0.5])
    masks, boxes, phrases, logits = model.predict(np.asarray(image), "cat")
    assert (len(masks), boxes.shape, phrases, len(logits)) == (0, (0, 4), [], 0)


def test_thresholds_and_phrases_reach_the_detector(image: Image.Image) -> None:
    stand_in = StandInDetector(lambda image: OBJECTS)
    model = LangSAM("nano", device="cpu", detector=stand_in)
    model.predict([image, np.asarray(image) / 255], "dog, Red wheel.", box_threshold=0.4, text_threshold=0.1)
    assert stand_in.asked == [((48, 64, 3), ("dog", "Red wheel"), Thresholds(0.4, 0.1))] * 2


def test_masks_of_a_concept_segmenter_are_taken(image: Image.Image) -> None:
    mask = np.zeros((48, 64), bool)
    mask[3:9, 5:20] = True
    found = Detection("dog", 0.7, Box(5, 3, 20, 9), Mask.from_array(mask))
    [result] = LangSAM("nano", device="cpu", detector=StandInDetector(lambda image: [found])).predict([image], ["dog"])
    np.testing.assert_array_equal(result["masks"], mask[None])
    assert np.asarray(result["mask_scores"]).tolist() == pytest.approx([0.7])


def test_what_cannot_be_asked_is_refused(model: LangSAM, image: Image.Image) -> None:
    with pytest.raises(BadPrompt, match="as many texts as images"):
        model.predict([image], ["dog", "cat"])
    with pytest.raises(BadPrompt, match="one text for one image"):
        model.predict(image, ["dog"])  # type: ignore[call-overload]
    with pytest.raises(BadPrompt, match="Say in words"):
        model.predict([image], [" . "])
    with pytest.raises(BadPrompt, match="from 0 to 1"):
        model.predict([image], ["dog"], box_threshold=30)
    with pytest.raises(MediaError):
        model.predict(["photo.jpg"], ["dog"])  # type: ignore[list-item]


def test_it_is_a_public_name() -> None:
    assert sam2_core.LangSAM is LangSAM
