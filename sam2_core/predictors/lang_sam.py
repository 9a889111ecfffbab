"""`LangSAM`: masks of what texts name, with the interface of the package lang-segment-anything.

A detector finds boxes, and the box prompts of a SAM 2 or SAM network become masks. Published code runs after changing
the import; the results have the keys of its present release, or are the tuple of its first one.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypedDict, overload

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from sam2_core.detection.detector import Detection, Detector, RgbPixels, Thresholds
from sam2_core.detection.loading import load_detector
from sam2_core.detection.phrases import read_phrases
from sam2_core.errors import BadPrompt
from sam2_core.model.config import ViTConfig
from sam2_core.model.sam import Sam
from sam2_core.networks import network_config
from sam2_core.predictors.build import PathLike, build_sam2
from sam2_core.predictors.image_predictor import SAM2ImagePredictor
from sam2_core.predictors.sam_predictor import SamPredictor
from sam2_core.predictors.transforms import RgbImage, as_rgb
from sam2_core.tracking.device import best_device
from sam2_core.weights import load_network

DETECTOR = "grounding_dino_base"
"""The detector of the package."""


class TextPrediction(TypedDict):
    """What is found in one image: N objects, best first.

    `boxes` (N, 4) as left, top, right, bottom in pixels, `scores` (N,), the phrase of each object twice, `masks`
    (N, height, width) of 0 and 1, and their predicted IoU `mask_scores` (N,). Without an object the last two are empty
    lists.
    """

    scores: npt.NDArray[np.float32]
    boxes: npt.NDArray[np.float32]
    text_labels: list[str]
    labels: list[str]
    masks: npt.NDArray[np.float32] | list[Any]
    mask_scores: npt.NDArray[np.float32] | list[Any]


class LangSAM:
    """Finds what texts name, and segments it."""

    def __init__(
        self,
        sam_type: str = "sam2.1_hiera_small",
        sam_ckpt_path: PathLike | None = None,
        gdino_model_ckpt_path: PathLike | None = None,
        gdino_processor_ckpt_path: PathLike | None = None,
        device: torch.device | str | None = None,
        detector: Detector | str | None = None,
    ) -> None:
        """Load both networks.

        Args:
            sam_type: name of the network of SAM 2 ("nano" is bundled) or SAM ("vit_b"), and `sam_ckpt_path` a
                checkpoint of it.
            gdino_model_ckpt_path: folder with a detector, and `gdino_processor_ckpt_path` with its processor.
            device: None is the best one available.
            detector: in place of such a folder, the name or repository of a detector, or one that is loaded.

        Raises `ConfigError` where the transformers library is missing, and `WeightsError`.
        """
        place = torch.device(device or best_device())
        if detector is None or isinstance(detector, str):
            name = os.fspath(gdino_model_ckpt_path) if gdino_model_ckpt_path else detector or DETECTOR
            processor = Path(gdino_processor_ckpt_path) if gdino_processor_ckpt_path else None
            detector = load_detector(name, place, processor=processor)
        self.detector: Detector = detector
        self.sam = _build_predictor(sam_type, sam_ckpt_path, place)

    @overload
    def predict(
        self,
        images_pil: Sequence[RgbImage],
        texts_prompt: Sequence[str] | str,
        box_threshold: float = 0.3,
        text_threshold: float = 0.25,
    ) -> list[TextPrediction]: ...

    @overload
    def predict(
        self, images_pil: RgbImage, texts_prompt: str, box_threshold: float = 0.3, text_threshold: float = 0.25
    ) -> tuple[Tensor, Tensor, list[str], Tensor]: ...

    def predict(
        self,
        images_pil: Sequence[RgbImage] | RgbImage,
        texts_prompt: Sequence[str] | str,
        box_threshold: float = 0.3,
        text_threshold: float = 0.25,
    ) -> list[TextPrediction] | tuple[Tensor, Tensor, list[str], Tensor]:
        """Find and segment what texts name.

        Args:
            images_pil: RGB images, PIL's or arrays (H, W, 3).
            texts_prompt: a text for each of them, or one for all, such as "wheel. red car."; see `read_phrases`.
            box_threshold: objects of lower scores are left out.
            text_threshold: words of lower scores do not count.

        Returns a dictionary for each image. Of a single image instead of a list, it returns a tuple as the first
        release did: masks (N, height, width), boxes (N, 4), phrases and scores (N,), as tensors on the CPU. Raises
        `BadPrompt` for texts without a phrase, and `MediaError`.
        """
        thresholds = Thresholds(box_threshold, text_threshold)
        if isinstance(images_pil, Image.Image | np.ndarray):
            if not isinstance(texts_prompt, str):
                raise BadPrompt("Give one text for one image, or lists of both.")
            return _as_tuple(self._predict_one(images_pil, texts_prompt, thresholds))
        texts = [texts_prompt] * len(images_pil) if isinstance(texts_prompt, str) else list(texts_prompt)
        if len(texts) != len(images_pil):
            raise BadPrompt(f"Give as many texts as images; these are {len(texts)} for {len(images_pil)}.")
        return [self._predict_one(image, text, thresholds) for image, text in zip(images_pil, texts, strict=True)]

    def _predict_one(self, image: RgbImage, text: str, thresholds: Thresholds) -> TextPrediction:
        pixels = _as_bytes(image)
        found = self.detector.detect(pixels, read_phrases(text), thresholds)
        corners = [(each.box.left, each.box.top, each.box.right, each.box.bottom) for each in found]
        boxes = np.array(corners, dtype=np.float32).reshape(-1, 4)
        masks, mask_scores = self._segment(pixels, found, boxes)
        return {
            "scores": np.array([each.score for each in found], dtype=np.float32),
            "boxes": boxes,
            "text_labels": [each.phrase for each in found],
            "labels": [each.phrase for each in found],
            "masks": masks,
            "mask_scores": mask_scores,
        }

    def _segment(
        self, pixels: RgbPixels, found: Sequence[Detection], boxes: npt.NDArray[np.float32]
    ) -> tuple[npt.NDArray[np.float32] | list[Any], npt.NDArray[np.float32] | list[Any]]:
        """Masks (N, height, width) and their scores (N,): the detector's own, or those of box prompts."""
        if not found:
            return [], []
        own = [each.mask.to_array() for each in found if each.mask is not None]
        if len(own) == len(found):
            return np.stack(own).astype(np.float32), np.array([each.score for each in found], dtype=np.float32)
        self.sam.set_image(pixels)
        if isinstance(self.sam, SamPredictor):
            masks, predicted_iou = _predict_boxes(self.sam, boxes)
            self.sam.reset_image()
        else:
            masks, predicted_iou, _ = self.sam.predict(box=boxes, multimask_output=False)
            self.sam.reset_predictor()
        return masks.reshape(len(found), *pixels.shape[:2]), predicted_iou.reshape(-1)


def _build_predictor(name: str, checkpoint: PathLike | None, device: torch.device) -> SAM2ImagePredictor | SamPredictor:
    if isinstance(network_config(name), ViTConfig):
        network = load_network(name, checkpoint)
        assert isinstance(network, Sam)  # noqa: S101
        return SamPredictor(network.to(device))
    return SAM2ImagePredictor(build_sam2(name, checkpoint, device))


def _predict_boxes(
    predictor: SamPredictor, boxes: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Masks (N, 1, height, width) of boxes (N, 4), and their predicted IoU (N, 1)."""
    size = predictor.original_size
    assert size is not None  # noqa: S101
    corners = predictor.transform.apply_boxes_torch(torch.from_numpy(boxes), size).to(predictor.device)
    masks, predicted_iou, _ = predictor.predict_torch(None, None, corners, multimask_output=False)
    return masks.float().cpu().numpy(), predicted_iou.float().cpu().numpy()


def _as_bytes(image: RgbImage) -> RgbPixels:
    """An image as (H, W, 3) uint8."""
    pixels = as_rgb(image)
    if pixels.dtype == np.uint8:
        return np.ascontiguousarray(pixels, dtype=np.uint8)
    return np.rint(pixels.clip(0, 1) * 255).astype(np.uint8)


def _as_tuple(found: TextPrediction) -> tuple[Tensor, Tensor, list[str], Tensor]:
    masks = torch.as_tensor(found["masks"]) > 0  # of no object: an empty tensor of one axis, as published
    return masks, torch.from_numpy(found["boxes"]), found["text_labels"], torch.from_numpy(found["scores"])
