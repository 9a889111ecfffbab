"""The command line. Each command is a module with `USAGE`, `EXAMPLES`, `add_options(parser)` and `run(options, build)`.

main.py         finds the command; turns every error into one sentence and an exit code
segment.py, track.py, run.py, automatic.py, export.py     write files from images and clips
models.py, formats.py, presets.py                         list networks, export formats, effects and their presets
options.py      argparse options that several commands share; prompts.py: prompts from options or from a JSON file
annotations.py  masks from annotation files; results.py: a summary of the masks for --json
outputs.py      options become export options; inputs.py: files and folders become tasks with target files
batch.py        processes tasks: existing targets are skipped, a failed task is reported and the others go on
session.py      the engine (built on first use) and sessions on media in temporary folders
"""
