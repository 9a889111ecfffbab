"""What the tests of engines share."""

from __future__ import annotations

import pytest

from sam2_core.media import ingest
from tests.media.numbered import make_clip


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("clip")
    ingest(make_clip(folder / "clip.mp4", frames=12), folder / "store")
    return str(folder / "store")
