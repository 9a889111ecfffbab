"""Images that documents describe, each of which is read for the frame that it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from sam2_core.errors import MediaError
from sam2_core.media.readers.annotation_builder import AnnotationBuilder
from sam2_core.media.readers.documents import Document, located_names
from sam2_core.media.readers.frame_matching import no_frame
from sam2_core.media.readers.size_fitting import Fit

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class DescribedImage(Generic[T]):
    """A description of an image in a document, and the names of the image, of which the first one that fits counts."""

    document: Document
    names: Sequence[str]
    content: T
    index: int | None = None
    """The frame number beside the names."""


def read_images(
    images: Iterable[DescribedImage[T]],
    read: Callable[[T, int], None],
    builder: AnnotationBuilder,
    binding: bool = True,
) -> None:
    """Call `read` with the description of each image and its frame; images that are no frame are skipped.

    Args:
        read: may raise `MediaError`, for which the image is skipped.
        binding: False if the names are not meant to name pictures, see `frame_matching.match_frames`.
    """
    listed = [*images]
    firsts = located_names([(each.document, each.names[0] if each.names else "") for each in listed])
    names = [(first, *each.names[1:]) for first, each in zip(firsts, listed, strict=True)]
    frames = builder.match_frames(names, [each.index for each in listed], binding)
    for done, (each, frame) in enumerate(zip(listed, frames, strict=True)):
        builder.progress(done, len(listed))
        with builder.document(each.document.name), builder.item(each.names[0] if each.names else ""):
            if frame is None:
                raise MediaError(no_frame(builder.info))
            read(each.content, frame)


def fit_for(frame: int, height: int | None, width: int | None, builder: AnnotationBuilder) -> Fit:
    """How shapes of an image of this size, as its document has it, become those of the frame; see `Fit`.

    An unknown size is taken for that of the frame. Raises `MediaError` for a size of another aspect.
    """
    return builder.fit(frame, (height, width) if height and width else builder.info.size_of(frame))
