"""`SamOnnxModel`: the prompt encoder and the mask decoder of SAM as one module that can be exported to ONNX.

The image is embedded by `SamPredictor`; the exported model then gives masks for prompts wherever ONNX runs, as in a
browser. Inputs and outputs have the names, shapes and order of the official module: see examples/export_sam_onnx.py.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sam2_core.model.sam import Sam

_STABILITY_OFFSET = 1.0
_MAX_POINTS_OF_CANDIDATES = 2
"""Up to so many points, that of the padding included, may be ambiguous: the best candidate is taken then."""
_ALWAYS_BETTER = 1000.0
"""Added to predicted IoUs, to choose without control flow."""


class SamOnnxModel(nn.Module):
    """Traceable: without control flow that depends on its inputs.

    Args:
        model: the network.
        return_single_mask: return one mask, as `multimask_output=False` chooses it for three and more points, instead
            of the single mask and all candidates (M = 1 or 4).
        use_stability_score: return the stability of the low-resolution masks in place of the predicted IoUs.
        return_extra_metrics: also return the stability and the area of the masks.
    """

    def __init__(
        self,
        model: Sam,
        return_single_mask: bool,
        use_stability_score: bool = False,
        return_extra_metrics: bool = False,
    ) -> None:
        super().__init__()
        self.model = model
        self.mask_decoder = model.mask_decoder
        self.img_size = model.image_size
        self.return_single_mask = return_single_mask
        self.use_stability_score = use_stability_score
        self.stability_score_offset = _STABILITY_OFFSET
        self.return_extra_metrics = return_extra_metrics

    @torch.no_grad()
    def forward(
        self,
        image_embeddings: Tensor,
        point_coords: Tensor,
        point_labels: Tensor,
        mask_input: Tensor,
        has_mask_input: Tensor,
        orig_im_size: Tensor,
    ) -> tuple[Tensor, ...]:
        """Predict the masks of one object.

        Args:
            image_embeddings: (1, C, H, W).
            point_coords: (1, N, 2) in pixels of the input. Corners of a box are points with labels 2 and 3; without a
                box the last point is padding, (0, 0) with label -1.
            point_labels: (1, N).
            mask_input: logits (1, 1, 4H, 4W) of an earlier prediction; any values where `has_mask_input` is 0.
            has_mask_input: (1,), 1 or 0.
            orig_im_size: (2,), height and width of the image.

        Returns masks as logits (1, M, height, width), predicted IoUs (1, M), [stability (1, M), areas (1, M),] and
        low-resolution logits (1, M, 4H, 4W).
        """
        encoder = self.model.prompt_encoder
        sparse = encoder.embed_points(point_coords, point_labels, pad=False)
        dense = has_mask_input * encoder.embed_mask(mask_input, 1) + (1 - has_mask_input) * encoder.embed_mask(None, 1)
        masks, scores = self.mask_decoder.predict_masks(image_embeddings, encoder.image_positions(), sparse, dense)
        if self.use_stability_score:
            scores = self._stability(masks)
        if self.return_single_mask:
            masks, scores = self.select_masks(masks, scores, point_coords.shape[1])
        upscaled = self.mask_postprocessing(masks, orig_im_size)
        if not self.return_extra_metrics:
            return upscaled, scores, masks
        areas = (upscaled > self.model.mask_threshold).sum(dim=(-2, -1))
        return upscaled, scores, self._stability(upscaled), areas, masks

    def select_masks(self, masks: Tensor, iou_preds: Tensor, num_points: int) -> tuple[Tensor, Tensor]:
        """The first mask for many points, else the best of the others: logits (1, 1, 4H, 4W) and score (1, 1)."""
        is_first = torch.arange(iou_preds.shape[1], device=iou_preds.device) == 0
        preference = (num_points - _MAX_POINTS_OF_CANDIDATES - 0.5) * _ALWAYS_BETTER
        best = (iou_preds + preference * is_first).argmax(dim=1, keepdim=True)  # (1, 1)
        index = best[..., None, None].expand(-1, -1, *masks.shape[-2:])
        return masks.gather(1, index), iou_preds.gather(1, best)

    def mask_postprocessing(self, masks: Tensor, orig_im_size: Tensor) -> Tensor:
        """Logits (1, M, 4H, 4W) -> (1, M, height, width), without the padding of the input."""
        masks = F.interpolate(masks, size=(self.img_size, self.img_size), mode="bilinear", align_corners=False)
        rows, columns = self.resize_longest_image_size(orig_im_size, self.img_size)
        height, width = orig_im_size.to(torch.int64)
        size = (height, width)  # tensors, so that a trace keeps them
        return F.interpolate(masks[..., :rows, :columns], size=size, mode="bilinear", align_corners=False)

    @staticmethod
    def resize_longest_image_size(input_image_size: Tensor, longest_side: int) -> Tensor:
        """Height and width (2,) of an image in the input, int64."""
        size = input_image_size.to(torch.float32)
        return torch.floor(longest_side / size.max() * size + 0.5).to(torch.int64)

    def _stability(self, masks: Tensor) -> Tensor:
        """Stability scores (1, M) of logits (1, M, ., .)."""
        threshold, offset = self.model.mask_threshold, self.stability_score_offset
        inner, outer = ((masks > level).sum(dim=(-2, -1)).float() for level in (threshold + offset, threshold - offset))
        return inner / outer
