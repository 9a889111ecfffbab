"""Masklet."""
