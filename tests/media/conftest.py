"""Sources that several tests read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PIL import Image

from sam2_core.media import Store, ingest, open_store
from tests.media.masked_media import FRAMES, HEIGHT, WIDTH
from tests.media.numbered import make_clip, numbered_image


@pytest.fixture(scope="package")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A clip of six frames, 96 x 64."""
    folder = tmp_path_factory.mktemp("clip")
    ingest(make_clip(folder / "clip.mp4", frames=FRAMES), folder / "store")
    with open_store(folder / "store") as store:
        yield store


@pytest.fixture(scope="package")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A picture of the same size."""
    folder = tmp_path_factory.mktemp("still")
    Image.fromarray(numbered_image(5, HEIGHT, WIDTH)).save(folder / "still.png")
    ingest(folder / "still.png", folder / "store")
    with open_store(folder / "store") as store:
        yield store
