"""SAM (Kirillov et al. 2023, "Segment Anything"): a vision transformer, SAM's prompt encoder, and its mask decoder.

Prompt encoder and two-way transformer are those of SAM 2. There is no memory: SAM segments images. Attributes have the
names of the official checkpoints.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from sam2_core.model.config import ViTConfig
from sam2_core.model.input_geometry import InputGeometry, logits_of_frame
from sam2_core.model.mask_decoder import CANDIDATES, CandidateDecoder, MaskPrediction
from sam2_core.model.network import SAM2, ImageFeatures
from sam2_core.model.preprocess import MEAN, STD
from sam2_core.model.prompt_encoder import PromptEncoder
from sam2_core.model.two_way_transformer import TwoWayTransformer
from sam2_core.model.vit import ImageEncoderViT

BOX_LABEL, NO_POINT_LABEL = 2, -1
"""See `PromptEncoder`."""

PRESENT_LOGIT = 10.0
"""Object score of every prediction: SAM takes for granted that there is an object."""


class SamMaskDecoder(CandidateDecoder):
    """The mask decoder of SAM, with the official signature. Predicted IoUs may lie outside of 0..1."""

    num_multimask_outputs = CANDIDATES
    num_mask_tokens = 1 + CANDIDATES

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        self.transformer = TwoWayTransformer(config)
        self.iou_token = nn.Embedding(1, config.width)
        self.mask_tokens = nn.Embedding(1 + CANDIDATES, config.width)
        self.output_upscaling = self._new_upscaling(config.width)
        self.output_hypernetworks_mlps = self._new_hypernetworks(config.width)
        self.iou_prediction_head = self._new_iou_head(config)

    def forward(
        self,
        image_embeddings: Tensor,
        image_pe: Tensor,
        sparse_prompt_embeddings: Tensor,
        dense_prompt_embeddings: Tensor,
        multimask_output: bool,
    ) -> tuple[Tensor, Tensor]:
        """Predict a single mask (M = 1), or three candidates (`multimask_output`, M = 3).

        Image embedding (B or 1, C, H, W), its positions (1, C, H, W), prompt tokens (B, N, C), map of the mask prompt
        (B or 1, C, H, W) -> logits (B, M, 4H, 4W), predicted IoUs (B, M).
        """
        logits, predicted_iou = self.predict_masks(
            image_embeddings, image_pe, sparse_prompt_embeddings, dense_prompt_embeddings
        )
        which = slice(1, None) if multimask_output else slice(0, 1)
        return logits[:, which], predicted_iou[:, which]

    def predict_masks(
        self,
        image_embeddings: Tensor,
        image_pe: Tensor,
        sparse_prompt_embeddings: Tensor,
        dense_prompt_embeddings: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """The single mask followed by the candidates (M = 4); arguments as in `forward`."""
        output_tokens = torch.cat([self.iou_token.weight, self.mask_tokens.weight])
        image = image_embeddings + dense_prompt_embeddings
        tokens, image = self.decode(output_tokens, sparse_prompt_embeddings, image, image_pe)
        return self.mask_logits(tokens[:, 1:], image), self.iou_prediction_head(tokens[:, 0])


class Sam(nn.Module):
    """The network. `image_format` is the order of the channels that it takes."""

    mask_threshold = 0.0
    image_format = "RGB"
    pixel_mean: Tensor
    pixel_std: Tensor

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        self.config = config
        self.image_encoder = ImageEncoderViT(config)
        self.prompt_encoder = PromptEncoder(config)
        self.mask_decoder = SamMaskDecoder(config)
        for name, values in (("pixel_mean", MEAN), ("pixel_std", STD)):
            shades = torch.tensor(values, device="cpu").view(-1, 1, 1) * 255
            self.register_buffer(name, shades, persistent=False)

    @property
    def device(self) -> torch.device:
        """Device of the weights."""
        return self.pixel_mean.device

    @property
    def image_size(self) -> int:
        """S, the side of the square input in pixels."""
        return self.config.image_size

    def geometry(self, height: int, width: int) -> InputGeometry:
        """How an image of this size lies in the input."""
        return InputGeometry.padded(self.image_size, (height, width))

    # --- as in SAM 2 -------------------------------------------------------------------------------------------

    def encode_image(self, image: Tensor) -> ImageFeatures:
        """Encode normalized and padded images (B, 3, S, S)."""
        return ImageFeatures(self.image_encoder(image), ())

    def predict_masks(
        self,
        embedding: Tensor,
        high_res: tuple[Tensor, ...],
        points: tuple[Tensor, Tensor] | None,
        mask_logits: Tensor | None,
        multimask: bool | None,
    ) -> MaskPrediction:
        """As `SAM2.predict_masks`; the object is always present, and there are no output tokens, which only memory
        needs.

        Where the first point is the corner of a box (label 2), all objects have a box in their first two points. A
        single point with label -1 is none, as in SAM 2.
        """
        sparse, dense = self._embed_prompts(points, mask_logits)
        sparse = sparse.expand(max(len(embedding), len(sparse)), -1, -1)
        logits, predicted_iou = self.mask_decoder.predict_masks(
            embedding, self.prompt_encoder.image_positions(), sparse, dense
        )
        which = slice(None) if multimask is None else slice(1, None) if multimask else slice(0, 1)
        logits, predicted_iou = logits[:, which], predicted_iou[:, which]
        tokens = logits.new_zeros(*logits.shape[:2], 0)
        return MaskPrediction(logits, predicted_iou, tokens, logits.new_full((len(logits), 1), PRESENT_LOGIT))

    def _embed_prompts(self, points: tuple[Tensor, Tensor] | None, mask_logits: Tensor | None) -> tuple[Tensor, Tensor]:
        boxes = None
        if points is not None:
            coords, labels = points
            first = int(labels[0, 0])
            if first == BOX_LABEL:
                boxes, coords, labels = coords[:, :2].flatten(1), coords[:, 2:], labels[:, 2:]
            points = None if first == NO_POINT_LABEL or not labels.shape[1] else (coords, labels)
        sparse, dense = self.prompt_encoder(points, boxes, mask_logits)
        return sparse, dense

    def without_memory(self, embedding: Tensor) -> Tensor:
        """The embedding itself."""
        return embedding

    # --- official ----------------------------------------------------------------------------------------------

    def preprocess(self, x: Tensor) -> Tensor:
        """Normalize an image in 0..255 whose longer side is S, and pad it: (..., 3, H', W') -> (..., 3, S, S)."""
        x = (x - self.pixel_mean) / self.pixel_std
        height, width = x.shape[-2:]
        return nn.functional.pad(x, (0, self.image_size - width, 0, self.image_size - height))

    def postprocess_masks(self, masks: Tensor, input_size: tuple[int, ...], original_size: tuple[int, ...]) -> Tensor:
        """Low-resolution logits (B, M, 4H, 4W) -> those of the image, (B, M, height, width).

        `input_size` is the size of the image in the input, before padding.
        """
        inner, frame = (input_size[0], input_size[1]), (original_size[0], original_size[1])
        geometry = InputGeometry(self.image_size, inner, frame, is_padded=True)
        return logits_of_frame(masks, geometry)

    @torch.no_grad()
    def forward(self, batched_input: Sequence[Mapping[str, Any]], multimask_output: bool) -> list[dict[str, Tensor]]:
        """Predict masks for several images, each with its prompts, under the keys of the official code.

        Each input has "image" (3, H', W') in 0..255 with the longer side S, "original_size", and "point_coords"
        (B, N, 2) with "point_labels" (B, N), "boxes" (B, 4) or "mask_inputs" (B, 1, 4H, 4W), all in pixels of the
        input. Each result has "masks" (B, M, height, width), "iou_predictions" (B, M), "low_res_logits".
        """
        images = torch.stack([self.preprocess(each["image"]) for each in batched_input])
        results = []
        for each, embedding in zip(batched_input, self.image_encoder(images), strict=True):
            points = (each["point_coords"], each["point_labels"]) if "point_coords" in each else None
            sparse, dense = self.prompt_encoder(points, each.get("boxes"), each.get("mask_inputs"))
            positions = self.prompt_encoder.image_positions()
            logits, predicted_iou = self.mask_decoder(embedding[None], positions, sparse, dense, multimask_output)
            masks = self.postprocess_masks(logits, each["image"].shape[-2:], each["original_size"])
            results.append(
                {"masks": masks > self.mask_threshold, "iou_predictions": predicted_iou, "low_res_logits": logits}
            )
        return results


Network: TypeAlias = SAM2 | Sam
"""A network that segments images; that of SAM 2 also has a memory and tracks through clips."""
