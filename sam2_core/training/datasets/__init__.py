"""Masks that somebody drew, in the layouts in use; `open_dataset` in `layouts` finds out which one a path holds."""
