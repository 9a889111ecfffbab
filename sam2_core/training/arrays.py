"""Types of arrays and generators that several modules of training share."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

BinaryMask: TypeAlias = npt.NDArray[np.uint8]
"""Zeros and ones, (..., H, W): what samples hold. Data sets give booleans (`BoolArray`)."""
Random: TypeAlias = np.random.Generator
