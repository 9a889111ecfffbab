"""Evaluation of weights: promptable segmentation of images and clips with simulated clicks and boxes.

    protocol           which objects are evaluated, and where a clip begins
    clicks             simulated clicks and boxes, without randomness
    metrics            IoU, boundary F, calibration of the predicted IoU, means by source
    image_evaluation   clicks and boxes on images
    clip_evaluation    a mask or a click for each object on the first frame of a clip
    baselines          methods without a network
    report             results as text tables and as plain data for JSON
    reliability        the calibration as a diagram
    contact_sheets     images of the predicted masks

Command line: `python -m sam2_core.training.evaluate --help`. Training calls `evaluate_images(network, images)`.
"""

from sam2_core.training.evaluate.clip_evaluation import ClipsResult, evaluate_clips
from sam2_core.training.evaluate.image_evaluation import ImagesResult, evaluate_images

__all__ = ["ClipsResult", "ImagesResult", "evaluate_clips", "evaluate_images"]
