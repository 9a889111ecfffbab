"""Photos of several sizes, with spaces and dots in their names."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PIL import Image

from sam2_core.media import Store, ingest_album, open_store
from tests.media.numbered import numbered_image

SIZES = {"a b.png": (64, 96), "a (b).png": (70, 100), "IMG.01.jpg": (96, 97)}


@pytest.fixture(scope="package")
def album(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Three photos."""
    folder = tmp_path_factory.mktemp("album")
    for number, (name, size) in enumerate(SIZES.items()):
        Image.fromarray(numbered_image(number, *size)).save(folder / name)
    ingest_album([folder / name for name in SIZES], folder / "store")
    with open_store(folder / "store") as store:
        yield store
