"""How good are some weights? Promptable segmentation of pictures and clips, scored with a simulated user.

    protocol      which objects count, and where a clip begins
    clicks        the simulated user: always the same clicks on the same masks
    metrics       IoU, boundary F, calibration of the predicted IoU, means by source
    images        clicks and boxes on pictures
    clips         one mask or one click on a clip's first frame
    baselines     what a user could have without a network
    report        tables as text and plain data for json
    reliability   the calibration as a picture
    sheets        contact sheets: what the figures look like

`python -m sam2_core.training.evaluate --help` says what can be chosen; a training measures itself with
`evaluate_images(network, pictures)`.
"""

from sam2_core.training.evaluate.clip_evaluation import ClipsResult, evaluate_clips
from sam2_core.training.evaluate.image_evaluation import ImagesResult, evaluate_images

__all__ = ["ClipsResult", "ImagesResult", "evaluate_clips", "evaluate_images"]
