"""SAM 3 (Carion et al., 2025) as a concept segmenter: masks of every instance of a phrase.

Images are prepared here, as the library's own processor for it needs torchvision.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from sam2_core.detection.detector import Detection, RgbPixels, Thresholds, check_image, within_image
from sam2_core.detection.known import CONCEPTS
from sam2_core.detection.transformers_library import transformers_class
from sam2_core.types import Box, Mask


class ConceptSegmenter:
    """A `Detector` whose detections have masks. Phrases are looked for one by one in the same image features."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self._model, self._tokenizer = model, tokenizer
        self.thresholds: Thresholds = CONCEPTS

    @classmethod
    def on(cls, model: Any, folder: Path) -> ConceptSegmenter:
        """With the tokenizer in this folder."""
        loader = transformers_class("AutoTokenizer")
        return cls(model, loader.from_pretrained(folder, local_files_only=True, trust_remote_code=False))

    @torch.inference_mode()
    def detect(
        self, image: RgbPixels, phrases: Sequence[str], thresholds: Thresholds | None = None
    ) -> tuple[Detection, ...]:
        """See `Detector.detect`; there is no text threshold."""
        check_image(image)
        height, width = image.shape[:2]
        features = self._model.get_vision_features(self._as_input(image))
        threshold = (thresholds or self.thresholds).box
        found = [each for phrase in phrases for each in self._instances(features, phrase, threshold, (height, width))]
        return within_image(found, height, width)

    def _instances(self, features: Any, phrase: str, threshold: float, size: tuple[int, int]) -> Iterator[Detection]:
        length = int(self._model.config.text_config.max_position_embeddings)
        text = self._tokenizer(
            phrase, padding="max_length", truncation=True, max_length=length, return_tensors="pt"
        ).to(self._model.device)
        output = self._model(vision_embeds=features, input_ids=text["input_ids"], attention_mask=text["attention_mask"])
        scores = output.pred_logits[0].float().sigmoid()  # (Q,)
        if output.presence_logits is not None:
            scores = scores * output.presence_logits[0].float().sigmoid()
        scale = (size[1], size[0]) * 2
        for query in torch.nonzero(scores >= threshold).flatten().tolist():
            corners = output.pred_boxes[0, query].float().tolist()
            box = Box(*(value * side for value, side in zip(corners, scale, strict=True)))
            mask = _full_mask(output.pred_masks[0, query], size)
            yield Detection(phrase, float(scores[query]), box, mask)

    def _as_input(self, image: RgbPixels) -> Tensor:
        """An image (H, W, 3) as network input (1, 3, S, S): resized to a square, in -1..1."""
        size = self._model.config.image_size
        target = (size, size) if isinstance(size, int) else tuple(size)
        pixels = torch.from_numpy(np.ascontiguousarray(image)).to(self._model.device).permute(2, 0, 1)[None].float()
        pixels = F.interpolate(pixels, target, mode="bilinear", align_corners=False, antialias=True)
        return (pixels / 127.5 - 1).to(self._model.dtype)


def _full_mask(logits: Tensor, size: tuple[int, int]) -> Mask:
    """Logits (H, W) of the network as a mask at the size of the image."""
    return Mask.from_array(
        (F.interpolate(logits[None, None].float(), size, mode="bilinear", align_corners=False)[0, 0] > 0).cpu().numpy()
    )
