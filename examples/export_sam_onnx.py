"""Export SAM's prompt encoder and mask decoder to ONNX: pip install onnx, then

python examples/export_sam_onnx.py --checkpoint sam_vit_b_01ec64.pth --model-type vit_b --output sam_vit_b.onnx
"""

import argparse
import warnings

import torch
from sam2_core.utils.onnx import SamOnnxModel

from sam2_core import sam_model_registry


def export(model: SamOnnxModel, path: str, opset: int = 17) -> None:
    """Write a file of which any number of points can be asked, for images of any size."""
    encoder = model.model.prompt_encoder
    inputs = {
        "image_embeddings": torch.randn(1, encoder.embed_dim, *encoder.image_embedding_size),
        "point_coords": torch.rand(1, 5, 2) * model.img_size,
        "point_labels": torch.tensor([[1.0, 0.0, 2.0, 3.0, -1.0]]),
        "mask_input": torch.randn(1, 1, *encoder.mask_input_size),
        "has_mask_input": torch.tensor([1.0]),
        "orig_im_size": torch.tensor([1500.0, 2250.0]),
    }
    extra = ["stability_scores", "areas"] if model.return_extra_metrics else []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about shapes that are constant here
        torch.onnx.export(
            model,
            tuple(inputs.values()),
            path,
            input_names=list(inputs),
            output_names=["masks", "iou_predictions", *extra, "low_res_masks"],
            dynamic_axes={"point_coords": {1: "num_points"}, "point_labels": {1: "num_points"}},
            opset_version=opset,
            dynamo=False,
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", required=True)
    parser.add_argument("--model-type", default="default", choices=list(sam_model_registry))
    parser.add_argument("--output", required=True)
    parser.add_argument("--opset", type=int, default=17)
    for flag in ("--return-single-mask", "--use-stability-score", "--return-extra-metrics"):
        parser.add_argument(flag, action="store_true")
    given = parser.parse_args()
    sam = sam_model_registry[given.model_type](checkpoint=given.checkpoint)
    export(
        SamOnnxModel(sam, given.return_single_mask, given.use_stability_score, given.return_extra_metrics),
        given.output,
        given.opset,
    )
