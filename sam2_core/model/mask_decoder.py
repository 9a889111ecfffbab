"""The mask decoder (paper, section 4 and appendix D): tokens to masks with predicted IoU and object score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias, cast

import torch
from torch import Tensor, nn

from sam2_core.model.config import NetworkConfig, SegmentationConfig
from sam2_core.model.derived import derived, is_cpu_inference
from sam2_core.model.layers import MLP, LayerNorm2d, cpu_autocast, linear
from sam2_core.model.two_way_transformer import TwoWayTransformer

CANDIDATES = 3

_PROMPTS = 4
"""On CPUs, prompts that are decoded at a time: the maps of more do not stay in caches."""


class MaskPrediction(NamedTuple):
    """Mask `logits` (B, M, 4H, 4W), `predicted_iou` (B, M), output `tokens` (B, M, C), `object_score` logit (B, 1).

    A tuple in the order of the official decoder, whose callers unpack it.
    """

    logits: Tensor
    predicted_iou: Tensor
    tokens: Tensor
    object_score: Tensor


_Upscaling: TypeAlias = tuple[nn.ConvTranspose2d, LayerNorm2d, nn.GELU, nn.ConvTranspose2d, nn.GELU]


class CandidateDecoder(nn.Module):
    """What the mask decoders of SAM and SAM 2 share: a single mask and three candidates with their predicted IoUs.

    Each makes its modules itself, in the order of its checkpoints.
    """

    transformer: TwoWayTransformer
    iou_token: nn.Embedding
    mask_tokens: nn.Embedding
    output_upscaling: nn.Sequential
    output_hypernetworks_mlps: nn.ModuleList
    iou_prediction_head: MLP

    @staticmethod
    def _new_upscaling(width: int) -> nn.Sequential:
        return nn.Sequential(
            nn.ConvTranspose2d(width, width // 4, kernel_size=2, stride=2),
            LayerNorm2d(width // 4),
            nn.GELU(),
            nn.ConvTranspose2d(width // 4, width // 8, kernel_size=2, stride=2),
            nn.GELU(),
        )

    @staticmethod
    def _new_hypernetworks(width: int) -> nn.ModuleList:
        return nn.ModuleList(MLP((width, width, width, width // 8)) for _ in range(1 + CANDIDATES))

    @staticmethod
    def _new_iou_head(config: SegmentationConfig) -> MLP:
        return MLP((config.width, config.iou_head_width, config.iou_head_width, 1 + CANDIDATES))

    def decode(
        self, output_tokens: Tensor, prompt_tokens: Tensor, image: Tensor, image_pe: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Output tokens (N', C), prompt tokens (B, N, C), embedding plus mask prompt (B or 1, C, H, W), its positions
        (1, C, H, W) -> output tokens (B, N', C) and map (B, C, H, W)."""
        batch = len(prompt_tokens)
        tokens = torch.cat([output_tokens.expand(batch, -1, -1), prompt_tokens], dim=1)
        tokens, image = self.transformer(tokens, image, image_pe)
        return tokens[:, : len(output_tokens)], image

    def mask_logits(self, mask_tokens: Tensor, image: Tensor, high_res: Sequence[Tensor] = ()) -> Tensor:
        """Mask tokens (B, 4, C), map (B, C, H, W) and maps of stride 4 and 8, if any -> logits (B, 4, 4H, 4W)."""
        up1, norm, act1, up2, act2 = cast("_Upscaling", tuple(self.output_upscaling))
        dtype = cpu_autocast(image) or image.dtype
        stride4, stride8 = (each.permute(0, 2, 3, 1).to(dtype) for each in high_res) if high_res else (0, 0)
        # Channels last, as the transformer leaves the map: (B, 2H, 2W, C / 4), then (B, 4H, 4W, C / 8).
        pixels = upscale(up1, image.permute(0, 2, 3, 1)) + stride8
        pixels = act1(norm.channels_last(pixels))
        pixels = act2(upscale(up2, pixels) + stride4)
        filters = torch.stack(
            [mlp(mask_tokens[:, index]) for index, mlp in enumerate(self.output_hypernetworks_mlps)], dim=1
        )
        return (filters @ pixels.flatten(1, 2).transpose(1, 2)).unflatten(2, pixels.shape[1:3])


def upscale(layer: nn.ConvTranspose2d, x: Tensor) -> Tensor:
    """A transposed convolution of kernel and stride 2 on channels last, (B, H, W, C) -> (B, 2H, 2W, C').

    Its outputs do not overlap, so that it is a product with a matrix.
    """

    dtype = cpu_autocast(x) or layer.weight.dtype

    def compute() -> tuple[Tensor, Tensor]:
        matrix = layer.weight.permute(2, 3, 1, 0).flatten(0, 2).contiguous()  # (4 C', C)
        return matrix.to(dtype), cast("Tensor", layer.bias).repeat(4).to(dtype)

    weight, bias = derived(layer, dtype, (layer.weight, layer.bias), compute)
    doubled = linear(x, weight, bias).unflatten(-1, (2, 2, -1))  # (B, H, W, 2, 2, C')
    return doubled.transpose(2, 3).flatten(3, 4).flatten(1, 2)


class MaskDecoder(CandidateDecoder):
    """The mask decoder of SAM 2; `forward` returns the single mask, the candidates, or all of them.

    With `stability_fallback`, a single mask whose stability at `stability_delta` is below `stability_threshold` is
    replaced by the best candidate, except in training.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        width = config.width
        self.stability_fallback = True
        self.stability_delta = 0.05
        self.stability_threshold = 0.98
        self.transformer = TwoWayTransformer(config)
        self.obj_score_token = nn.Embedding(1, width)
        self.iou_token = nn.Embedding(1, width)
        self.mask_tokens = nn.Embedding(1 + CANDIDATES, width)
        self.conv_s0 = nn.Conv2d(width, width // 8, kernel_size=1)
        self.conv_s1 = nn.Conv2d(width, width // 4, kernel_size=1)
        self.output_upscaling = self._new_upscaling(width)
        self.output_hypernetworks_mlps = self._new_hypernetworks(width)
        self.iou_prediction_head = self._new_iou_head(config)
        self.pred_obj_score_head = MLP((width, width, width, 1))

    def forward(
        self,
        image_embeddings: Tensor,
        image_pe: Tensor,
        sparse_prompt_embeddings: Tensor,
        dense_prompt_embeddings: Tensor,
        multimask_output: bool | None,
        repeat_image: bool,
        high_res_features: Sequence[Tensor],
    ) -> MaskPrediction:
        """Predict a single mask (M = 1), three candidates (`multimask_output`, M = 3), or all of them (None, M = 4).

        Signature and order of results are the official ones. Image embedding (B or 1, C, H, W), its positions
        (1, C, H, W), prompt tokens (B, N, C), map of the mask prompt (B or 1, C, H, W), features of stride 4 (B or 1,
        C / 8, 4H, 4W) and 8 (B or 1, C / 4, 2H, 2W). An embedding of batch 1 is shared by all prompts with or without
        `repeat_image`.
        """
        prediction = self.predict_masks(
            image_embeddings,
            image_pe,
            sparse_prompt_embeddings,
            dense_prompt_embeddings,
            repeat_image,
            high_res_features,
        )
        if multimask_output is None:
            return prediction
        if multimask_output:
            return _select(prediction, slice(1, None))
        single = _select(prediction, slice(0, 1))
        if not self.stability_fallback or self.training:
            return single
        logits, predicted_iou = self._dynamic_multimask_via_stability(prediction.logits, prediction.predicted_iou)
        return MaskPrediction(logits, predicted_iou, single.tokens, single.object_score)

    def predict_masks(
        self,
        image_embeddings: Tensor,
        image_pe: Tensor,
        sparse_prompt_embeddings: Tensor,
        dense_prompt_embeddings: Tensor,
        repeat_image: bool,
        high_res_features: Sequence[Tensor],
    ) -> MaskPrediction:
        """The single mask followed by the candidates (M = 4); arguments as in `forward`."""
        inputs = (image_embeddings, image_pe, sparse_prompt_embeddings, dense_prompt_embeddings)
        count = len(sparse_prompt_embeddings)
        if count > _PROMPTS and is_cpu_inference(image_embeddings):
            parts = []
            for some in torch.arange(count).split(_PROMPTS):
                image, positions, sparse, dense = (_part(each, some) for each in inputs)
                high_res = [_part(each, some) for each in high_res_features]
                parts.append(self.predict_masks(image, positions, sparse, dense, repeat_image, high_res))
            return MaskPrediction(*(torch.cat(each) for each in zip(*parts, strict=True)))
        output_tokens = torch.cat([self.obj_score_token.weight, self.iou_token.weight, self.mask_tokens.weight])
        if len(dense_prompt_embeddings) > 1 and dense_prompt_embeddings.stride(0) == 0:
            dense_prompt_embeddings = dense_prompt_embeddings[:1]  # no mask prompts
        image = image_embeddings + dense_prompt_embeddings
        tokens, image = self.decode(output_tokens, sparse_prompt_embeddings, image, image_pe)
        object_token, iou_token, mask_tokens = tokens[:, 0], tokens[:, 1], tokens[:, 2:]
        return MaskPrediction(
            logits=self.mask_logits(mask_tokens, image, high_res_features),
            predicted_iou=self.iou_prediction_head(iou_token).sigmoid(),
            tokens=mask_tokens,
            object_score=self.pred_obj_score_head(object_token),
        )

    # --- names of the official `MaskDecoder` -------------------------------------------------------------------

    num_multimask_outputs = CANDIDATES
    num_mask_tokens = 1 + CANDIDATES
    use_high_res_features = pred_obj_scores = use_multimask_token_for_obj_ptr = True

    @property
    def transformer_dim(self) -> int:
        """C, the width of tokens and map."""
        return self.mask_tokens.embedding_dim

    @property
    def dynamic_multimask_via_stability(self) -> bool:
        """`stability_fallback`."""
        return self.stability_fallback

    @dynamic_multimask_via_stability.setter
    def dynamic_multimask_via_stability(self, value: bool) -> None:
        self.stability_fallback = value

    @property
    def dynamic_multimask_stability_delta(self) -> float:
        """`stability_delta`."""
        return self.stability_delta

    @dynamic_multimask_stability_delta.setter
    def dynamic_multimask_stability_delta(self, value: float) -> None:
        self.stability_delta = value

    @property
    def dynamic_multimask_stability_thresh(self) -> float:
        """`stability_threshold`."""
        return self.stability_threshold

    @dynamic_multimask_stability_thresh.setter
    def dynamic_multimask_stability_thresh(self, value: float) -> None:
        self.stability_threshold = value

    def _get_stability_scores(self, mask_logits: Tensor) -> Tensor:
        return stability(mask_logits, self.stability_delta)

    def _dynamic_multimask_via_stability(
        self, all_mask_logits: Tensor, all_iou_scores: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Of all masks (B, 4, 4H, 4W) and predicted IoUs (B, 4) the single one, or the best candidate where that is
        unstable: (B, 1, 4H, 4W) and (B, 1)."""
        single, candidates = all_mask_logits[:, :1], all_mask_logits[:, 1:]
        candidate_ious = all_iou_scores[:, 1:]
        best = candidate_ious.argmax(dim=-1, keepdim=True)  # (B, 1)
        stable = self._get_stability_scores(single) >= self.stability_threshold  # (B, 1)
        best_logits = torch.take_along_dim(candidates, best[..., None, None], dim=1)
        return (
            torch.where(stable[..., None, None], single, best_logits),
            torch.where(stable, all_iou_scores[:, :1], torch.take_along_dim(candidate_ious, best, dim=1)),
        )


def _part(x: Tensor, which: Tensor) -> Tensor:
    """Some of a batch; all of it where it is the same for all."""
    return x if len(x) == 1 else x[int(which[0]) : int(which[-1]) + 1]


def _select(prediction: MaskPrediction, which: slice) -> MaskPrediction:
    return MaskPrediction(
        prediction.logits[:, which],
        prediction.predicted_iou[:, which],
        prediction.tokens[:, which],
        prediction.object_score,
    )


def stability(logits: Tensor, delta: float) -> Tensor:
    """IoU of the masks thresholded at +delta and -delta: (..., H, W) -> (...); 1 where both are empty."""
    inner = (logits > delta).flatten(-2).sum(-1).float()
    outer = (logits > -delta).flatten(-2).sum(-1).float()
    return torch.where(outer > 0, inner / outer, 1.0)
