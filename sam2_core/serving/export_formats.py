"""All formats that a session can be exported to: those of masked media, and the dataset folder of the data engine."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sam2_core.dataset.export import DATASET_FORMAT
from sam2_core.media import EXPORT_FORMATS
from sam2_core.media.export_options import ExportFormat

SESSION_FORMATS: Mapping[str, ExportFormat] = MappingProxyType({**EXPORT_FORMATS, "dataset": DATASET_FORMAT})
