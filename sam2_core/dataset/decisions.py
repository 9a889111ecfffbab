"""Proposals as a file for a person, and the decisions in it.

The file is COCO, so that other programs show the masks; each annotation has a "decision" to be filled in.
"""

from __future__ import annotations

import json
from collections.abc import Set
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from sam2_core.dataset.coco import write_coco
from sam2_core.dataset.events import Decided
from sam2_core.dataset.records import MAX_ID, VERDICTS, Annotation, Verdict, mask_from_json, number, text, whole
from sam2_core.dataset.state import DatasetState
from sam2_core.errors import DataError
from sam2_core.media import MAX_LABEL_LENGTH
from sam2_core.types import Mask

MAX_FILE_BYTES = 500_000_000
FORMAT = """\
{"annotations": [
    {"id": 7, "decision": "accepted"},
    {"id": 8, "decision": "rejected"},
    {"id": 9, "decision": "changed", "segmentation": {"size": [480, 640], "counts": "..."}, "label": "dog"}
]}

"open" leaves a proposal, and what was decided about it, as it is. "label" and "seconds" (that the person took) may be
left out, and other fields are ignored, so that proposals.json with its decisions filled in is such a file. A changed
mask is COCO run lengths. An accepted proposal whose segmentation is another one than was proposed counts as changed.
"""


def write_proposals(path: Path, state: DatasetState, left_out: Set[int] = frozenset()) -> None:
    """Write the open proposals, without those of the images `left_out`."""
    waiting = {each.id: each for each in state.open_proposals()}
    images = {each.image_id for each in waiting.values()}
    unasked = left_out | (state.images.keys() - images)
    write_coco(path, replace(state, annotations=waiting), unasked, {"decision": "open"})


def read_decisions(path: Path, state: DatasetState) -> list[Decided]:
    """The decisions of a file that change something. Raises `DataError`, also if any of them does not fit the state.

    An "open" one, as each is written at first, changes nothing, whatever became of the proposal since: several people
    may share the work, each in a copy of the file.
    """
    found: dict[int, Decided] = {}
    for position, each in enumerate(_listed(path), start=1):
        try:
            decision = _read_decision(each, state)
            if decision.verdict == "open":
                continue
            state.check(decision)
        except DataError as error:
            raise DataError(
                f"Nothing was changed, as decision {position} of {path.name} does not fit: {error}"
            ) from error
        if decision.proposal_id in found:
            raise DataError(f"Nothing was changed, as {path.name} decides twice about {decision.proposal_id}.")
        found[decision.proposal_id] = decision
    return [each for each in found.values() if state.decisions.get(each.proposal_id) != each]


def count_unconfirmed(path: Path, state: DatasetState) -> int:
    """How many decisions of a file the state does not know: they would be lost if it were written anew.

    One that cannot be read counts, too, as a person may have written it. Raises `DataError` for a file of another kind.
    """
    return sum(_is_unconfirmed(each, state) for each in _listed(path)) if path.exists() else 0


def _is_unconfirmed(plain: Any, state: DatasetState) -> bool:
    try:
        decision = _read_decision(plain, state)
    except DataError:
        return True
    return decision.verdict != "open" and state.decisions.get(decision.proposal_id) != decision


def _listed(path: Path) -> list[Any]:
    if not path.is_file():
        raise DataError(f"There is no file {path} with decisions.")
    if path.stat().st_size > MAX_FILE_BYTES:
        raise DataError(f"{path} is too large for a file with decisions.")
    try:
        plain = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is not JSON ({error}). Correct it.") from error
    listed = plain.get("annotations") if isinstance(plain, dict) else None
    if not isinstance(listed, list):
        raise DataError(
            f'{path} is no file with decisions: one reads {{"annotations": [...]}}; `masklet dataset confirm --help` '
            "shows one."
        )
    return listed


def _read_decision(plain: Any, state: DatasetState) -> Decided:
    if not isinstance(plain, dict):
        raise DataError('it is no object with "id" and "decision".')
    verdict = plain.get("decision")
    if verdict not in VERDICTS:
        raise DataError(f'"decision" is one of {", ".join(VERDICTS)}, not {verdict!r}.')
    label, proposal_id = plain.get("label"), whole(plain.get("id"), MAX_ID)
    mask = mask_from_json(plain.get("segmentation")) if verdict == "changed" else None
    if verdict == "accepted" and (mask := _edited_mask(plain.get("segmentation"), state.proposals.get(proposal_id))):
        verdict = "changed"
    return Decided(
        proposal_id,
        cast("Verdict", verdict),
        mask,
        None if label is None else text(label, MAX_LABEL_LENGTH),
        number(plain.get("seconds")),
    )


def _edited_mask(segmentation: Any, proposal: Annotation | None) -> Mask | None:
    """The mask of an accepted proposal if a person has edited it. Raises `DataError` for one that cannot be read: it
    may be an edit, so that the proposed mask is not taken in its place."""
    if segmentation is None or proposal is None:
        return None
    try:
        mask = mask_from_json(segmentation)
    except DataError as error:
        raise DataError(
            f"the segmentation of the accepted proposal {proposal.id} is not the proposed one, and cannot be read as "
            "COCO run lengths. Leave it out to take the proposal as it is."
        ) from error
    return None if mask == proposal.mask else mask
