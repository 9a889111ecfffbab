"""The official SAM 2 Python API on top of the network; names are re-exported by `sam2_core`."""
