"""Grounding DINO (Liu et al., 2023) and MM Grounding DINO (Zhao et al., 2024): boxes scored against every word.

Shapes: Q object queries, T text tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from sam2_core.detection.detector import Detection, RgbPixels, Thresholds, check_image, within_image
from sam2_core.detection.known import GROUNDED
from sam2_core.detection.pictures import as_picture
from sam2_core.detection.transformers_library import transformers_class
from sam2_core.errors import BadPrompt
from sam2_core.types import Box

FloatArray = npt.NDArray[np.floating[Any]]
Tokens = tuple[int, int]
"""First token of a phrase, and the one behind its last."""


class GroundingDino:
    """A `Detector` whose phrases are sentences of one text; as many as fit are looked for in one pass."""

    def __init__(self, model: Any, processor: Any) -> None:
        self._model, self._processor = model, processor
        self.thresholds: Thresholds = GROUNDED

    @classmethod
    def on(cls, model: Any, folder: Path) -> GroundingDino:
        """With the processor and tokenizer in this folder."""
        loader = transformers_class("AutoProcessor")
        return cls(model, loader.from_pretrained(folder, local_files_only=True, trust_remote_code=False))

    def detect(
        self, image: RgbPixels, phrases: Sequence[str], thresholds: Thresholds | None = None
    ) -> tuple[Detection, ...]:
        """See `Detector.detect`. A word counts as found in a box from the text threshold on; the box belongs to the
        phrase whose found words have the highest sum of scores, and its score is that of the best of them."""
        check_image(image)
        found = [
            detection
            for group in self._groups(phrases)
            for detection in self._detect(image, group, thresholds or self.thresholds)
        ]
        return within_image(found, *image.shape[:2])

    def _groups(self, phrases: Sequence[str]) -> Iterator[list[str]]:
        """Phrases that fit together into the network's text. Raises `BadPrompt` for one that is too long alone."""
        room = int(self._model.config.max_text_len) - 2  # for the tokens at both ends
        group: list[str] = []
        left = room
        for phrase in phrases:
            length = len(self._processor.tokenizer(_sentence(phrase), add_special_tokens=False)["input_ids"])
            if length > room:
                raise BadPrompt(f"The phrase “{phrase}” is too long for this detector. Shorten it.")
            if length > left:
                yield group
                group, left = [], room
            group.append(phrase)
            left -= length
        if group:
            yield group

    def _detect(self, image: RgbPixels, phrases: list[str], thresholds: Thresholds) -> Iterator[Detection]:
        text = " ".join(map(_sentence, phrases))
        picture = as_picture(image)
        inputs = self._processor(images=picture, text=text, return_tensors="pt").to(self._model.device)
        inputs["pixel_values"] = inputs["pixel_values"].to(self._model.dtype)
        with torch.inference_mode():
            output = self._model(**inputs)
        scores = output.logits[0].float().sigmoid().cpu().numpy()  # (Q, T)
        boxes = output.pred_boxes[0].float().cpu().numpy()  # (Q, 4): center and size in 0..1
        boxes = boxes * np.array([picture.width, picture.height] * 2)
        offsets = self._processor.tokenizer(text, return_offsets_mapping=True)["offset_mapping"]
        spans = tokens_of_phrases(offsets, phrases)
        phrase, score = best_phrases(scores, spans, thresholds.text)
        for query in np.flatnonzero((score >= thresholds.box) & (phrase >= 0)):
            x, y, width, height = boxes[query].tolist()
            box = Box(x - width / 2, y - height / 2, x + width / 2, y + height / 2)
            words = {
                each: tuple(value for value in scores[query, first:last].tolist() if value >= thresholds.text)
                for each, (first, last) in zip(phrases, spans, strict=True)
            }
            found = {each: values for each, values in words.items() if values}
            yield Detection(phrases[phrase[query]], float(score[query]), box, words=found)


def _sentence(phrase: str) -> str:
    """A phrase as the network was trained on it; a dot within would end the phrase."""
    return f"{phrase.lower().replace('.', ' ').strip()}."


def tokens_of_phrases(offsets: Sequence[tuple[int, int]], phrases: Sequence[str]) -> list[Tokens]:
    """The tokens of each phrase in the text of all, without its dot; `offsets` are where tokens begin and end."""
    spans, start = [], 0
    for phrase in phrases:
        end = start + len(_sentence(phrase)) - 1
        inside = [number for number, (first, last) in enumerate(offsets) if start <= first < last <= end]
        spans.append((inside[0], inside[-1] + 1) if inside else (0, 0))
        start = end + 2  # the dot, and the space between two sentences
    return spans


def best_phrases(
    scores: FloatArray, spans: Sequence[Tokens], text_threshold: float
) -> tuple[npt.NDArray[np.intp], FloatArray]:
    """The phrase of each box (-1: none), and its score, from scores (Q, T) of words and the tokens of phrases."""
    sums, best = np.zeros((2, len(scores), len(spans)))
    for number, (first, last) in enumerate(spans):
        found = np.where(scores[:, first:last] >= text_threshold, scores[:, first:last], 0)
        sums[:, number], best[:, number] = found.sum(axis=1), found.max(axis=1, initial=0)
    phrase = sums.argmax(axis=1)
    score = np.take_along_axis(best, phrase[:, None], axis=1)[:, 0]
    return np.where(score > 0, phrase, -1), score
