"""OWL-ViT, OWLv2 (Minderer et al., 2022 and 2023) and OmDet-Turbo: one query of the network for each phrase."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from sam2_core.detection.detector import Detection, RgbPixels, Thresholds, check_image, within_image
from sam2_core.detection.known import QUERIES
from sam2_core.detection.pictures import as_picture
from sam2_core.detection.transformers_library import import_problem, transformers_class
from sam2_core.types import Box


class QueryDetector:
    """A `Detector` for the networks of the library's zero-shot detection that score whole phrases.

    Phrases beyond the length of the network's text are cut.
    """

    def __init__(self, model: Any, processor: Any) -> None:
        self._model, self._processor = model, processor
        self.thresholds: Thresholds = QUERIES

    @classmethod
    def on(cls, model: Any, folder: Path) -> QueryDetector:
        """With the processor and tokenizer in this folder."""
        loader = transformers_class("AutoProcessor")
        return cls(model, loader.from_pretrained(folder, local_files_only=True, trust_remote_code=False))

    def detect(
        self, image: RgbPixels, phrases: Sequence[str], thresholds: Thresholds | None = None
    ) -> tuple[Detection, ...]:
        """See `Detector.detect`; there is no text threshold."""
        check_image(image)
        picture, queries = as_picture(image), [list(phrases)]
        try:
            inputs = self._processor(images=picture, text=queries, return_tensors="pt", truncation=True)
        except ImportError as error:  # of OWLv2, which resizes with scipy
            raise import_problem(error) or error from error
        inputs = inputs.to(self._model.device)
        inputs["pixel_values"] = inputs["pixel_values"].to(self._model.dtype)
        with torch.inference_mode():
            output = self._model(**inputs)
        for name, value in output.items():
            if isinstance(value, torch.Tensor) and value.is_floating_point():
                output[name] = value.float()
        [found] = self._processor.post_process_grounded_object_detection(
            output,
            threshold=(thresholds or self.thresholds).box,
            target_sizes=[(picture.height, picture.width)],
            text_labels=queries,
        )
        results = zip(found["text_labels"], found["scores"].tolist(), found["boxes"].tolist(), strict=True)
        return within_image((Detection(phrase, score, Box(*box)) for phrase, score, box in results), *image.shape[:2])
