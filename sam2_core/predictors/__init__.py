"""The official SAM 2 Python API; `sam2_core` re-exports its public names."""
