"""Training: data, simulated prompts, losses, loop. Trains the bundled network and fine-tunes any other.

    datasets             readers of annotated images and clips in the usual layouts
    augment              labeled pictures by copy-paste, written to files or made while training
    synthetic            samples made from them: crops, composites, drawn scenes, clips; determined by a seed
    data_loading         reads the data sets of a run, and holds some images out
    clip_sampler         samples from annotated clips
    batches              batches that depend only on seed, process and step
    prompts              simulated clicks, boxes and corrections
    image_interaction    one step on images: a first prompt and corrections
    clip_interaction     one step on clips: a first prompt, tracking, corrections
    clip_crops           crops around masks for CLIP (research)
    step                 what both share: random generators, results
    losses               mask, predicted IoU and object score
    loop, train          the training loop; what each process of a run does
    processes            data-parallel training
    trainable_parts      what is trained: everything, the decoder, the memory, low-rank changes
    optimizer            optimizers, learning rate, moving average of the weights
    initialization       initial weights of a new network; input_size: the same weights for images of another size
    checkpoint           files to resume from, and weights; average: the mean of several runs
    metrics_log, curves  figures.csv and curves.png
    evaluate             scores of any weights, and of methods that need no network

`python -m sam2_core.training --config configs/train/nano.yaml` trains; see `--help`.
"""
