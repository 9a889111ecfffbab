"""What holds now in a data set: the fold of its events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from sam2_core.dataset.events import (
    VERSION,
    Annotated,
    Created,
    Decided,
    Event,
    Finished,
    ImageAdded,
    Proposed,
    Removed,
    Withdrawn,
)
from sam2_core.dataset.records import SET_ASIDE, Annotation, ImageRecord, Stage
from sam2_core.errors import DataError
from sam2_core.media.names import fold_name
from sam2_core.types import Mask


@dataclass(slots=True)
class DatasetState:
    """Images, annotations and proposals by id, the last decision about each proposal, and finished stages of images.

    The annotation of an accepted or changed proposal has the id of the proposal.
    """

    images: dict[int, ImageRecord] = field(default_factory=dict)
    annotations: dict[int, Annotation] = field(default_factory=dict)
    proposals: dict[int, Annotation] = field(default_factory=dict)
    decisions: dict[int, Decided] = field(default_factory=dict)
    finished: dict[tuple[int, Stage], Finished] = field(default_factory=dict)
    next_id: int = 1
    """Of annotations and proposals, which share their ids."""
    names: set[str] = field(default_factory=set)
    """Names of the images' files, by `fold_name`."""
    _by_content: dict[str, int] = field(default_factory=dict)

    def check(self, event: Event) -> None:
        """Raise `DataError` if the event cannot follow."""
        match event:
            case Created(version) if version > VERSION:
                raise DataError("This data set was written by a newer version of Masklet. Update Masklet to open it.")
            case ImageAdded(image):
                if image.id in self.images or fold_name(image.name) in self.names or image.digest in self._by_content:
                    raise DataError(f"There is an image {image.name} already.")
            case Annotated(annotation):
                self._check_mask(annotation.image_id, annotation.mask)
                known = self.annotations.get(annotation.id)
                if known is not None and known.image_id != annotation.image_id:
                    raise DataError("An annotation cannot move to another image.")
                if known is None and annotation.id in self.proposals:
                    raise DataError("A proposal becomes an annotation by a decision.")
            case Proposed(proposal):
                self._check_mask(proposal.image_id, proposal.mask)
                if proposal.id in self.annotations or proposal.id in self.proposals:
                    raise DataError(f"There is a mask {proposal.id} already.")
            case Removed(annotation_id) if annotation_id not in self.annotations:
                raise DataError(f"There is no annotation {annotation_id}.")
            case Withdrawn(proposal_id) if not self.is_open(proposal_id):
                raise DataError(f"There is no open proposal {proposal_id}.")
            case Decided(proposal_id, mask=mask):
                if proposal_id not in self.proposals:
                    raise DataError(f"There is no proposal {proposal_id}.")
                if mask is not None:
                    self._check_mask(self.proposals[proposal_id].image_id, mask)
            case Finished(image_id) if image_id not in self.images:
                raise DataError(f"There is no image {image_id}.")

    def apply(self, event: Event) -> None:
        """Follow an event that `check` accepts."""
        match event:
            case ImageAdded(image):
                self.images[image.id] = image
                self.names.add(fold_name(image.name))
                self._by_content[image.digest] = image.id
            case Annotated(annotation):
                self.annotations[annotation.id] = annotation
                self.next_id = max(self.next_id, annotation.id + 1)
            case Removed(annotation_id):
                del self.annotations[annotation_id]
            case Proposed(proposal):
                self.proposals[proposal.id] = proposal
                self.next_id = max(self.next_id, proposal.id + 1)
            case Withdrawn(proposal_id):
                del self.proposals[proposal_id]
            case Decided():
                self._decide(event)
            case Finished(image_id, stage):
                self.finished[image_id, stage] = event

    def _decide(self, decision: Decided) -> None:
        proposal = self.proposals[decision.proposal_id]
        self.annotations.pop(proposal.id, None)
        if decision.verdict == "open":
            self.decisions.pop(proposal.id, None)
            return
        self.decisions[proposal.id] = decision
        if decision.verdict == "rejected":
            return
        self.annotations[proposal.id] = replace(
            proposal,
            mask=decision.mask or proposal.mask,
            source="confirmed" if decision.verdict == "accepted" else "person",
            label=proposal.label if decision.label is None else decision.label,
            seconds=decision.seconds,
        )

    def _check_mask(self, image_id: int, mask: Mask) -> None:
        image = self.images.get(image_id)
        if image is None:
            raise DataError(f"There is no image {image_id}.")
        if (mask.height, mask.width) != (image.height, image.width):
            raise DataError(
                f"The mask is {mask.width} x {mask.height} pixels, and {image.name} is {image.width} x {image.height}."
            )

    # --- questions ----------------------------------------------------------------------------------------------

    def is_open(self, proposal_id: int) -> bool:
        """Whether there is such a proposal and nobody has decided about it."""
        return proposal_id in self.proposals and proposal_id not in self.decisions

    def open_proposals(self, image_id: int | None = None) -> list[Annotation]:
        """The proposals that wait for a decision, of one image or of all."""
        waiting = (each for number, each in self.proposals.items() if number not in self.decisions)
        return [each for each in waiting if image_id in (None, each.image_id)]

    def rejected(self, image_id: int) -> Iterator[Annotation]:
        """The proposals of an image that a person rejected."""
        for number, decision in self.decisions.items():
            if decision.verdict == "rejected" and self.proposals[number].image_id == image_id:
                yield self.proposals[number]

    def annotations_of(self, image_id: int) -> list[Annotation]:
        """The annotations of an image."""
        return [each for each in self.annotations.values() if each.image_id == image_id]

    def image_of_content(self, digest: str) -> ImageRecord | None:
        """The image with this SHA-256, if there is one."""
        number = self._by_content.get(digest)
        return None if number is None else self.images[number]

    def set_aside(self, image_ids: Iterable[int] | None = None) -> set[int]:
        """Which of these images (of all, if None) are measured on and never trained on: a fifth, by their content.

        At least one of several is set aside: the one of the least rank. An image that was trained on once cannot be set
        aside later, however many are added.
        """
        images = [self.images[number] for number in (self.images if image_ids is None else image_ids)]
        chosen = {each.id for each in images if each.rank < SET_ASIDE}
        if not chosen and len(images) > 1:
            chosen = {min(images, key=lambda each: (each.rank, each.id)).id}
        return chosen
