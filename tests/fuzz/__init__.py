"""Fuzzing: whatever strangers send is answered, or refused with an error that was declared, and soon.

inputs.py     what is sent: plain data, text and bytes, some of it good, most of it damaged in a few places
targets.py    what reads it
test_fuzz.py  a few hundred inputs for each target, always the same ones, and the failures of the past (corpus/)
__main__.py   as many as are asked for: `python -m tests.fuzz --inputs 1000000`
"""
