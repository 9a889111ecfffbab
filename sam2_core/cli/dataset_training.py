"""Fine-tuning on a dataset folder: new weights, and a card beside them that says what they are and how good."""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sam2_core.cli.dataset_stages import settings_digest
from sam2_core.cli.session import CommandContext
from sam2_core.dataset import SOURCES, DatasetFolder
from sam2_core.dataset.folder import MANIFEST, digest_of
from sam2_core.dataset.records import TRUSTED
from sam2_core.errors import ConfigError, DataError, MaskletError
from sam2_core.media.atomic import new_file
from sam2_core.media.file_lock import locked
from sam2_core.training.fine_tuning import fine_tune
from sam2_core.version import __version__

LEAST_IMAGES = 5
_TITLES = {"click1": "one click", "click3": "three clicks", "box": "a box"}
_FEW = 10  # pictures, on which scores may change by chance
_SAME = 0.002  # a smaller change of the IoU is none


def train(options: argparse.Namespace, context: CommandContext) -> int:
    """Train, and write the weights and their card. Raises `DataError` for too few pictures."""
    out: Path = options.out
    if out.suffix != ".safetensors":
        raise ConfigError("The new weights are a file for --out that ends in .safetensors.")
    folder = DatasetFolder.read(options.folder)
    for note in folder.notes:
        context.console.note(note)
    count = len(folder.annotated(TRUSTED))
    if count < LEAST_IMAGES:
        raise DataError(
            f"{count} pictures have masks that a person made or confirmed. Training needs at least {LEAST_IMAGES}, as "
            "one fifth is set aside to measure with."
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    busy = f"Another training writes {out} at the moment. Wait until it is done, or name another file for --out."
    with locked(out.absolute().with_name(f".{out.name}.lock"), busy):
        _train_and_write(options, context)
    return 0


def _train_and_write(options: argparse.Namespace, context: CommandContext) -> None:
    out: Path = options.out
    learned = SOURCES if options.with_automatic else TRUSTED
    run = _run_folder(options)
    context.console.begin(out.name)
    try:
        found = fine_tune(
            options.folder,
            run,
            options.init,
            options.network,
            options.minutes,
            learned=learned,
            measured=TRUSTED,
            progress=context.console.progress,
        )
    except MaskletError:  # nothing to go on with
        shutil.rmtree(run, ignore_errors=True)
        raise
    verdict = compare(found["before"], found["after"])
    card = {
        "weights": out.name,
        "network": options.network or options.init,
        "init": options.init,
        "pictures": {"learned": found["learned"], "measured": found["measured"]},
        "sources": list(learned),
        "minutes": options.minutes,
        "before": found["before"],
        "after": found["after"],
        "verdict": verdict,
        "sha256": digest_of(Path(found["weights"])),
        "masklet": __version__,
    }
    with new_file(out) as unfinished:
        shutil.copyfile(found["weights"], unfinished)
    with new_file(out.with_suffix(".json")) as unfinished:
        unfinished.write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    shutil.rmtree(run, ignore_errors=True)
    context.console.result(card, describe(card))


def compare(before: Mapping[str, float], after: Mapping[str, float]) -> str:
    """ "better", "worse" or "the same": the mean change of the IoU over the prompts."""
    names = [name for name in _TITLES if name in before and name in after]
    if not names:
        return "the same"
    change = sum(after[name] - before[name] for name in names) / len(names)
    return "the same" if abs(change) < _SAME else "better" if change > 0 else "worse"


def describe(card: Mapping[str, Any]) -> str:
    """What a training brought, for a person."""
    pictures = card["pictures"]
    lines = [f"Mean IoU on {pictures['measured']} pictures that were set aside (trained on {pictures['learned']}):"]
    for name, title in _TITLES.items():
        if name in card["before"] and name in card["after"]:
            before, after = card["before"][name], card["after"][name]
            lines.append(f"  {title:<14} {before:.3f} -> {after:.3f} ({after - before:+.3f})")
    advice = {
        "better": "Use it with --checkpoint.",
        "worse": "Keep the old one, or annotate more pictures.",
        "the same": "More pictures or minutes may help.",
    }
    verdict = {"better": "better", "worse": "worse", "the same": "as good as before"}[card["verdict"]]
    lines.append(f"The new weights are {verdict}. {advice[card['verdict']]}")
    if pictures["measured"] < _FEW:
        lines.append("This may be chance, with so few pictures to measure on. Annotate more.")
    return "\n".join(lines)


def _run_folder(options: argparse.Namespace) -> Path:
    """The folder of the run, emptied if the one there is of other masks, weights or options."""
    files = [options.folder / MANIFEST, *(Path(each) for each in (options.init, options.network) if each)]
    contents = [digest_of(each) for each in files if each.is_file()]
    digest = settings_digest([contents, options.init, options.network, options.minutes, options.with_automatic])
    folder = options.out.absolute().parent / f".{options.out.name}.training"
    settings = folder / "settings"
    if not (settings.is_file() and settings.read_text("utf-8") == digest):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        settings.write_text(digest, "utf-8")
    return folder
