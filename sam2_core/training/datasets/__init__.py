"""Readers of annotated data sets. `layouts.open_dataset` recognizes the layout of a path."""
