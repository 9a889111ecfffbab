"""The mask decoder (paper, section 4 and appendix D): tokens in, masks with predicted IoU and an object score out."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sam2_core.model.config import NetworkConfig
from sam2_core.model.layers import MLP, LayerNorm2d
from sam2_core.model.two_way_transformer import TwoWayTransformer

CANDIDATES = 3
_STABILITY_DELTA = 0.05
_STABILITY_THRESHOLD = 0.98


@dataclass(frozen=True, slots=True)
class MaskPrediction:
    """What the decoder says: `logits` (B, M, 4H, 4W), predicted IoU `predicted_iou` (B, M), output `tokens` (B, M, C),
    object-score logit `object_score` (B, 1)."""

    logits: Tensor
    predicted_iou: Tensor
    tokens: Tensor
    object_score: Tensor


class MaskDecoder(nn.Module):
    """Predicts one mask and three candidates at once; which of them is the answer depends on the prompt."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        width = config.width
        self.stability_fallback = True
        self.transformer = TwoWayTransformer(config)
        self.obj_score_token = nn.Embedding(1, width)
        self.iou_token = nn.Embedding(1, width)
        self.mask_tokens = nn.Embedding(1 + CANDIDATES, width)
        self.conv_s0 = nn.Conv2d(width, width // 8, kernel_size=1)
        self.conv_s1 = nn.Conv2d(width, width // 4, kernel_size=1)
        self.output_upscaling = nn.Sequential(
            nn.ConvTranspose2d(width, width // 4, kernel_size=2, stride=2),
            LayerNorm2d(width // 4),
            nn.GELU(),
            nn.ConvTranspose2d(width // 4, width // 8, kernel_size=2, stride=2),
            nn.GELU(),
        )
        self.output_hypernetworks_mlps = nn.ModuleList(
            MLP((width, width, width, width // 8)) for _ in range(1 + CANDIDATES)
        )
        self.iou_prediction_head = MLP((width, config.iou_head_width, config.iou_head_width, 1 + CANDIDATES))
        self.pred_obj_score_head = MLP((width, width, width, 1))

    def forward(
        self,
        image: Tensor,
        image_pe: Tensor,
        high_res: tuple[Tensor, Tensor],
        prompt_tokens: Tensor,
        multimask: bool | None,
    ) -> MaskPrediction:
        """Answer a prompt with one mask (M = 1), three candidates (`multimask`, M = 3), or all of them (None, M = 4).

        Image (B, C, H, W) with the mask prompt already added, positions (1, C, H, W), projected maps of stride 4
        (B or 1, C / 8, 4H, 4W) and stride 8 (B or 1, C / 4, 2H, 2W), prompt tokens (B, N, C).
        """
        everything = self.predict_all(image, image_pe, high_res, prompt_tokens)
        if multimask is None:
            return everything
        if multimask:
            return _pick(everything, slice(1, None))
        if self.stability_fallback and not self.training:
            return _stable_or_best(everything)
        return _pick(everything, slice(0, 1))

    def predict_all(
        self, image: Tensor, image_pe: Tensor, high_res: tuple[Tensor, Tensor], prompt_tokens: Tensor
    ) -> MaskPrediction:
        """The single mask and the candidates together (M = 4)."""
        output_tokens = torch.cat([self.obj_score_token.weight, self.iou_token.weight, self.mask_tokens.weight])
        tokens = torch.cat([output_tokens.expand(len(prompt_tokens), -1, -1), prompt_tokens], dim=1)
        tokens, image = self.transformer(tokens, image, image_pe)
        object_token, iou_token, mask_tokens = tokens[:, 0], tokens[:, 1], tokens[:, 2 : 3 + CANDIDATES]
        return MaskPrediction(
            logits=self._masks(mask_tokens, image, high_res),
            predicted_iou=self.iou_prediction_head(iou_token).sigmoid(),
            tokens=mask_tokens,
            object_score=self.pred_obj_score_head(object_token),
        )

    def _masks(self, mask_tokens: Tensor, image: Tensor, high_res: tuple[Tensor, Tensor]) -> Tensor:
        stride4, stride8 = high_res
        up1, norm, act1, up2, act2 = self.output_upscaling
        pixels = act2(up2(act1(norm(up1(image) + stride8))) + stride4)  # (B, C / 8, 4H, 4W)
        filters = torch.stack(
            [mlp(mask_tokens[:, index]) for index, mlp in enumerate(self.output_hypernetworks_mlps)], dim=1
        )
        return (filters @ pixels.flatten(2)).unflatten(2, pixels.shape[-2:])


def _pick(prediction: MaskPrediction, which: slice) -> MaskPrediction:
    # A single mask goes with its own token; so do the candidates (SAM 2 remembers the token of the mask it chose).
    return MaskPrediction(
        prediction.logits[:, which],
        prediction.predicted_iou[:, which],
        prediction.tokens[:, which],
        prediction.object_score,
    )


def _stable_or_best(prediction: MaskPrediction) -> MaskPrediction:
    """The single mask, or the best candidate where the single mask depends too much on the threshold."""
    single, candidates = _pick(prediction, slice(0, 1)), _pick(prediction, slice(1, None))
    best = candidates.predicted_iou.argmax(dim=-1, keepdim=True)  # (B, 1)
    stable = stability(single.logits, _STABILITY_DELTA) >= _STABILITY_THRESHOLD  # (B, 1)
    logits = torch.take_along_dim(candidates.logits, best[..., None, None], dim=1)
    return MaskPrediction(
        logits=torch.where(stable[..., None, None], single.logits, logits),
        predicted_iou=torch.where(
            stable, single.predicted_iou, torch.take_along_dim(candidates.predicted_iou, best, dim=1)
        ),
        tokens=single.tokens,
        object_score=single.object_score,
    )


def stability(logits: Tensor, delta: float) -> Tensor:
    """IoU of the masks thresholded at +delta and -delta: (..., H, W) -> (...); 1 where both are empty."""
    inner = (logits > delta).flatten(-2).sum(-1).float()
    outer = (logits > -delta).flatten(-2).sum(-1).float()
    return torch.where(outer > 0, inner / outer, 1.0)
