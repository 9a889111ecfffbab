"""Measurements of speed and memory, one command each: `python -m benchmarks.<name> --help`.

Machines are noisy, so variants that are compared are measured in turns within one run, and medians are printed.
"""
