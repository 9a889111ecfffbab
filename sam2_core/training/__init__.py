"""Training: data, simulated prompts, losses, loop. Trains the bundled network and fine-tunes any other.

    datasets     masks that somebody drew: readers for the layouts in use, all giving `LabeledImage` pictures and clips
    synthetic    masks that nobody drew: scenes, composites and clips made by seed
    prompts      a simulated user: clicks, boxes and corrections
    losses       what is minimised
    loop         the training itself: resumable, on one or more processes
    evaluate     how good some weights are, beside what a user could have for free

`python -m sam2_core.training --config configs/train/nano.yaml` trains; `--help` says the rest.
"""
