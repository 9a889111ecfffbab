"""The command line, one module for each of its words.

main.py         finds the word, and turns every error into one sentence and an exit code
segment.py, track.py, run.py, automatic.py, export.py     make files of pictures and clips
models.py, formats.py, presets.py                          tell what there is
options.py      the options that several words share; prompts.py: what is said about objects
annotations.py  masks that are there already; results.py: what was found, as plain data; ways.py: where to track
outputs.py      options become orders; inputs.py: files and folders become tasks, each with the files it is to give
batch.py        works tasks through: what is there is skipped, what fails is reported and the rest goes on
session.py      the terminal, the network (loaded when first needed) and the folders of passage
terminal.py     what is said on the terminal
"""
