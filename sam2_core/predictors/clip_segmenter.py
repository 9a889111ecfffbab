"""Masks from a text alone, by a network that was trained with prompts of CLIP (SAM, section 7.5; research)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError, safe_open

from sam2_core.detection.clip import Clip, load_clip
from sam2_core.errors import BadPrompt, ConfigError, WeightsError
from sam2_core.model.clip_prompt import ClipPrompt
from sam2_core.model.network import SAM2
from sam2_core.predictors.image_predictor import SAM2ImagePredictor
from sam2_core.predictors.transforms import RgbImage
from sam2_core.types import BoolArray
from sam2_core.weights import load_network


class TextMasks(NamedTuple):
    """The mask of each text (N, H, W) and its predicted IoU (N,)."""

    masks: BoolArray
    predicted_iou: npt.NDArray[np.float32]


class ClipSegmenter:
    """Prompts a network with texts: one mask for each, of the candidate with the highest predicted IoU.

    Each text always gets a mask, also where nothing in the picture is meant by it.
    """

    def __init__(self, network: SAM2, prompt: ClipPrompt, clip: Clip) -> None:
        self.predictor = SAM2ImagePredictor(network)
        self.prompt, self.clip = prompt.to(network.device).eval(), clip

    @classmethod
    def from_files(
        cls, weights: str | Path, clip: str | None = None, model: str | None = None, device: str = "cpu"
    ) -> ClipSegmenter:
        """Load what `python -m sam2_core.training --prompt clip` has written: a file of weights, beside which lies its
        projection (`weights.clip.safetensors`).

        `clip` is the folder or repository of the CLIP that it was trained with, by default as it was called then;
        `model` the name of the network, if the weights do not tell. Raises `WeightsError` and `ConfigError`.
        """
        file = Path(weights)
        prompt, name = _read_prompt(file.with_suffix(".clip.safetensors"))
        encoder = load_clip(clip or name, device)
        if encoder.width != prompt.projection.in_features:
            raise WeightsError(f"{encoder.name} is not the CLIP that {file} was trained with ({name}).")
        network = load_network(model, str(file)).requires_grad_(False).to(device)
        if not isinstance(network, SAM2) or network.config.width != prompt.projection.out_features:
            raise WeightsError(f"{file} and its projection do not belong together. Copy both again.")
        return cls(network, prompt, encoder)

    @torch.no_grad()
    def predict(self, image: RgbImage, texts: Sequence[str], **options: Any) -> TextMasks:
        """The masks of some texts in a picture. `options` are `point_coords` and `point_labels` of
        `SAM2ImagePredictor.predict`, clicks that say which one of several is meant; for a single text.

        Raises `BadPrompt`.
        """
        if not texts or not all(text.strip() for text in texts):
            raise BadPrompt("Say what to look for: a text is empty.")
        if options and len(texts) != 1:
            raise BadPrompt("Points are for a single text.")
        self.predictor.set_image(image)
        tokens = self.prompt(self.clip.embed_texts(texts).to(self.predictor.device))
        _, coords, labels, _ = self.predictor._prep_prompts(
            options.get("point_coords"), options.get("point_labels"), None, None, True
        )
        points = None if coords is None or labels is None else (coords, labels)
        logits, quality = self.predictor._predict_low_res(points, None, points is None, concepts=tokens)
        best = quality.argmax(dim=1)
        chosen = torch.take_along_dim(logits, best[:, None, None, None], dim=1)
        masks, _ = self.predictor._at_size_of_image(chosen, -1)
        return TextMasks(
            (masks[:, 0] > 0).cpu().numpy(), torch.take_along_dim(quality, best[:, None], 1)[:, 0].cpu().numpy()
        )


def _read_prompt(file: Path) -> tuple[ClipPrompt, str]:
    if not file.is_file():
        raise ConfigError(
            f"{file} is missing: only networks trained with --prompt clip understand texts, by this file beside their "
            "weights."
        )
    try:
        with safe_open(file, framework="pt") as opened:
            weights = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
            name = (opened.metadata() or {}).get("clip", "")
        width, clip_width = weights["projection.weight"].shape
        prompt = ClipPrompt(clip_width, width)
        prompt.load_state_dict(weights)
    except (SafetensorError, OSError, KeyError, ValueError, RuntimeError) as error:
        raise WeightsError(f"{file} cannot be read as the projection of CLIP's embeddings.") from error
    return prompt, name
