"""The command line. Each command is a module with `USAGE`, `EXAMPLES`, `add_options(parser)` and `run(options, build)`.

main.py         finds the command; turns every error into one sentence and an exit code
segment.py, track.py, run.py, automatic.py, export.py     write files from images and clips
models.py, formats.py, presets.py                         list networks, export formats, effects and their presets
options.py      argparse options that several commands share; prompts.py: prompts from options or from a JSON file
tighten.py      boxes of annotation files become those of masks
augment.py      labeled pictures by copy-paste
dataset.py      a dataset folder; dataset_stages.py: its stages, image by image; dataset_training.py: training on it
text_prompts.py objects that a text names
annotations.py  masks from annotation files; results.py: a summary of the masks for --json
coordinates.py  points and boxes in pixels or per cent; companions.py: prompts or masks that are called like a source
inputs.py       files, folders, patterns and stdin become sources; tasks.py: sources become tasks with target files
outputs.py      options become export options, and --out a place for files
batch.py        processes tasks: what is up to date is skipped, a failed task is reported and the others go on
manifest.py     which files of a folder were written here; settings.py: a digest of all that a target file depends on
session.py      the engine (built on first use) and sessions on media in temporary folders
"""
