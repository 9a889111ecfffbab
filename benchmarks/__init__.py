"""Figures of speed and memory, each from one command: `python -m benchmarks.<name> --help`.

Machines are noisy, so what is compared is measured in turns within one run, and medians are printed with ratios.
"""
